"""Compiled loops over planes of bits; imported where one runs."""

import numba
import numpy as np
import numpy.typing as npt

Plane = npt.NDArray[np.uint8]


@numba.njit(cache=True, nogil=True)
def scatter(
    block: Plane, places: npt.NDArray[np.int64], small: Plane, planes: int
) -> None:  # pragma: no cover  (compiled)
    """Put the bits of some customers at their places in the first planes of a block.

    Parameters
    ----------
    block : numpy.ndarray, shape (p, bytes)
    places : numpy.ndarray, shape (k,)
    small : numpy.ndarray, shape (p, ceil(k / 8))
        Bits of the customers, one behind the other, the first in the lowest bit.
    planes : int
        At most p.
    """
    for plane in range(planes):
        for number in range(len(places)):
            bit = (small[plane, number >> 3] >> (number & 7)) & 1
            byte, shift = places[number] >> 3, places[number] & 7
            block[plane, byte] = (block[plane, byte] & ~(1 << shift)) | (bit << shift)
