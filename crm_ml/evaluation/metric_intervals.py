"""Ends of intervals from bootstrap replicates: percentiles, and Student's for shares with few positives."""

import numpy as np

from crm_ml.evaluation.ranking import Floats

Ends = tuple[float, float]


def percentile_ends(drawn: Floats, level: float) -> Ends:
    """Return the percentiles of replicates, such as 2.5 and 97.5."""
    tail = 100 * (1 - level) / 2
    low, high = np.percentile(drawn, [tail, 100 - tail])
    return float(low), float(high)


def difference_ends(value: float, drawn: Floats, count: int, level: float) -> Ends:
    """Return Student's interval of a difference of two metrics that stand on `count` customers.

    Parameters
    ----------
    value : float
        On the data itself.
    drawn : numpy.ndarray of float, shape (r,)
        Replicates.
    count : int
        Customers of the rarer class. Their variance is too small by a share of ``1 / count`` in resamples
        [1]_, and is known from ``count - 1`` degrees of freedom.
    level : float

    References
    ----------
    .. [1] Hesterberg (2015). What teachers should know about the bootstrap. The American Statistician 69,
       371-386, section 3.2 (narrowness bias).
    """
    half = _quantile(count, level) * _error(drawn, count)
    return value - half, value + half


def share_ends(value: float, drawn: Floats, count: int, level: float) -> Ends:
    """Return the interval of a metric between 0 and 1 such as the AUC, on its logit.

    Parameters, references: as `difference_ends`. At 0 and 1, where the logit has no end, it is the exact one
    of as many hits in `count` trials, ``((1 - level) / 2)^(1 / count)``.

    References
    ----------
    .. [1] Pepe (2003). The statistical evaluation of medical tests for classification and prediction. Oxford,
       section 5.2.3 (AUC).
    .. [2] Boyd, Eng and Page (2013). Area under the precision-recall curve. ECML PKDD, section 4 (average
       precision).

    Examples
    --------
    >>> [round(end, 3) for end in share_ends(1.0, np.ones(100), 20, 0.95)]
    [0.832, 1.0]
    """
    if not 0 < value < 1:
        bound = ((1 - level) / 2) ** (1 / count)
        return (bound, 1.0) if value >= 1 else (0.0, 1 - bound)
    logit = np.log(value / (1 - value))
    half = _quantile(count, level) * _error(drawn, count) / (value * (1 - value))
    with np.errstate(over="ignore"):  # the ends are 0 and 1 then
        return float(1 / (1 + np.exp(half - logit))), float(1 / (1 + np.exp(-half - logit)))


def _error(drawn: Floats, count: int) -> float:
    return float(drawn.std() * np.sqrt(count / max(count - 1, 1)))


def _quantile(count: int, level: float) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(max(count - 1, 1), (1 + level) / 2))
