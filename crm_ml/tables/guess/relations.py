"""How columns of a sample go together: which follows from which, and what stands once in a group."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.int64]
MISSING: Final = -1


def codes_of(cells: Sequence[str | None]) -> Codes:
    """Return a number for each different cell, -1 for empty ones."""
    numbers: dict[str, int] = {}
    places = (MISSING if cell is None else numbers.setdefault(cell, len(numbers)) for cell in cells)
    return np.fromiter(places, dtype=np.int64, count=len(cells))


def distinct(codes: Codes) -> int:
    """Return how many different values there are, without empty cells."""
    return int(codes.max(initial=MISSING)) + 1


def values_each(of: Codes, other: Codes) -> Codes:
    """Return for each value of `of` how many different values of `other` stand beside it."""
    filled = (of != MISSING) & (other != MISSING)
    pairs = np.unique(of[filled] * (distinct(other) + 1) + other[filled]) // (distinct(other) + 1)
    return np.bincount(pairs, minlength=distinct(of)).astype(np.int64)


def share_of_one(of: Codes, other: Codes) -> float:
    """Return the share of values of `of` in several rows with one value of `other`; 1 without any."""
    rows = np.bincount(of[(of != MISSING) & (other != MISSING)], minlength=distinct(of))
    several = values_each(of, other)[rows > 1]
    return float((several == 1).mean()) if len(several) else 1.0


def share_of_several(of: Codes, other: Codes) -> float:
    """Return the share of values of `of` beside which `other` has several values."""
    counts = values_each(of, other)
    counts = counts[counts > 0]
    return float((counts > 1).mean()) if len(counts) else 0.0


def contiguity(codes: Codes) -> float:
    """Return the values of a column per run of equal neighbours: 1 where each stands in one block of rows."""
    filled = codes[codes != MISSING]
    runs = 1 + int((np.diff(filled) != 0).sum()) if len(filled) else 1
    return distinct(codes) / runs


def is_on_first_row(of: Codes, other: Codes) -> bool:
    """Return whether `other` is filled on the first row of each value of `of` and nowhere else."""
    changes = np.flatnonzero(np.diff(of, prepend=MISSING - 1))
    first = np.zeros(len(of), dtype=bool)
    first[changes] = True
    later = other[~first]
    return bool(len(later) and (later == MISSING).mean() > 0.99 and (other[first] != MISSING).any())


def filled_down(of: Codes, other: Codes) -> Codes:
    """Return `other` with the value of the first row of each value of `of` on all of its rows."""
    _, first = np.unique(of, return_index=True)
    place = dict(zip(of[first].tolist(), other[first].tolist(), strict=True))
    return np.array([place[code] for code in of.tolist()], dtype=np.int64)
