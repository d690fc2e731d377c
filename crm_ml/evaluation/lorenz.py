"""The Lorenz curve of outcomes under many weightings of the rows, walked once for each by compiled code."""

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from crm_ml.evaluation.ranking import Floats


def gini_and_share(
    weights: Floats, order: npt.NDArray[np.int64], y: Floats, starts: npt.NDArray[np.int64], below: float
) -> tuple[Floats, Floats]:
    """Return the Gini coefficient and the share of the outcomes in the lowest rows, each of shape (r,).

    Parameters
    ----------
    weights : numpy.ndarray of float, shape (r, n)
    order : numpy.ndarray of int, shape (n,)
        Columns of `weights` in ascending order of the prediction.
    y : numpy.ndarray of float, shape (n,)
        Outcomes, not negative, in that order.
    starts : numpy.ndarray of int, shape (g,)
        Position of the first row of each group of equal predictions, over which the curve is straight.
    below : float
        Share of the rows, from the lowest prediction on.

    Notes
    -----
    ``G = 1 - sum_g (F_g - F_(g-1)) (L_g + L_(g-1))``, see `crm_ml.evaluation.value.normalised_gini`; NaN
    without an outcome above zero.

    Examples
    --------
    >>> weights, order, y = np.ones((1, 4)), np.arange(4), np.array([0.0, 0, 1, 3])
    >>> [result.tolist() for result in gini_and_share(weights, order, y, order, 0.75)]
    [[0.625], [0.25]]
    """
    ends = np.append(starts[1:], len(y))
    gini, share = np.empty((2, len(weights)))
    _kernel()(weights, order, y, ends, below, gini, share)
    return gini, share


@cache
def _kernel() -> Any:
    import numba

    return numba.njit(cache=True, nogil=True, error_model="numpy")(_walk)


def _walk(
    weights: Floats,
    order: npt.NDArray[np.int64],
    y: Floats,
    ends: npt.NDArray[np.int64],
    below: float,
    gini: Floats,
    share: Floats,
) -> None:  # pragma: no cover  (compiled)
    for replicate in range(len(weights)):
        total = 0.0
        for i in range(len(y)):
            total += weights[replicate, i]
        rows = held = area = reached = 0.0
        position, is_below = 0, True
        for end in ends:
            rows_before, held_before = rows, held
            while position < end:
                weight = weights[replicate, order[position]]
                rows += weight
                held += weight * y[position]
                position += 1
            area += (rows - rows_before) * (held + held_before)
            if is_below and rows >= below * total:
                is_below = False
                reached = held_before + (held - held_before) * (below * total - rows_before) / (
                    rows - rows_before
                )
        gini[replicate], share[replicate] = 1 - area / (rows * held), reached / held
