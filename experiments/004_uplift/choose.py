"""Compare learners of uplift inside the training halves of the two trials of a single day.

``python experiments/004_uplift/choose.py`` writes validation.json and the tables of README.md.
"""

import argparse
import json
import logging
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from effect_study import CANDIDATES, FULL_TREES, HERE, inner_folds, predict_all, rows_of, settings
from readme_tables import markdown, show, shown_progress, write_between
from rich.progress import Progress

from crm_ml.config import UpliftRun
from crm_ml.errors import CrmError
from crm_ml.evaluation.significance import Evaluation, evaluate
from crm_ml.evaluation.uplift_predictions import RANDOM, RESPONSE, UpliftPredictions
from crm_ml.train.families.uplift.fitting import MODEL

RUNS = ("hillstrom", "starbucks")
PARTS = 3
REPLICATES = 200


def main(argv: Sequence[str] | None = None) -> int:
    """Judge every candidate on parts of the training halves; return the exit code."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before lightgbm is imported
    logging.basicConfig(level=logging.ERROR)
    parser = argparse.ArgumentParser("choose.py", description="Compare learners inside training halves.")
    parser.add_argument("--only", choices=RUNS, action="append", help="this run alone")
    parser.add_argument("--folder", type=Path, default=HERE, help="where README.md and validation.json stand")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="override a setting")
    given = parser.parse_args(argv)
    try:
        with shown_progress() as progress:
            for run in given.only or RUNS:
                judged = judge(settings(f"uplift/{run}", given.set), progress)
                _report(run, judged, given.folder)
    except CrmError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def judge(config: UpliftRun, progress: Progress) -> dict[str, Evaluation]:
    """Predict each part of a training half by learners of its other parts; no test row of a half is read."""
    rows, halves, _tables = rows_of(config, progress)
    folds = [part for half in halves for part in inner_folds(half, list(rows.customer_id), PARTS)]
    said = predict_all(config, CANDIDATES | FULL_TREES, rows, folds, progress)
    found = {}
    for arm in said[0].arms:
        parts = UpliftPredictions.join([one.predictions(arm, config.target.control) for one in said])
        rng = np.random.default_rng(config.seed)
        found[arm] = evaluate(parts, rng, ("qini",), REPLICATES, ("folds",))
    return found


def _report(run: str, judged: dict[str, Evaluation], folder: Path) -> None:
    arms = list(judged)
    names = [name for name in judged[arms[0]].models if name not in (RANDOM, RESPONSE, MODEL)]
    found = {name: {arm: judged[arm].interval(name, "qini", "folds") for arm in arms} for name in names}
    means = {name: float(np.mean([one.value for one in each.values()])) for name, each in found.items()}
    order = sorted(names, key=lambda name: -means[name])
    header = ["order", *(f"{arm}: Qini" for arm in arms)]
    rows = [(name, *map(str, found[name].values())) for name in order]
    path = folder / "validation.json"
    kept = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    kept[run] = {name: {arm: asdict(one) for arm, one in found[name].items()} for name in order}
    path.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    write_between(folder / "README.md", f"{run} validation", markdown(header, rows))
    show(f"{run}: inside the training halves", header, rows)


if __name__ == "__main__":
    sys.exit(main())
