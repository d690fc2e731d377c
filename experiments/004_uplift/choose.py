"""Compare learners of uplift inside the training halves of the two trials of a single day.

``python experiments/004_uplift/choose.py`` writes validation.json and the tables of README.md.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from effect_study import CANDIDATES, FULL_TREES, inner_folds, predict_all, rows_of, settings
from rich.progress import Progress
from study import markdown, parser, plain, run, save, saved, show, shown_progress, write_between

from crm_ml.config import UpliftRun
from crm_ml.evaluation.significance import Evaluation, evaluate
from crm_ml.evaluation.uplift_predictions import RANDOM, RESPONSE, UpliftPredictions
from crm_ml.train.families.uplift.fitting import MODEL

RUNS = ("hillstrom", "starbucks")
PARTS = 3
REPLICATES = 200


def main(argv: Sequence[str] | None = None) -> int:
    """Judge every candidate on parts of the training halves; return the exit code."""
    command = parser(
        __file__, "Compare learners inside training halves.", "validation.json", RUNS, settings=True
    )
    return run(_choose, command.parse_args(argv))


def _choose(arguments: argparse.Namespace) -> None:
    with shown_progress() as progress:
        for name in arguments.only or RUNS:
            judged = judge(settings(f"uplift/{name}", arguments.set), progress)
            _report(name, judged, arguments.folder)


def judge(config: UpliftRun, progress: Progress) -> dict[str, Evaluation]:
    """Predict each part of a training half by learners of its other parts; no test row of a half is read."""
    rows, halves, _tables = rows_of(config, progress)
    folds = [part for half in halves for part in inner_folds(half, list(rows.customer_id), PARTS)]
    predicted = predict_all(config, CANDIDATES | FULL_TREES, rows, folds, progress)
    judged = {}
    for arm in predicted[0].arms:
        parts = UpliftPredictions.join([fold.predictions(arm, config.target.control) for fold in predicted])
        rng = np.random.default_rng(config.seed)
        judged[arm] = evaluate(parts, rng, ("qini",), REPLICATES, ("folds",))
    return judged


def _report(name: str, judged: dict[str, Evaluation], folder: Path) -> None:
    arms = list(judged)
    orders = [order for order in judged[arms[0]].models if order not in (RANDOM, RESPONSE, MODEL)]
    qini = {order: {arm: judged[arm].interval(order, "qini", "folds") for arm in arms} for order in orders}
    means = {order: float(np.mean([each.value for each in row.values()])) for order, row in qini.items()}
    best = sorted(orders, key=lambda order: -means[order])
    path = folder / "validation.json"
    save(path, saved(path, {}) | {name: plain({order: qini[order] for order in best})})
    header = ["order", *(f"{arm}: Qini" for arm in arms)]
    rows = [(order, *map(str, qini[order].values())) for order in best]
    write_between(folder / "README.md", f"{name} validation", markdown(header, rows))
    show(f"{name}: inside the training halves", header, rows)


if __name__ == "__main__":
    sys.exit(main())
