"""Compare settings of the churn model on validation snapshots, which all end before the first test snapshot.

``python experiments/001_churn/choose.py`` writes validation.json and the table of README.md.
"""

import argparse
import json
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from churn_study import HERE, RUN, predict_all
from readme_tables import markdown, show, shown_progress, write_between

from crm_ml.config import ChurnRun, load_run
from crm_ml.errors import CrmError, LeakError
from crm_ml.evaluation.significance import Evaluation, evaluate
from crm_ml.snapshots import Snapshot
from crm_ml.train.experiment import load_tables

if TYPE_CHECKING:
    from crm_ml.evaluation.significance import Over

VALIDATION = tuple(date(2017, 5, 24) + timedelta(weeks=week) for week in range(11))
WINDOW = ("split.earliest=2017-03-01", "data.ends_at=2017-08-30")  # labels beyond it are refused
VIEWS: "Mapping[str, Over]" = {"auc": "folds", "log_loss": "pooled", "ece": "pooled"}
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
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before lightgbm is imported
    logging.basicConfig(level=logging.ERROR)
    parser = argparse.ArgumentParser("choose.py", description="Compare settings on validation snapshots.")
    parser.add_argument("--folder", type=Path, default=HERE, help="where README.md and validation.json stand")
    given = parser.parse_args(argv)
    try:
        configs = candidates()
        test = check_validation(VALIDATION)
        with shown_progress() as progress:
            tables = test.known(load_tables(configs[COMMITTED]))  # nothing of the test window is read
            predictions = predict_all(configs, VALIDATION, tables, progress)
            rng = np.random.default_rng(configs[COMMITTED].seed)
            judged = evaluate(predictions, rng, tuple(VIEWS), configs[COMMITTED].replicates)
    except CrmError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    _report(judged, f"{len(predictions.y):,} rows, {predictions.y.mean():.1%} churned", given.folder)
    return 0


def candidates() -> dict[str, ChurnRun]:
    """Return the run of each candidate: the committed one with its overrides."""
    committed = load_run(RUN)
    found = {name: load_run(RUN, [*WINDOW, *overrides]) for name, overrides in CANDIDATES.items()}
    for name, pattern in WITHOUT.items():
        found[name] = load_run(RUN, [*WINDOW, f"leave_out=[{', '.join((*committed.leave_out, pattern))}]"])
    return found


def check_validation(days: Sequence[date]) -> Snapshot:
    """Return the first test snapshot of the committed run.

    Raises
    ------
    LeakError
        If a validation snapshot's labels end after it; the message names all of them.
    """
    config = load_run(RUN)
    test = config.target.snapshot(min(config.split.test))
    late = [one for one in map(config.target.snapshot, days) if one.label_ends_at > test.as_of]
    if late:
        found = [f"{one.as_of:%Y-%m-%d}, whose labels end on {one.label_ends_at:%Y-%m-%d}" for one in late]
        raise LeakError(
            f"validation snapshots reach into the test window, which starts on {test.as_of:%Y-%m-%d}: "
            f"{'; '.join(found)}; validate earlier"
        )
    return test


def _report(judged: Evaluation, facts: str, folder: Path) -> None:
    header = ("candidate", "mean AUC", "AUC - committed", "log-loss", "log-loss - committed", "ECE")
    ranked = sorted(judged.models, key=lambda name: -judged.interval(name, "auc", "folds").value)
    content: dict[str, dict[str, object]] = {}
    rows = []
    for name in ranked:
        found = {metric: judged.interval(name, metric, over) for metric, over in VIEWS.items()}
        paired = {m: judged.difference(name, COMMITTED, m, VIEWS[m]) for m in ("auc", "log_loss")}
        content[name] = {m: asdict(one) for m, one in found.items()}
        content[name] |= {f"{m}_difference": asdict(one) for m, one in paired.items()}
        differences = ("", "") if name == COMMITTED else tuple(map(str, paired.values()))
        area, loss, error = map(str, found.values())
        rows.append((name, area, differences[0], loss, differences[1], error))
    days = f"{len(VALIDATION)} snapshots from {VALIDATION[0]} to {VALIDATION[-1]}, {facts}."
    (folder / "validation.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    write_between(folder / "README.md", "validation", f"{markdown(header, rows)}\n\n{days}")
    show(f"validation: {days}", header, rows)


if __name__ == "__main__":
    sys.exit(main())
