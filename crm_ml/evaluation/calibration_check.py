"""Whether probabilities are miscalibrated beyond what a calibrated model of the same rows would show."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from crm_ml.evaluation.calibration_line import calibration_intercept, calibration_slope
from crm_ml.evaluation.classification import ece_bins
from crm_ml.evaluation.predictions import Predictions
from crm_ml.evaluation.ranking import Floats
from crm_ml.evaluation.significance import Interval

DRAWS = 499
_LEVEL = 0.95
_CHUNK = 2**21  # numbers drawn at once

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class CalibrationCheck:
    """The expected calibration error beside that of a calibrated model on the same rows.

    Parameters
    ----------
    ece : float
    expected : float
        Mean ECE of labels drawn from the predictions: noise alone.
    least : float
        Lower end of the ECE without noise: the smallest one that is consistent with the labels.
    p_value : float
        Share of drawn labels with an ECE as large.
    intercept, slope : Interval
        Of the logit of the label's rate on that of the prediction; 0 and 1 where calibrated.
    """

    ece: float
    expected: float
    least: float
    p_value: float
    intercept: Interval
    slope: Interval

    @property
    def debiased(self) -> float:
        """ECE less what noise alone gives, not below 0."""
        return max(0.0, self.ece - self.expected)

    def within(self, limit: float) -> bool:
        """Say whether the labels do not show an error beyond a limit."""
        return self.least <= limit

    @property
    def metrics(self) -> dict[str, float]:
        """Figures by name: ece_debiased, ece_least, ece_p_value, and intercept and slope with their ends."""
        figures = {"ece_debiased": self.debiased, "ece_least": self.least, "ece_p_value": self.p_value}
        for name, line in (("intercept", self.intercept), ("slope", self.slope)):
            ends = {"": line.value, ".low": line.low, ".high": line.high}
            figures |= {
                f"calibration_{name}{end}": value for end, value in ends.items() if np.isfinite(value)
            }
        return figures

    def __str__(self) -> str:
        return (
            f"ECE {self.ece:.4f} where a calibrated model has {self.expected:.4f} (p {self.p_value:.3f}), "
            f"at least {self.least:.4f} without noise; intercept {self.intercept}, slope {self.slope}"
        )


def check_calibration(
    predictions: Predictions, model: str, rng: np.random.Generator, draws: int = DRAWS
) -> CalibrationCheck:
    """Compare the ECE of a model over all rows with its distribution if the predictions were right.

    Parameters
    ----------
    predictions : Predictions
    model : str
    rng : numpy.random.Generator
    draws : int

    Raises
    ------
    InputError
        If there are no predictions of the model.

    Notes
    -----
    Labels are drawn from the predictions, as in the consistency bars of [1]_. Labels of a customer with
    several rows go together: each row follows the random number of its customer, in place of one of its own,
    with the probability whose square gives the covariance of the residuals (less the mean of their bin).
    ``|gap + noise| <= |gap| + |noise|`` in each bin, so the ECE exceeds that without noise by more than the
    95th percentile of what noise alone gives in at most one of 20 samples: their difference is ``least``.
    That is exact for noise of the true rates. Noise is drawn from the predictions, which is too little where
    rare labels are predicted far too low: of 500 rows with .01 for .04 ``least`` exceeds .03 in one of six.

    References
    ----------
    .. [1] Bröcker and Smith (2007). Increasing the reliability of reliability diagrams. Weather and
       Forecasting 22, 651-661.
    .. [2] Van Calster et al. (2019). Calibration: the Achilles heel of predictive analytics. BMC Medicine 17
       (intercept and slope).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> p, ids = rng.uniform(0.05, 0.6, 500), np.arange(500)
    >>> right = Predictions(ids, ["june"] * 500, rng.random(500) < p, {"model": p, "half": p / 2})
    >>> [check_calibration(right, name, rng).within(0.03) for name in ("model", "half")]
    [True, False]
    """
    alone = predictions.only(model)
    p, y = alone.p[model], alone.y
    bins = ece_bins(p)
    order = np.argsort(bins, kind="stable")
    customer = np.unique(alone.customer_id, return_inverse=True)[1][order]
    p, y, bins = p[order], y[order], bins[order]
    starts = np.flatnonzero(np.append(True, bins[1:] != bins[:-1]))
    expected = np.add.reduceat(p, starts)
    ece = float(np.abs(np.add.reduceat(y, starts) - expected).sum() / len(p))
    together = np.sqrt(_shared(p, y, bins, customer))
    errors = np.empty(draws)
    step = max(1, _CHUNK // len(p))
    for first in range(0, draws, step):
        labels = _labels(p, customer, together, rng, min(step, draws - first))
        gaps = np.add.reduceat(labels, starts, axis=1, dtype=np.int64) - expected
        errors[first : first + step] = np.abs(gaps).sum(axis=1) / len(p)
    return CalibrationCheck(
        ece,
        expected=float(errors.mean()),
        least=max(0.0, ece - float(np.quantile(errors, _LEVEL))),
        p_value=float((1 + (errors >= ece - 1e-12).sum()) / (1 + draws)),
        intercept=calibration_intercept(p, y, customer),
        slope=calibration_slope(p, y, customer),
    )


def _labels(
    p: Floats, customer: Numbers, together: float, rng: np.random.Generator, draws: int
) -> npt.NDArray[np.bool_]:
    """Draw labels of all rows, those of a customer with the number that it shares among its rows."""
    number = rng.random((draws, len(p)), dtype=np.float32)
    if together > 0:
        own = rng.random((draws, int(customer.max()) + 1), dtype=np.float32)[:, customer]
        number = np.where(rng.random((draws, len(p)), dtype=np.float32) < together, own, number)
    return np.asarray(number < p)


def _shared(p: Floats, y: Floats, bins: Numbers, customer: Numbers) -> float:
    """Return the covariance of the residuals of a customer's rows, as a share of the largest possible one."""
    residual = y - p
    residual -= (np.bincount(bins, residual) / np.maximum(np.bincount(bins), 1))[bins]
    seen = (np.bincount(customer, residual) ** 2).sum() - (residual**2).sum()
    order = np.lexsort((p, customer))
    ranked, rows = p[order], np.bincount(customer)
    after = np.repeat(np.cumsum(rows), rows) - 1 - np.arange(len(p))  # rows of the customer with larger p
    largest = 2 * (ranked * after).sum() - (np.bincount(customer, p) ** 2).sum() + (p**2).sum()
    return float(np.clip(seen / largest, 0.0, 1.0)) if largest > 0 else 0.0
