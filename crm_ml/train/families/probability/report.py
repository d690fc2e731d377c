"""What an experiment of probabilities reports: metrics beside baselines, segments, plots and gates."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from crm_ml import plots
from crm_ml.evaluation.calibration_check import CalibrationCheck
from crm_ml.evaluation.lost_to import lost_to
from crm_ml.evaluation.metric_segments import bands, by_segment
from crm_ml.evaluation.predictions import Predictions
from crm_ml.evaluation.significance import Evaluation, Interval
from crm_ml.models.labelled_rows import LabelledRows
from crm_ml.train.record.outcome import Gate, calibrated, named

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from crm_ml.evaluation.significance import Over

MODEL, CONTROL = "model", "plain_lightgbm"
LEAST_CUSTOMERS = 20  # of the rarer class, for a verdict
_SHOWN = ("auc", "log_loss", "ece")
_TENURE_EDGES_DAYS = (28, 90, 180)


@dataclass(frozen=True, eq=False)
class Judged:
    """An evaluation, and how each metric is taken over the folds.

    Parameters
    ----------
    evaluation : Evaluation
        Of ``"model"`` and its baselines.
    views : mapping of str to {"pooled", "folds"}
    calibration : CalibrationCheck
        Of ``"model"``.
    """

    evaluation: Evaluation
    views: "Mapping[str, Over]"
    calibration: CalibrationCheck

    @property
    def best_baseline(self) -> str:
        """The baseline of highest AUC."""
        baselines = [name for name in self.evaluation.models if name != MODEL]
        return max(baselines, key=lambda name: self.interval(name, "auc").value)

    def interval(self, model: str, metric: str) -> Interval:
        """Return a metric of a model."""
        return self.evaluation.interval(model, metric, self.views[metric])

    def lead(self, metric: str) -> Interval:
        """Return the paired difference of the model to the best baseline."""
        return self.evaluation.difference(MODEL, self.best_baseline, metric, self.views[metric])

    def losses(self) -> tuple[str, ...]:
        """Return a sentence for each baseline whose AUC or log-loss is better for certain."""
        return tuple(
            sentence
            for metric in ("auc", "log_loss")
            for sentence in lost_to(self.evaluation, MODEL, metric, self.views[metric]).values()
        )

    def metrics(self) -> dict[str, float]:
        """Return ``test.<metric>`` of the model and ``baseline.<name>.<metric>`` with ``.low`` and ``.high``.

        ``difference.<metric>`` is the paired difference of the model to the best baseline, ``test.positives``
        the number of test rows of class 1.
        """
        by_name = {f"test.{name}": value for name, value in self.calibration.metrics.items()}
        by_name["test.positives"] = float(self.evaluation.positives or 0)
        for metric in self.views:
            for name in self.evaluation.models:
                prefix = "test" if name == MODEL else f"baseline.{name}"
                by_name |= named(f"{prefix}.{metric}", self.interval(name, metric))
            by_name |= named(f"difference.{metric}", self.lead(metric))
        return by_name

    def summary(self) -> pd.DataFrame:
        """Return the table for people: a row for each model, one for each paired difference.

        Differences are to the best baseline and to plain LightGBM.

        It has the metrics that probabilities stand or fall by; the run's ``tables/metrics.csv`` has them all.
        """
        names = sorted(self.evaluation.models, key=lambda name: name != MODEL)
        rows = [
            {"model": name} | {metric: _shown(self.interval(name, metric)) for metric in _SHOWN}
            for name in names
        ]
        for other in dict.fromkeys((self.best_baseline, *({CONTROL} & set(names)))):
            paired = {
                metric: _shown(self.evaluation.difference(MODEL, other, metric, self.views[metric]))
                for metric in _SHOWN
            }
            rows.append({"model": f"model - {other}"} | paired)
        table = pd.DataFrame(rows)
        return table.assign(positives=f"{self.evaluation.positives:,}")

    def gates(self, largest_ece: float) -> tuple[Gate, ...]:
        """Return what must hold before the model becomes champion.

        It must not be clearly worse than the best baseline in AUC, which fewer than 20 customers of the rarer
        class can't tell, and its probabilities must not be shown to be miscalibrated beyond the limit.
        """
        paired, rarer = self.lead("auc"), self.evaluation.rarer or 0
        figures = f"AUC - {self.best_baseline} {paired}"
        if rarer < LEAST_CUSTOMERS:
            figures = (
                f"no verdict: {rarer} customers of the rarer class in the test rows, fewer than "
                f"{LEAST_CUSTOMERS}; test on more days or customers ({figures})"
            )
        figures = "; ".join((figures, *self.losses()))
        enough = rarer >= LEAST_CUSTOMERS
        return (
            Gate("not worse than the best baseline", enough and paired.high >= 0, figures),
            calibrated(self.calibration, largest_ece),
        )

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return all metrics, and all paired differences to the model."""
        return {"metrics": self.evaluation.table(), "differences": self.evaluation.differences(MODEL)}


def segments(rows: LabelledRows, predictions: Predictions, rng: np.random.Generator) -> pd.DataFrame:
    """Return metrics by lifecycle stage and by tenure, in one table with the column ``by``."""
    tenure = bands(rows.X["lifecycle_tenure_days"].to_numpy(), _TENURE_EDGES_DAYS, "days")
    kinds = {"lifecycle stage": rows.X["lifecycle_stage"].to_numpy(), "tenure": tenure}
    parts = {name: by_segment(predictions, values, MODEL, rng) for name, values in kinds.items()}
    return pd.concat(parts, names=["by", None]).reset_index(level="by").reset_index(drop=True)


def figures(predictions: Predictions, segmented: pd.DataFrame, judged: Judged) -> "dict[str, Figure]":
    """Return the calibration, gains and segment plots."""
    overall = judged.interval(MODEL, "auc").value
    return {
        "calibration": plots.calibration(predictions, model=MODEL, check=judged.calibration),
        "gains": plots.gains_and_lift(predictions, model=MODEL),
        "segments_auc": plots.segments(segmented, "auc", overall=overall),
    }


def _shown(interval: Interval) -> str:
    return f"{interval.value:.4f}\n{interval.low:.3f} to {interval.high:.3f}"
