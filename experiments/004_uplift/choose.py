"""Compare learners of uplift inside the training halves of Hillstrom's trial.

``python experiments/004_uplift/choose.py`` writes validation.json and the table of README.md.
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
from effect_study import CANDIDATES, HERE, inner_folds, predict_all, rows_of, settings, shown
from readme_tables import markdown, show, shown_progress, write_between

from crm_ml.errors import CrmError
from crm_ml.evaluation.significance import Interval
from crm_ml.evaluation.uplift_predictions import RESPONSE
from crm_ml.train.uplift_fitting import MODEL
from crm_ml.train.uplift_report import UpliftReport, judge

RUN = "uplift/hillstrom"
PARTS = 3


def main(argv: Sequence[str] | None = None) -> int:
    """Judge every candidate on parts of the training halves; return the exit code."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before lightgbm is imported
    logging.basicConfig(level=logging.ERROR)
    parser = argparse.ArgumentParser("choose.py", description="Compare learners inside training halves.")
    parser.add_argument("--folder", type=Path, default=HERE, help="where README.md and validation.json stand")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="override a setting")
    given = parser.parse_args(argv)
    try:
        config = settings(RUN, given.set)
        with shown_progress() as progress:
            rows, halves, _tables = rows_of(config, progress)
            folds = [
                part for half in halves for part in inner_folds(half, list(rows.customer_id), PARTS)
            ]  # no test row of a half is read
            said = predict_all(config, CANDIDATES, rows, folds, progress)
            report = judge(config, rows, said, np.random.default_rng(config.seed))
    except CrmError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    _report(report, given.folder)
    return 0


def _report(report: UpliftReport, folder: Path) -> None:
    arms = list(report.arms)
    header = ["order", *(f"{arm}: Qini" for arm in arms), "mean of arms"]
    first = report.arms[arms[0]].evaluation
    names = [name for name in first.models if name != "random"]
    found: dict[str, dict[str, Interval]] = {
        name: {arm: report.arms[arm].evaluation.interval(name, "qini", "folds") for arm in arms}
        for name in names
    }
    means = {name: float(np.mean([one.value for one in each.values()])) for name, each in found.items()}
    rows = [
        (
            f"{RESPONSE}, trees" if name == RESPONSE else shown(name),
            *map(str, found[name].values()),
            f"{means[name]:.4f}",
        )
        for name in sorted(names, key=lambda one: -means[one])
    ]
    content = {
        name: {arm: asdict(one) for arm, one in each.items()} | {"mean": means[name]}
        for name, each in found.items()
    }
    content["committed"] = content.pop(MODEL)
    (folder / "validation.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    write_between(folder / "README.md", "validation", markdown(header, rows))
    show("inside the training halves", header, rows)


if __name__ == "__main__":
    sys.exit(main())
