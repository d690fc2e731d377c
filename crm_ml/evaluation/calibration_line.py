"""Intercept and slope of labels on the logit of their probabilities, with intervals over customers."""

import numpy as np
import numpy.typing as npt

from crm_ml.evaluation.calibrators import logit
from crm_ml.evaluation.ranking import Floats
from crm_ml.evaluation.significance import Interval
from crm_ml.evaluation.wilson import Z95

_ROUNDS = 50
_STEP, _ROUNDED = 1e-10, 1e-6  # where the last step is; beyond the latter it is no maximum
_FAR = 30.0  # on the logit: there is no maximum
_UNKNOWN = Interval(np.nan, np.nan, np.nan)

Numbers = npt.NDArray[np.int64]


def calibration_intercept(p: Floats, y: Floats, customer: Numbers) -> Interval:
    """Return the mean shift on the logit, ``logit(rate) = logit(p) + a``; above 0 where p is too low.

    Parameters
    ----------
    p, y : numpy.ndarray of float, shape (n,)
    customer : numpy.ndarray of int, shape (n,)
        Number of the customer of each row, the unit of the interval.

    Returns
    -------
    Interval
        NaN where the labels are of one class or one customer, or probabilities are so near 0 and 1 that there
        is no maximum.
    """
    return _coefficient(np.ones((len(p), 1)), logit(p), y, customer)


def calibration_slope(p: Floats, y: Floats, customer: Numbers) -> Interval:
    """Return b of ``logit(rate) = a + b logit(p)``, below 1 where p is too extreme.

    Parameters as `calibration_intercept`. NaN also where all probabilities are equal or separate the classes.
    """
    score = logit(p)
    if np.ptp(score) == 0:
        return _UNKNOWN
    return _coefficient(np.column_stack([score, np.ones(len(p))]), np.zeros(len(p)), y, customer)


def _coefficient(design: Floats, offset: Floats, y: Floats, customer: Numbers) -> Interval:
    """Return the first coefficient of a logistic regression, with errors over customers.

    References
    ----------
    .. [1] Liang and Zeger (1986). Longitudinal data analysis using generalized linear models. Biometrika 73,
       equation 5 (with independence as the working correlation).
    """
    from scipy.special import expit

    if np.ptp(y) == 0 or np.ptp(customer) == 0:
        return _UNKNOWN
    line = np.zeros(design.shape[1])
    line[:-1] = 1.0
    for _ in range(_ROUNDS):
        q = expit(design @ line + offset)
        hessian = (design * (q * (1 - q))[:, None]).T @ design
        if np.abs(line).max() > _FAR or np.linalg.cond(hessian) > 1 / np.finfo(float).eps:
            return _UNKNOWN
        step = np.linalg.solve(hessian, design.T @ (y - q))
        line += np.clip(step, -2.0, 2.0)
        if np.abs(step).max() < _STEP:
            break
    if np.abs(step).max() > _ROUNDED:
        return _UNKNOWN
    residual = y - expit(design @ line + offset)
    scores = np.column_stack([np.bincount(customer, residual * column) for column in design.T])
    bread = np.linalg.inv(hessian)
    groups = len(scores)
    error = float(np.sqrt((bread @ (scores.T @ scores) @ bread)[0, 0] * groups / (groups - 1)))
    return Interval(float(line[0]), float(line[0] - Z95 * error), float(line[0] + Z95 * error))
