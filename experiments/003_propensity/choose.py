"""Compare settings of the propensity model on campaigns that had ended before the first test campaign.

``python experiments/003_propensity/choose.py`` writes validation.json and the table of README.md.
"""

import argparse
import sys
from collections.abc import Sequence
from datetime import timedelta

import numpy as np
from propensity_study import RUN, predict_all
from study import parser, run, shown_progress
from study_probability import report_candidates

from crm_ml.config import PropensityRun, load_run
from crm_ml.evaluation.significance import evaluate
from crm_ml.snapshots import Snapshot
from crm_ml.train.experiment import load_tables

METRICS = ("auc", "average_precision", "log_loss", "ece")
TITLES = {
    "log-loss": "log_loss",
    "log-loss - committed": "log_loss_difference",
    "AUC": "auc",
    "average precision": "average_precision",
    "ECE": "ece",
}
# enough campaigns had ended before those sent from then on; those sent until then ended before the test
WINDOW = ("split.test_from=2017-03-29", "split.test_until=2017-06-28", "split.open_windows=false")
COMMITTED = "as committed"
_BLEND = "model.options={{rounds: {}, linear_share: {}, strength: {}, n_seeds: {}}}"
_LEFT = (
    "action_days, action_offers, action_items, campaign_sent, campaign_answered, price_days_since_coupon, "
    "rfm_orders, rfm_paid_cents, 'rfm_*_180d', 'rfm_*_365d'"
)
CANDIDATES: dict[str, tuple[str, ...]] = {
    COMMITTED: (),
    "one seed": (_BLEND.format(400, 0.5, 0.03, 1),),
    "250 rounds": (_BLEND.format(250, 0.5, 0.03, 3),),
    "800 rounds": (_BLEND.format(800, 0.5, 0.03, 3),),
    "linear share 0.35": (_BLEND.format(400, 0.35, 0.03, 3),),
    "linear share 0.65": (_BLEND.format(400, 0.65, 0.03, 3),),
    "line with C = 0.01": (_BLEND.format(400, 0.5, 0.01, 3),),
    "line with C = 0.1": (_BLEND.format(400, 0.5, 0.1, 3),),
    "trees alone": ("model={name: gradient_boosting, options: {rounds: 400}}",),
    "without overlap": (f"leave_out=[{_LEFT}, 'overlap_*']",),
    "without overlap and history": (f"leave_out=[{_LEFT}, 'overlap_*', 'history_*']",),
    "without coupons in the overlap": (f"leave_out=[{_LEFT}, overlap_coupon_lines, overlap_offers_coupon]",),
    "with the campaign's sizes": (f"leave_out=[{_LEFT.partition('action_items, ')[2]}]",),
    "with habit, trend, cadence, basket": (
        "features={campaign: {}, price: {}, rfm: {}, habit: {}, trend: {}, cadence: {}, basket: {}}",
    ),
    "with attributes": ("features={campaign: {}, price: {}, rfm: {}, attributes: {}}",),
    "logistic, C = 0.01": ("model={name: logistic, options: {strength: 0.01}}",),
    "logistic, C = 0.03": ("model={name: logistic, options: {strength: 0.03}}",),
    "recency rule": ("model={name: recency_rule}",),
    "shrunk past rate": ("model={name: shrunk_rate}",),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Judge every candidate on the validation campaigns; return the exit code."""
    command = parser(__file__, "Compare settings on validation campaigns.", "validation.json")
    return run(_choose, command.parse_args(argv))


def _choose(arguments: argparse.Namespace) -> None:
    configs = candidates()
    committed = load_run(RUN)
    assert isinstance(committed, PropensityRun)
    first_test = Snapshot(committed.split.test_from, timedelta(days=1))
    with shown_progress() as progress:
        tables = first_test.known(load_tables(committed))  # nothing of the test window is read
        predictions = predict_all(configs, tables, progress)
        judged = evaluate(predictions, np.random.default_rng(committed.seed), METRICS, 1000, ("pooled",))
    folds = ", ".join(predictions.folds)
    facts = f"{folds}; {len(predictions.y):,} rows, {predictions.y.mean():.1%} answered."
    report_candidates(arguments.folder, judged, dict.fromkeys(METRICS, "pooled"), COMMITTED, TITLES, facts)


def candidates() -> dict[str, PropensityRun]:
    """Return the run of each candidate; labels beyond the first test campaign are refused."""
    committed = load_run(RUN)
    window = (*WINDOW, f"data.ends_at={committed.split.test_from}")
    return {name: load_run(RUN, [*window, *overrides]) for name, overrides in CANDIDATES.items()}


if __name__ == "__main__":
    sys.exit(main())
