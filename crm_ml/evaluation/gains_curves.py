"""The numbers behind the lines of the figures."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from crm_ml.evaluation.ranking import Floats

TENTHS = 10
_UPPER = 0.975


def gains_curve(y: Floats, p: Floats) -> tuple[Floats, Floats]:
    """Return shares of rows taken, best first, and of outcomes found, from 0 over each end of equal scores.

    Examples
    --------
    >>> taken, found = gains_curve(np.array([1.0, 0.0, 3.0, 0.0]), np.array([0.5, 0.5, 0.9, 0.1]))
    >>> taken.tolist(), found.tolist()
    ([0.0, 0.25, 0.75, 1.0], [0.0, 0.75, 1.0, 1.0])
    """
    order = np.argsort(-p, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(p[order]) != 0, True))
    taken = (ends + 1) / len(y)
    found = np.cumsum(y[order])[ends] / (y.sum() or 1.0)
    return np.append(0.0, taken), np.append(0.0, found)


def mean_intervals(values: Floats, groups: Sequence[npt.NDArray[np.int64]]) -> tuple[Floats, Floats]:
    """Return the mean of each group of rows and half the width of its 95 % interval.

    The interval is Student's; a group of one row gives a half width of 0.

    Examples
    --------
    >>> means, half = mean_intervals(np.array([1.0, 3.0, 5.0]), [np.array([0, 1]), np.array([2])])
    >>> means.tolist(), half.round(2).tolist()
    ([2.0, 5.0], [12.71, 0.0])
    """
    from scipy.stats import t

    count = np.array([len(rows) for rows in groups])
    spread = np.array([values[rows].std(ddof=1) if len(rows) > 1 else 0.0 for rows in groups])
    half = t.ppf(_UPPER, np.maximum(count - 1, 1)) * spread / np.sqrt(count)
    return np.array([values[rows].mean() for rows in groups]), np.asarray(half)


def tenths(y: Floats, p: Floats) -> tuple[Floats, Floats]:
    """Return mean outcome and mean prediction of each tenth of the rows, highest prediction first.

    Rows of equal predictions count with the mean of their outcomes, so that it does not matter which of them
    stand in which tenth. Sizes differ by one row at most; there must be ten rows.

    Examples
    --------
    >>> actual, said = tenths(np.arange(10.0), np.array([0.0] * 8 + [7.0, 9.0]))
    >>> actual.tolist()
    [9.0, 8.0, 3.5, 3.5, 3.5, 3.5, 3.5, 3.5, 3.5, 3.5]
    """
    _, group = np.unique(-p, return_inverse=True)
    shared = (np.bincount(group, y) / np.bincount(group))[group]
    parts = np.array_split(np.argsort(-p, kind="stable"), TENTHS)
    return np.array([shared[part].mean() for part in parts]), np.array([p[part].mean() for part in parts])
