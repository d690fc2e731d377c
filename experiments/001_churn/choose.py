"""Compare settings of the churn model on validation snapshots, which all end before the first test snapshot.

``python experiments/001_churn/choose.py`` writes validation.json and the table of README.md.
"""

import argparse
import sys
from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
from churn_study import RUN, predict_all
from study import parser, run, shown_progress
from study_probability import Views, report_candidates

from crm_ml.config import ChurnRun, load_run
from crm_ml.errors import LeakError
from crm_ml.evaluation.significance import evaluate
from crm_ml.snapshots import Snapshot
from crm_ml.train.experiment import load_tables

VALIDATION = tuple(date(2017, 5, 24) + timedelta(weeks=week) for week in range(11))
WINDOW = ("split.earliest=2017-03-01", "data.ends_at=2017-08-30")  # labels beyond it are refused
VIEWS: Views = {"auc": "folds", "log_loss": "pooled", "ece": "pooled"}
TITLES = {
    "mean AUC": "auc",
    "AUC - committed": "auc_difference",
    "log-loss": "log_loss",
    "log-loss - committed": "log_loss_difference",
    "ECE": "ece",
}
COMMITTED = "as committed"
_EXACT = (
    "{num_leaves: 12, min_data_in_leaf: 160, rounds: 300, extra_trees: false, feature_fraction: 0.5, "
    "feature_fraction_bynode: 1.0, bagging_fraction: 0.7, lambda_l2: 10.0, max_bin: 255}"
)
CANDIDATES: dict[str, tuple[str, ...]] = {
    COMMITTED: (),
    "trees alone": ("model={name: gradient_boosting}",),
    "trees alone, exact splits, 12 leaves": (f"model={{name: gradient_boosting, options: {_EXACT}}}",),
    "linear share 0.2": ("model.options.linear_share=0.2",),
    "linear share 0.5": ("model.options.linear_share=0.5",),
    "all features": ("leave_out=[]",),
    "not calibrated": ("calibration={methods: []}",),
    "calibration: isotonic": ("calibration={methods: [isotonic], snapshots: 2}",),
    "recency rule": (
        "model={name: recency_rule}",
        "calibration={methods: []}",
    ),
    "cadence rule": (
        "model={name: cadence_rule}",
        "calibration={methods: []}",
    ),
    "logistic, C = 0.03": (
        "model={name: logistic, options: {strength: 0.03}}",
        "calibration={methods: []}",
    ),
    "logistic, C = 1": (
        "model={name: logistic, options: {strength: 1.0}}",
        "calibration={methods: []}",
    ),
}
WITHOUT = {"without habit": "habit_*", "without attributes": "attribute_*"}


def main(argv: Sequence[str] | None = None) -> int:
    """Judge every candidate on the validation snapshots; return the exit code."""
    command = parser(__file__, "Compare settings on validation snapshots.", "validation.json")
    return run(_choose, command.parse_args(argv))


def _choose(arguments: argparse.Namespace) -> None:
    configs = candidates()
    test = check_validation(VALIDATION)
    with shown_progress() as progress:
        tables = test.known(load_tables(configs[COMMITTED]))  # nothing of the test window is read
        predictions = predict_all(configs, VALIDATION, tables, progress)
        rng = np.random.default_rng(configs[COMMITTED].seed)
        judged = evaluate(predictions, rng, tuple(VIEWS), configs[COMMITTED].replicates)
    days = f"{len(VALIDATION)} snapshots from {VALIDATION[0]} to {VALIDATION[-1]}"
    facts = f"{days}, {len(predictions.y):,} rows, {predictions.y.mean():.1%} churned."
    report_candidates(arguments.folder, judged, VIEWS, COMMITTED, TITLES, facts)


def candidates() -> dict[str, ChurnRun]:
    """Return the run of each candidate: the committed one with its overrides."""
    committed = load_run(RUN)
    runs = {name: load_run(RUN, [*WINDOW, *overrides]) for name, overrides in CANDIDATES.items()}
    for name, pattern in WITHOUT.items():
        runs[name] = load_run(RUN, [*WINDOW, f"leave_out=[{', '.join((*committed.leave_out, pattern))}]"])
    return runs


def check_validation(days: Sequence[date]) -> Snapshot:
    """Return the first test snapshot of the committed run.

    Raises
    ------
    LeakError
        If a validation snapshot's labels end after it; the message names all of them.
    """
    config = load_run(RUN)
    test = config.target.snapshot(min(config.split.test))
    late = [day for day in map(config.target.snapshot, days) if day.label_ends_at > test.as_of]
    if late:
        named = [f"{day.as_of:%Y-%m-%d}, whose labels end on {day.label_ends_at:%Y-%m-%d}" for day in late]
        raise LeakError(
            f"validation snapshots reach into the test window, which starts on {test.as_of:%Y-%m-%d}: "
            f"{'; '.join(named)}; validate earlier"
        )
    return test


if __name__ == "__main__":
    sys.exit(main())
