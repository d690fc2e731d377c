"""What a churn experiment reports: metrics beside baselines, segments, plots and gates."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from crm_ml.churn.labelled_rows import LabelledRows
from crm_ml.evaluation import plots
from crm_ml.evaluation.predictions import Predictions
from crm_ml.evaluation.segments import bands, by_segment
from crm_ml.evaluation.significance import Evaluation, Interval
from crm_ml.train.outcome import Gate

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from crm_ml.evaluation.significance import Over

MODEL = "model"
VIEWS: "Mapping[str, Over]" = {
    "auc": "folds",
    "average_precision": "folds",
    "log_loss": "pooled",
    "brier": "pooled",
    "ece": "pooled",
}
_TENURE_EDGES_DAYS = (28, 90, 180)


def best_baseline(judged: Evaluation) -> str:
    """Return the baseline of highest mean AUC."""
    baselines = [name for name in judged.models if name != MODEL]
    return max(baselines, key=lambda name: judged.interval(name, "auc", VIEWS["auc"]).value)


def metrics(judged: Evaluation) -> dict[str, float]:
    """Return ``test.<metric>`` of the model and ``baseline.<name>.<metric>`` with ``.low`` and ``.high``.

    ``difference.<metric>`` is the paired difference of the model to the best baseline.
    """
    found: dict[str, float] = {}
    for metric, over in VIEWS.items():
        for name in judged.models:
            prefix = "test" if name == MODEL else f"baseline.{name}"
            found |= _named(f"{prefix}.{metric}", judged.interval(name, metric, over))
        paired = judged.difference(MODEL, best_baseline(judged), metric, over)
        found |= _named(f"difference.{metric}", paired)
    return found


def summary(judged: Evaluation) -> pd.DataFrame:
    """Return the table for people: a row for each model, one for the paired difference.

    It has the metrics that probabilities stand or fall by; the run's ``tables/metrics.csv`` has them all.
    """
    names = sorted(judged.models, key=lambda name: name != MODEL)
    views = [(metric, VIEWS[metric]) for metric in ("auc", "log_loss", "ece")]
    rows = [
        {"model": name} | {metric: _shown(judged.interval(name, metric, over)) for metric, over in views}
        for name in names
    ]
    best = best_baseline(judged)
    paired = {metric: _shown(judged.difference(MODEL, best, metric, over)) for metric, over in views}
    return pd.DataFrame([*rows, {"model": f"model - {best}"} | paired])


def gates(judged: Evaluation, largest_ece: float) -> tuple[Gate, ...]:
    """Return what must hold before the model becomes champion.

    It must not be clearly worse than the best baseline in AUC, and its probabilities must be calibrated.
    """
    best = best_baseline(judged)
    paired = judged.difference(MODEL, best, "auc", VIEWS["auc"])
    error = judged.interval(MODEL, "ece", VIEWS["ece"])
    return (
        Gate("not worse than the best baseline", paired.high > 0, f"AUC - {best} {paired}"),
        Gate("calibrated", error.value <= largest_ece, f"ECE {error.value:.4f}, limit {largest_ece}"),
    )


def segments(rows: LabelledRows, predictions: Predictions, rng: np.random.Generator) -> pd.DataFrame:
    """Return metrics by lifecycle stage and by tenure, in one table with the column ``by``."""
    tenure = bands(rows.X["lifecycle_tenure_days"].to_numpy(), _TENURE_EDGES_DAYS, "days")
    kinds = {"lifecycle stage": rows.X["lifecycle_stage"].to_numpy(), "tenure": tenure}
    parts = {name: by_segment(predictions, values, MODEL, rng) for name, values in kinds.items()}
    return pd.concat(parts, names=["by", None]).reset_index(level="by").reset_index(drop=True)


def figures(predictions: Predictions, segmented: pd.DataFrame, judged: Evaluation) -> "dict[str, Figure]":
    """Return the calibration, gains and segment plots."""
    overall = judged.interval(MODEL, "auc", VIEWS["auc"]).value
    return {
        "calibration": plots.calibration_plot(predictions, MODEL),
        "gains": plots.gains_plot(predictions, MODEL),
        "segments_auc": plots.segment_plot(segmented, "auc", overall),
    }


def _named(name: str, interval: Interval) -> dict[str, float]:
    return {name: interval.value, f"{name}.low": interval.low, f"{name}.high": interval.high}


def _shown(interval: Interval) -> str:
    return f"{interval.value:.4f}\n{interval.low:.3f} to {interval.high:.3f}"
