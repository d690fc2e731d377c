"""Compiled loop over a ledger of points: the oldest points are spent first; imported where it runs."""

import numba
import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]


@numba.njit(cache=True, nogil=True)
def spend_oldest(
    customer: Ints, day: Ints, points: Ints, life_days: int, lot: Ints, spent: Ints, left: Ints
) -> tuple[int, int]:  # pragma: no cover  (compiled)
    """Match each redemption with the oldest points that are still valid.

    Parameters
    ----------
    customer, day, points : numpy.ndarray of int, shape (n,)
        Rows in the order of customer and day; points below 0 are spent.
    life_days : int
        Points can be spent until so many days after they were earned.
    lot, spent : numpy.ndarray of int, shape (2 n,)
        Where matches are written: row that earned, and points. The row that spent them stands in ``lot`` from
        the end on.
    left : numpy.ndarray of int, shape (n,)
        What of the points of each row was never spent; 0 for redemptions.

    Returns
    -------
    int, int
        Matches, and points that were spent without there being any.
    """
    matches, overdrawn, head, current = 0, 0, 0, -1
    for row in range(len(points)):
        if customer[row] != current:
            current, head = customer[row], row
        if points[row] >= 0:
            left[row] = points[row]
            continue
        left[row] = 0
        wanted = -points[row]
        while wanted > 0 and head < row:
            if left[head] == 0 or points[head] < 0 or day[row] - day[head] > life_days:
                head += 1
                continue
            taken = min(wanted, left[head])
            left[head] -= taken
            wanted -= taken
            lot[matches], spent[matches] = head, taken
            matches += 1
            lot[len(lot) - matches] = row
        overdrawn += wanted
    return matches, overdrawn
