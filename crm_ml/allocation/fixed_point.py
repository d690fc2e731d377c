"""Sums that do not depend on the order of addition: whole numbers of a fixed unit.

A sum is a pair of int64: the amounts are split at bit `SHIFT`, and both halves are added. Of amounts below
2^62 any 2^30 can be added in a part without overflow; pairs of parts are added as whole numbers of Python.
"""

import math
from collections.abc import Iterable
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
BITS, SHIFT = 60, 31
UNIT = 2.0**BITS
MASK = (1 << SHIFT) - 1


def whole(pairs: Array) -> Any:
    """Return the sums of pairs, shape (..., 2), as whole numbers of Python (an array of objects)."""
    halves = pairs.astype(object)
    return (halves[..., 0] << SHIFT) + halves[..., 1]


def added(pairs: Iterable[Array]) -> Any:
    """Add pairs of parts, each of shape (..., 2)."""
    return sum(whole(pair) for pair in pairs)


def floats(wholes: Any, scale: float) -> npt.NDArray[np.float64]:
    """Return whole numbers of 2^-60 times a scale as the nearest floats."""
    unit = Fraction(scale) / (1 << BITS)
    flat = [float(number * unit) for number in np.asarray(wholes, dtype=object).ravel()]
    return np.array(flat, dtype=np.float64).reshape(np.shape(wholes))


def above(number: Fraction) -> float:
    """Return the least float that is not below a number."""
    nearest = float(number)
    return nearest if Fraction(nearest) >= number else math.nextafter(nearest, math.inf)


def total(values: Array, scale: float) -> int:
    """Add values, each rounded down to whole numbers of 2^-60 times a scale (a power of two)."""
    units = np.floor(np.asarray(values, dtype=np.float64) * (UNIT / scale))
    if not len(units) or np.abs(units).max() >= 2.0**62:
        return sum(int(unit) for unit in units.tolist())
    wholes = units.astype(np.int64)
    return (int((wholes >> SHIFT).sum()) << SHIFT) + int((wholes & MASK).sum())


def power_above(number: float) -> float:
    """Return the least power of two that is not below a number; 1 for 0.

    Examples
    --------
    >>> power_above(5.0), power_above(0.25), power_above(0.0)
    (8.0, 0.25, 1.0)
    """
    if not number > 0:
        return 1.0
    mantissa, exponent = math.frexp(number)
    return math.ldexp(1.0, exponent - 1 if mantissa == 0.5 else exponent)
