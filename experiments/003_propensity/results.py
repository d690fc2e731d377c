"""The committed propensity run on the test campaigns, beside baselines and without parts of its features.

``python experiments/003_propensity/results.py`` writes results.json and the tables of README.md. It is no
tool for choosing settings: each run with other figures is counted in results.json and README.md.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from propensity_study import RUN, predict_all
from study import parser, run, shown_progress, verdict
from study_probability import baseline_runs, report_test

from crm_ml.config import PropensityRun, load_run
from crm_ml.evaluation.predictions import Predictions
from crm_ml.evaluation.significance import Evaluation, evaluate
from crm_ml.train.experiment import load_tables
from crm_ml.train.families.probability.report import MODEL
from crm_ml.train.families.propensity.experiment import VIEWS

WITHOUT = {"model without overlap": "overlap_*", "model without history": "history_*"}
AUC_TARGET, PRECISION_TARGET, LOG_LOSS_TARGET, ECE_TARGET = 0.82, 0.515, 0.318, 0.02


def main(argv: Sequence[str] | None = None) -> int:
    """Judge the committed run on the test campaigns; return the exit code."""
    command = parser(__file__, "Judge the committed propensity run, once.", "results.json")
    return run(_judge, command.parse_args(argv))


def _judge(arguments: argparse.Namespace) -> None:
    configs = candidates()
    config = configs[MODEL]
    with shown_progress() as progress:
        predictions = predict_all(configs, load_tables(config), progress)
        rng = np.random.default_rng(config.seed)
        judged = evaluate(predictions, rng, tuple(VIEWS), config.replicates, ("pooled",))
    report(config, judged, predictions, arguments.folder)


def candidates() -> dict[str, PropensityRun]:
    """Return the committed run, runs without parts of its features, and each baseline as a run of its own."""
    config = load_run(RUN)
    runs = {MODEL: config}
    for name, pattern in WITHOUT.items():
        runs[name] = config.model_copy(update={"leave_out": (*config.leave_out, pattern)})
    return runs | baseline_runs(config)


def targets(judged: Evaluation) -> list[tuple[str, str, str]]:
    """Return each target with its figure and ``met`` or ``missed``."""
    metrics = ("auc", "average_precision", "log_loss", "ece")
    area, precision, loss, error = (judged.interval(MODEL, metric) for metric in metrics)
    return [
        (f"AUC at least {AUC_TARGET}", str(area), verdict(area.value >= AUC_TARGET)),
        (f"average precision at least {PRECISION_TARGET}", str(precision),
         verdict(precision.value >= PRECISION_TARGET)),
        (f"log-loss at most {LOG_LOSS_TARGET}", str(loss), verdict(loss.value <= LOG_LOSS_TARGET)),
        (f"ECE at most {ECE_TARGET}", str(error), verdict(error.value <= ECE_TARGET)),
    ]  # fmt: skip


def report(config: PropensityRun, judged: Evaluation, predictions: Predictions, folder: Path) -> None:
    """Write results.json and the tables of README.md, and print them."""
    tables = {
        "targets": (("target", "figure", "verdict"), targets(judged)),
        "campaigns": (("campaign", "households sent", "redeemed", "said"), _campaigns(predictions)),
    }
    counts = f"{len(predictions.folds)} campaigns, {len(predictions.y):,} rows"
    facts = f"{counts}, {predictions.y.mean():.1%} redeemed."
    report_test(folder, config, judged, VIEWS, tables, facts)


def _campaigns(predictions: Predictions) -> list[tuple[str, str, str, str]]:
    rows = []
    for name in predictions.folds:
        fold = predictions.where(predictions.fold == name)
        rows.append((name, f"{len(fold.y):,}", f"{fold.y.mean():.3f}", f"{fold.p[MODEL].mean():.3f}"))
    return rows


if __name__ == "__main__":
    sys.exit(main())
