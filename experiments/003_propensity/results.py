"""The committed propensity run on the test campaigns, beside baselines and without parts of its features.

``python experiments/003_propensity/results.py`` writes results.json and the tables of README.md. It is no
tool for choosing settings: each run with other figures is kept in results.json and counted in README.md.
"""

import argparse
import json
import logging
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from propensity_study import HERE, RUN, predict_all
from readme_tables import looks, markdown, show, shown_progress, write_between

from crm_ml.config import Calibration, PropensityRun, load_run
from crm_ml.errors import CrmError
from crm_ml.evaluation.predictions import Predictions
from crm_ml.evaluation.significance import Evaluation, Interval, evaluate
from crm_ml.train.experiment import load_tables
from crm_ml.train.families.probability.report import MODEL
from crm_ml.train.families.propensity.experiment import VIEWS

METRICS = ("AUC", "average precision", "log-loss", "Brier", "ECE")
WITHOUT = {"model without overlap": "overlap_*", "model without history": "history_*"}
AUC_TARGET, PRECISION_TARGET, LOG_LOSS_TARGET, ECE_TARGET = 0.82, 0.515, 0.318, 0.02


def main(argv: Sequence[str] | None = None) -> int:
    """Judge the committed run on the test campaigns; return the exit code."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before lightgbm is imported
    logging.basicConfig(level=logging.ERROR)
    parser = argparse.ArgumentParser("results.py", description="Judge the committed propensity run, once.")
    parser.add_argument("--folder", type=Path, default=HERE, help="where README.md and results.json stand")
    given = parser.parse_args(argv)
    try:
        configs = candidates()
        config = configs[MODEL]
        with shown_progress() as progress:
            predictions = predict_all(configs, load_tables(config), progress)
            rng = np.random.default_rng(config.seed)
            judged = evaluate(predictions, rng, tuple(VIEWS), config.replicates, ("pooled",))
        report(config, judged, predictions, given.folder)
    except CrmError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def candidates() -> dict[str, PropensityRun]:
    """Return the committed run, runs without parts of its features, and each baseline as a run of its own."""
    config = load_run(RUN)
    runs = {MODEL: config}
    for name, pattern in WITHOUT.items():
        runs[name] = config.model_copy(update={"leave_out": (*config.leave_out, pattern)})
    for part in config.baselines:
        runs[part.name] = config.model_copy(update={"model": part, "calibration": Calibration()})
    return runs


def targets(judged: Evaluation) -> list[tuple[str, str, str]]:
    """Return each target with its figure and ``met`` or ``missed``."""
    found = {metric: judged.interval(MODEL, metric) for metric in VIEWS}
    area, precision, loss, error = (
        found[metric] for metric in ("auc", "average_precision", "log_loss", "ece")
    )
    return [
        (f"AUC at least {AUC_TARGET}", str(area), _verdict(area.value >= AUC_TARGET)),
        (f"average precision at least {PRECISION_TARGET}", str(precision),
         _verdict(precision.value >= PRECISION_TARGET)),
        (f"log-loss at most {LOG_LOSS_TARGET}", str(loss), _verdict(loss.value <= LOG_LOSS_TARGET)),
        (f"ECE at most {ECE_TARGET}", str(error), _verdict(error.value <= ECE_TARGET)),
    ]  # fmt: skip


def report(config: PropensityRun, judged: Evaluation, predictions: Predictions, folder: Path) -> None:
    """Write results.json and the tables of README.md, and print them."""
    found = {name: {metric: judged.interval(name, metric) for metric in VIEWS} for name in judged.models}
    paired = {
        name: {metric: judged.difference(MODEL, name, metric) for metric in VIEWS}
        for name in judged.models
        if name != MODEL
    }
    path = folder / "results.json"
    figures = {metric: one.value for metric, one in found[MODEL].items()}
    content: dict[str, Any] = {
        "metrics": _plain(found),
        "model_minus": _plain(paired),
        "targets": targets(judged),
        "looks": looks(path, config.model_dump_json(), figures),
    }
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    tables: dict[str, tuple[Sequence[str], Sequence[Sequence[str]]]] = {
        "metrics": (("model", *METRICS), _cells(found)),
        "differences": (("model minus", *METRICS), _cells(paired)),
        "targets": (("target", "figure", "verdict"), targets(judged)),
        "campaigns": (("campaign", "households sent", "redeemed", "said"), _campaigns(predictions)),
    }
    for marker, (header, rows) in tables.items():
        write_between(folder / "README.md", marker, markdown(header, rows))
        show(marker, header, rows)
    counted = (
        f"{len(predictions.folds)} campaigns, {len(predictions.y):,} rows, {predictions.y.mean():.1%} "
        f"redeemed. Different results seen there so far: {len(content['looks'])}."
    )
    write_between(folder / "README.md", "looks", counted)
    print(counted)


def _campaigns(predictions: Predictions) -> list[tuple[str, str, str, str]]:
    rows = []
    for name in predictions.folds:
        one = predictions.where(predictions.fold == name)
        rows.append((name, f"{len(one.y):,}", f"{one.y.mean():.3f}", f"{one.p[MODEL].mean():.3f}"))
    return rows


def _plain(found: dict[str, dict[str, Interval]]) -> dict[str, dict[str, Any]]:
    return {name: {metric: asdict(one) for metric, one in each.items()} for name, each in found.items()}


def _cells(found: dict[str, dict[str, Interval]]) -> list[tuple[str, ...]]:
    return [(name, *map(str, each.values())) for name, each in found.items()]


def _verdict(met: bool) -> str:
    return "met" if met else "**missed**"


if __name__ == "__main__":
    sys.exit(main())
