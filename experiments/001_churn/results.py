"""The committed churn run on the test window, beside its baselines and without the undated attributes.

``python experiments/001_churn/results.py`` writes results.json and the tables of README.md. It is no tool for
choosing settings: each run with other figures is counted in results.json and README.md.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from churn_study import RUN, predict_all
from study import parser, run, shown_progress, verdict
from study_probability import baseline_runs, report_test

from crm_ml.config import ChurnRun, load_run
from crm_ml.evaluation.significance import Evaluation, evaluate
from crm_ml.train.experiment import load_tables
from crm_ml.train.families.churn.experiment import VIEWS
from crm_ml.train.families.probability.report import MODEL

WITHOUT_ATTRIBUTES = "model without attributes"
AUC_TARGET, LOG_LOSS_TARGET, ECE_TARGET = 0.870, 0.273, 0.02


def main(argv: Sequence[str] | None = None) -> int:
    """Judge the committed run on the test window; return the exit code."""
    command = parser(__file__, "Judge the committed churn run, once.", "results.json")
    return run(_judge, command.parse_args(argv))


def _judge(arguments: argparse.Namespace) -> None:
    configs = candidates()
    config = configs[MODEL]
    with shown_progress() as progress:
        predictions = predict_all(configs, config.split.test, load_tables(config), progress)
        judged = evaluate(predictions, np.random.default_rng(config.seed), tuple(VIEWS), config.replicates)
    facts = f"{len(predictions.y):,} rows, {predictions.y.mean():.1%} churned"
    report(config, judged, facts, arguments.folder)


def candidates() -> dict[str, ChurnRun]:
    """Return the committed run, the sensitivity run and each baseline as a run of its own."""
    config = load_run(RUN)
    patterns = [*config.leave_out, "attribute_*"]
    runs = {MODEL: config, WITHOUT_ATTRIBUTES: load_run(RUN, [f"leave_out=[{', '.join(patterns)}]"])}
    return runs | baseline_runs(config)


def targets(judged: Evaluation, baselines: Sequence[str]) -> list[tuple[str, str, str]]:
    """Return each target with its figure and ``met`` or ``missed``."""
    best = max(baselines, key=lambda name: judged.interval(name, "auc", "folds").value)
    area = judged.interval(MODEL, "auc", "folds")
    loss, error = (judged.interval(MODEL, metric, "pooled") for metric in ("log_loss", "ece"))
    paired = judged.difference(MODEL, best, "auc", "folds")
    return [
        (f"mean AUC at least {AUC_TARGET:.3f}", str(area), verdict(area.value >= AUC_TARGET)),
        (f"log-loss at most {LOG_LOSS_TARGET}", str(loss), verdict(loss.value <= LOG_LOSS_TARGET)),
        (f"ECE at most {ECE_TARGET}", str(error), verdict(error.value <= ECE_TARGET)),
        (f"AUC above that of {best}, paired interval above 0", str(paired), verdict(paired.low > 0)),
    ]


def report(config: ChurnRun, judged: Evaluation, facts: str, folder: Path) -> None:
    """Write results.json and the tables of README.md, and print them."""
    aims = targets(judged, [part.name for part in config.baselines])
    days = f"Test snapshots {', '.join(map(str, config.split.test))}; {facts}."
    tables = {"targets": (("target", "figure", "verdict"), aims)}
    report_test(folder, config, judged, VIEWS, tables, days)


if __name__ == "__main__":
    sys.exit(main())
