"""Calibration of predicted value on earlier windows: the total, and the spread between customers."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from crm_ml.errors import CalibrationRefused, InputError
from crm_ml.tables.column_kinds import numbers
from crm_ml.tables.outside_frames import aligned

Floats = npt.NDArray[np.float64]
LEAST_POWER, LARGEST_POWER = 0.3, 1.5
_LEAST_SHARE = 1e-9


@dataclass(frozen=True)
class Tilt:
    """Power calibration ``predicted -> scale * predicted ** power``; the sum becomes `total` times as large.

    Parameters
    ----------
    power : float
        Below 1 the spread between customers shrinks.
    total : float
        Factor of the sum.
    """

    power: float = 1.0
    total: float = 1.0

    def scale_for(self, predicted: Floats) -> float:
        """Return the scale for the predictions of a population, shape (n,)."""
        p = _positive(predicted)
        return float(self.total * p.sum() / (p**self.power).sum())

    def apply(self, predicted: Floats, scale: float | None = None) -> Floats:
        """Return calibrated predictions, shape (n,); `scale` defaults to that of these predictions."""
        p = np.asarray(predicted, dtype=float)
        return np.asarray((self.scale_for(p) if scale is None else scale) * p**self.power)


NO_TILT = Tilt()


def fit_tilt(windows: Sequence[tuple[npt.ArrayLike, npt.ArrayLike]]) -> Tilt:
    """Learn power and total from windows before the predicted one.

    Parameters
    ----------
    windows : sequence of (predicted, y), each shape (n_w,)
        Predictions made without knowing the window, and observed outcomes; money or counts. A Series of
        outcomes is put into the order of the index of a Series of predictions.

    Returns
    -------
    Tilt

    Raises
    ------
    CalibrationRefused
        If the best power lies at the edge of [0.3, 1.5]: the predictions do not rank the outcomes.
    InputError
        If there is no window, or one has no outcome above zero.

    Notes
    -----
    The power maximises the Poisson quasi-likelihood of ``c_w * predicted ** power`` with a level c_w for each
    window, which fits the sums of all windows and needs no distribution of y beyond its mean. The total is
    ``exp(m * m^2 / (m^2 + s^2))`` of the logarithms of ``sum(y) / sum(predicted)``, with their mean m and
    variance s^2 over windows: an excess shared by all windows is kept, one that varies between windows is
    shrunk towards none. The excess of a single window counts half.

    References
    ----------
    .. [1] Wedderburn (1974). Quasi-likelihood functions, generalized linear models, and the Gauss-Newton
       method. Biometrika 61.
    .. [2] James and Stein (1961). Estimation with quadratic loss. Fourth Berkeley Symposium (the shrinkage).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> p = rng.gamma(1.0, 10.0, 5000)
    >>> windows = [(p, 1.5 * 10**0.3 * p**0.7), (p, 1.5 * 10**0.3 * p**0.7)]
    >>> tilt = fit_tilt(windows)
    >>> round(tilt.power, 3), round(tilt.total, 1)
    (0.7, 1.4)
    """
    from scipy.optimize import minimize_scalar

    pairs = [_window(predicted, y) for predicted, y in windows]
    if not pairs:
        raise InputError("no window to calibrate on; give earlier snapshots whose label windows are over")

    def loss(power: float) -> float:
        return sum(_quasi_loss(np.log(p), y, power) for p, y in pairs)

    optimum = minimize_scalar(
        loss, bounds=(LEAST_POWER, LARGEST_POWER), method="bounded", options={"xatol": 1e-9}
    )
    power = float(optimum.x)
    if not LEAST_POWER + 1e-3 < power < LARGEST_POWER - 1e-3:
        raise CalibrationRefused(
            f"tilt: the best power is {power:.2f}, at the edge of [{LEAST_POWER}, {LARGEST_POWER}]; "
            "the predictions do not rank what came"
        )
    return Tilt(power, _total([math.log(y.sum() / p.sum()) for p, y in pairs]))


def _total(logs: Sequence[float]) -> float:
    mean = float(np.mean(logs))
    variance = float(np.var(logs, ddof=1)) if len(logs) > 1 else mean**2
    reliable = mean**2 / (mean**2 + variance) if mean else 0.0
    return math.exp(mean * reliable)


def _quasi_loss(log_p: Floats, y: Floats, power: float) -> float:
    """Return minus the quasi-log-likelihood with the best level, up to a constant, over the sum of y."""
    from scipy.special import logsumexp

    return float(logsumexp(power * log_p) - power * (y @ log_p) / y.sum())


def _window(predicted: npt.ArrayLike, y: npt.ArrayLike) -> tuple[Floats, Floats]:
    import pandas as pd

    if isinstance(predicted, pd.Series):
        y = aligned(y, predicted.index, "outcomes")
    p, outcome = numbers(predicted, "predictions"), numbers(y, "outcomes")
    if p.shape != outcome.shape or not (np.isfinite(p).all() and np.isfinite(outcome).all()):
        raise InputError(
            f"windows: predictions {p.shape} and outcomes {outcome.shape} must be equal and finite"
        )
    if (p < 0).any() or (outcome < 0).any() or not outcome.sum() > 0 or not p.sum() > 0:
        raise InputError("windows: values must not be negative, and some prediction and outcome above zero")
    return _positive(p), outcome


def _positive(p: Floats) -> Floats:
    """Raise zeros to a billionth of the mean, so that logarithms exist."""
    return np.asarray(np.maximum(p, _LEAST_SHARE * p.mean()))
