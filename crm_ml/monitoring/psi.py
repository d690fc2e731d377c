"""Population stability index of two sets of counts, and its distribution by chance."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

PRIOR = 0.5


def psi(then: npt.ArrayLike, now: npt.ArrayLike) -> float:
    """Return the population stability index (PSI) between two counts of the same bins.

    ``sum over bins of (a - e) * ln(a / e)``, with e and a the shares then and now. Half a row is added to
    every bin of both, so that an empty bin gives a large but finite value.

    Parameters
    ----------
    then, now : array-like of int, shape (bins,)

    Returns
    -------
    float
        0 for equal shares; by convention up to .1 is stable, above .25 a shift.

    References
    ----------
    .. [1] Siddiqi (2006). Credit risk scorecards. Wiley, chapter 8, system stability report.
    .. [2] Krichevsky and Trofimov (1981). The performance of universal encoding. IEEE Transactions on
       Information Theory 27 (half a count for each cell).

    Examples
    --------
    >>> round(psi([500, 500], [600, 400]), 4)
    0.0405
    >>> psi([10, 20, 30], [100, 200, 300]) < 1e-3
    True
    """
    e, a = (_shares(counts) for counts in (then, now))
    return float(np.sum((a - e) * np.log(a / e)))


def by_chance(n: int, m: int, bins: int) -> float:
    """Return the expected index without drift; see `largest_by_chance`.

    Examples
    --------
    >>> by_chance(300, 300, 11)
    0.06666666666666667
    """
    return (bins - 1) * (1 / n + 1 / m)


def largest_by_chance(n: int, m: int, bins: int, level: float) -> float:
    """Return the value that the index exceeds with probability `level` without drift.

    Parameters
    ----------
    n, m : int
        Rows then and now; rows of different customers.
    bins : int
    level : float
        Of one test; divide it by the number of tests to bound the probability of any false alarm.

    References
    ----------
    .. [1] Yurdakul (2018). Statistical properties of population stability index. Dissertation, Western
       Michigan University, theorem 2.2.1: it is distributed as (1/n + 1/m) times chi-square of bins - 1.

    Examples
    --------
    >>> round(largest_by_chance(300, 300, 11, 0.01 / 90), 3)
    0.235
    """
    from scipy.special import chdtri

    return float(chdtri(max(bins - 1, 1), level)) * (1 / n + 1 / m)


def _shares(counts: "npt.ArrayLike | Sequence[int]") -> npt.NDArray[np.float64]:
    smoothed = np.asarray(counts, dtype=np.float64) + PRIOR
    return np.asarray(smoothed / smoothed.sum())
