"""Intervals of means and of differences of means: of skewed values, and of few and rare events."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from crm_ml.errors import InputError
from crm_ml.evaluation.ranking import Floats, as_floats
from crm_ml.evaluation.rare_events import RarePart, added, rare_part
from crm_ml.evaluation.significance import Interval

FEWEST = 2
_TAIL = 0.975
_NO_SKEWNESS = 1e-8


def interval_of_means(weights: Sequence[float], samples: Sequence[npt.ArrayLike]) -> Interval:
    """Return a weighted sum of means of independent samples with its 95 % interval.

    Parameters
    ----------
    weights : sequence of float
        Such as 1 and -1 for a difference.
    samples : sequence of array-like of float
        Two values or more each.

    Raises
    ------
    InputError
        If a sample has fewer than two values, or one is NaN or infinite.

    Notes
    -----
    Money and heavy weights are skewed, and the variance of few large values is itself uncertain. So each end
    of the interval is the wider of two: Student's with degrees of freedom reduced by the kurtosis, where ``2
    / freedom = Var(s^2) / s^4 = (kurtosis - 1) / n`` (Welch's and Satterthwaite's [1]_ for normal values),
    and that of the cubic transformation which removes the skewness [2]_, [3]_.

    References
    ----------
    .. [1] Satterthwaite (1946). An approximate distribution of estimates of variance components. Biometrics
       Bulletin 2.
    .. [2] Hall (1992). On the removal of skewness by transformation. JRSS B 54, section 2.
    .. [3] Zhou and Dinh (2005). Nonparametric confidence intervals for the one- and two-sample problems.
       Biostatistics 6 (the two-sample form).

    Examples
    --------
    >>> str(interval_of_means([1], [[1.0, 2.0, 3.0]]))
    '2.0000 [-0.4841, 4.4841]'
    """
    values = [as_floats("sample", sample) for sample in samples]
    small = sum(sample.ndim != 1 or len(sample) < FEWEST for sample in values)
    odd = sum(int((~np.isfinite(sample)).sum()) for sample in values)
    if small or odd or len(weights) != len(values) or not values:
        raise InputError(
            f"means: {len(values)} samples with {len(weights)} weights, {small} of fewer than {FEWEST} "
            f"values, {odd:,} values NaN or infinite; give a weight and two finite values at least for each"
        )
    return _interval(weights, values)[0]


def mean_interval(values: Floats, multiplier: Floats, deviation: Floats) -> Interval:
    """Return a mean with its 95 % interval, which holds also where it stands on few and rare events.

    Parameters
    ----------
    values : numpy.ndarray of float, shape (n,)
    multiplier, deviation : numpy.ndarray of float, shape (n,)
        Their product is the part of each value that comes from events; see
        `crm_ml.evaluation.rare_events.rare_part`. Without any event the ends are infinite.
    """
    if not deviation.any():
        return Interval(float(values.mean()), -np.inf, np.inf)
    rare = rare_part(multiplier / len(values), deviation)
    return difference_of_means([1], values, [np.arange(len(values))], multiplier * deviation, rare)[0]


def difference_of_means(
    weights: Sequence[float],
    values: Floats,
    rows: Sequence[npt.NDArray[np.int64]],
    events: Floats,
    rare: RarePart | None,
    scale: float = 1.0,
) -> tuple[Interval, float]:
    """Return the interval of a weighted sum of means of parts of the values, and its variance by moments.

    Parameters
    ----------
    weights : sequence of float
        One a part.
    values : numpy.ndarray of float, shape (n,)
    rows : sequence of numpy.ndarray of int
        Rows of each part.
    events : numpy.ndarray of float, shape (n,)
        The part of each value that comes from events.
    rare : RarePart, optional
        Whose rows have their events counted.
    scale : float
        Of deviations from the means, for what was estimated from them before.
    """
    whole, variance = _interval(weights, [values[part] for part in rows], scale)
    if rare is None:
        return whole, variance
    rest = values - np.where(rare.rows, events, 0.0)
    ends = added(_interval(weights, [rest[part] for part in rows], scale)[0], rare.sum)
    return Interval(whole.value, ends.low, ends.high), variance


def _interval(
    weights: Sequence[float], samples: Sequence[Floats], scale: float = 1.0
) -> tuple[Interval, float]:
    """Return the interval of a weighted sum of means, deviations scaled by `scale`, and its variance."""
    from scipy.special import stdtrit

    value, terms = 0.0, []
    for weight, sample in zip(weights, samples, strict=True):
        n, mean = len(sample), float(sample.mean())
        value += weight * mean
        gap = sample - mean
        square = gap * gap
        second, third, fourth = (float(moment.mean()) for moment in (square, square * gap, square * square))
        variance = (weight * scale) ** 2 * second / (n - 1)
        spread = max(1.0, (fourth / second**2 - 1) / 2) / (n - 1) if second > 0 else 0.0
        terms.append((variance, (weight * scale) ** 3 * third / n**2, variance**2 * spread))
    total, third, spread = (sum(part) for part in zip(*terms, strict=True))
    if not total > 0 or not spread > 0:
        return Interval(value, value, value), total
    error = float(np.sqrt(total))
    quantile = float(stdtrit(max(1.0, total**2 / spread), _TAIL))
    skewness = third / error**3
    low = value - error * max(quantile, _unskewed(quantile, skewness))
    high = value - error * min(-quantile, _unskewed(-quantile, skewness))
    return Interval(value, low, high), total


def _unskewed(quantile: float, skewness: float) -> float:
    """Return the quantile of a studentised mean of this skewness (of the mean) by Hall's transformation."""
    if abs(skewness) < _NO_SKEWNESS:
        return quantile
    return float(3 / skewness * (np.cbrt(1 + skewness * (quantile - skewness / 6)) - 1))
