"""The smallest effect that would have been found: no signal is not no effect."""

from crm_ml.evaluation.significance import Interval

_Z_LEVEL, _Z_POWER = 1.959963984540054, 0.8416212335729143  # normal quantiles of .975 and .8


def smallest_effect(interval: Interval) -> float:
    """Return the smallest effect whose 95 % interval would leave out zero in 80 % of repetitions.

    Parameters
    ----------
    interval : Interval
        95 %, of a difference or an effect; its mean half width stands for 1.96 standard errors.

    Returns
    -------
    float
        In the unit of the interval, not negative.

    References
    ----------
    .. [1] Bloom (1995). Minimum detectable effects: a simple way to report the statistical power of
       experimental designs. Evaluation Review 19.

    Examples
    --------
    >>> round(smallest_effect(Interval(0.5, -1.46, 2.46)), 2)
    2.8
    """
    return (1 + _Z_POWER / _Z_LEVEL) * (interval.high - interval.low) / 2
