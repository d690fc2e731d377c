"""The committed churn run on the test window, beside its baselines and without the undated attributes.

``python experiments/001_churn/results.py`` writes results.json and the tables of README.md. It is no tool for
choosing settings: each run with other figures is kept in results.json and counted in README.md.
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
from churn_study import HERE, RUN, predict_all
from readme_tables import looks, markdown, show, shown_progress, write_between

from crm_ml.config import Calibration, ChurnRun, load_run
from crm_ml.errors import CrmError
from crm_ml.evaluation.significance import Evaluation, Interval, evaluate
from crm_ml.train.experiment import load_tables
from crm_ml.train.families.churn.experiment import VIEWS
from crm_ml.train.families.probability.report import MODEL

WITHOUT_ATTRIBUTES = "model without attributes"
METRICS = ("AUC", "average precision", "log-loss", "Brier", "ECE")
AUC_TARGET, LOG_LOSS_TARGET, ECE_TARGET = 0.870, 0.273, 0.02


def main(argv: Sequence[str] | None = None) -> int:
    """Judge the committed run on the test window; return the exit code."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before lightgbm is imported
    logging.basicConfig(level=logging.ERROR)
    parser = argparse.ArgumentParser("results.py", description="Judge the committed churn run, once.")
    parser.add_argument("--folder", type=Path, default=HERE, help="where README.md and results.json stand")
    given = parser.parse_args(argv)
    try:
        configs = candidates()
        config = configs[MODEL]
        with shown_progress() as progress:
            predictions = predict_all(configs, config.split.test, load_tables(config), progress)
            rng = np.random.default_rng(config.seed)
            judged = evaluate(predictions, rng, tuple(VIEWS), config.replicates)
        report(
            config, judged, f"{len(predictions.y):,} rows, {predictions.y.mean():.1%} churned", given.folder
        )
    except CrmError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def candidates() -> dict[str, ChurnRun]:
    """Return the committed run, the sensitivity run and each baseline as a run of its own."""
    config = load_run(RUN)
    patterns = [*config.leave_out, "attribute_*"]
    runs = {MODEL: config, WITHOUT_ATTRIBUTES: load_run(RUN, [f"leave_out=[{', '.join(patterns)}]"])}
    for part in config.baselines:
        runs[part.name] = config.model_copy(update={"model": part, "calibration": Calibration()})
    return runs


def targets(judged: Evaluation, baselines: Sequence[str]) -> list[tuple[str, str, str]]:
    """Return each target with its figure and ``met`` or ``missed``."""
    best = max(baselines, key=lambda name: judged.interval(name, "auc", "folds").value)
    area = judged.interval(MODEL, "auc", "folds")
    loss, error = (judged.interval(MODEL, metric, "pooled") for metric in ("log_loss", "ece"))
    paired = judged.difference(MODEL, best, "auc", "folds")
    return [
        (f"mean AUC at least {AUC_TARGET:.3f}", str(area), _verdict(area.value >= AUC_TARGET)),
        (f"log-loss at most {LOG_LOSS_TARGET}", str(loss), _verdict(loss.value <= LOG_LOSS_TARGET)),
        (f"ECE at most {ECE_TARGET}", str(error), _verdict(error.value <= ECE_TARGET)),
        (f"AUC above that of {best}, paired interval above 0", str(paired), _verdict(paired.low > 0)),
    ]


def report(config: ChurnRun, judged: Evaluation, facts: str, folder: Path) -> None:
    """Write results.json and the tables of README.md, and print them."""
    found = {name: _views(judged, name) for name in judged.models}
    others = [name for name in judged.models if name != MODEL]
    paired = {name: _views(judged, MODEL, name) for name in others}
    aims = targets(judged, [part.name for part in config.baselines])
    path = folder / "results.json"
    figures = {metric: one.value for metric, one in found[MODEL].items()}
    content: dict[str, Any] = {
        "metrics": _plain(found),
        "model_minus": _plain(paired),
        "targets": aims,
        "looks": looks(path, config.model_dump_json(), figures),
    }
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    days = f"Test snapshots {', '.join(str(day) for day in config.split.test)}; {facts}."
    tables: dict[str, tuple[Sequence[str], Sequence[Sequence[str]]]] = {
        "metrics": (("model", *METRICS), _cells(found)),
        "differences": (("model minus", *METRICS), _cells(paired)),
        "targets": (("target", "figure", "verdict"), aims),
    }
    for marker, (header, rows) in tables.items():
        write_between(folder / "README.md", marker, markdown(header, rows))
        show(marker, header, rows)
    counted = f"{days} Different results seen there so far: {len(content['looks'])}."
    write_between(folder / "README.md", "looks", counted)
    print(counted)


def _views(judged: Evaluation, name: str, other: str | None = None) -> dict[str, Interval]:
    if other is None:
        return {metric: judged.interval(name, metric, over) for metric, over in VIEWS.items()}
    return {metric: judged.difference(name, other, metric, over) for metric, over in VIEWS.items()}


def _plain(found: dict[str, dict[str, Interval]]) -> dict[str, dict[str, Any]]:
    return {name: {metric: asdict(one) for metric, one in each.items()} for name, each in found.items()}


def _cells(found: dict[str, dict[str, Interval]]) -> list[tuple[str, ...]]:
    return [(name, *map(str, each.values())) for name, each in found.items()]


def _verdict(met: bool) -> str:
    return "met" if met else "**missed**"


if __name__ == "__main__":
    sys.exit(main())
