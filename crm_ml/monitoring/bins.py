"""Bins of a column: quantiles of a number, frequent levels of a text.

Both kinds count values of a frame in memory and, by SQL, rows of any table out of core. Counts are integers,
so they do not depend on the order of rows or the number of threads.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from crm_ml.tables.sql import ident, literal

MOST_BINS, MOST_LEVELS, FEWEST_CUSTOMERS = 10, 50, 10
Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Numbers:
    """Bins of a number: up to each edge (inclusive), above the last edge, and missing.

    Parameters
    ----------
    edges : tuple of float
        Ascending.

    Examples
    --------
    >>> Numbers((1.0, 2.0)).count(np.array([0, 1, 2, 2.5, np.nan]))
    array([2, 1, 1, 1])
    """

    edges: tuple[float, ...]

    @property
    def size(self) -> int:
        """Number of bins."""
        return len(self.edges) + 2

    @classmethod
    def learn(cls, values: npt.NDArray[np.float64]) -> "Numbers":
        """Return bins with edges at the nine deciles of the known values, without duplicates."""
        known = values[np.isfinite(values)]
        if not len(known):
            return cls(())
        cuts = np.quantile(known, np.arange(1, MOST_BINS) / MOST_BINS, method="inverted_cdf")
        return cls(tuple(float(edge) for edge in np.unique(cuts)))

    def count(self, values: npt.NDArray[Any]) -> Counts:
        """Return the rows of each bin."""
        known = values[~np.isnan(values)]
        places = np.searchsorted(self.edges, known, side="left")
        counts = np.bincount(places, minlength=len(self.edges) + 1)
        return np.append(counts, len(values) - len(known)).astype(np.int64)

    def expressions(self, name: str) -> list[str]:
        """Return SQL aggregates: rows up to each edge, and missing rows; a text is missing."""
        column = f"TRY_CAST({ident(name)} AS DOUBLE)"
        counts = [f"count_if({column} <= '{edge!r}'::DOUBLE)" for edge in self.edges]
        return [*counts, f"count_if({column} IS NULL OR isnan({column}))"]

    def counted(self, row: Sequence[int], total: int) -> Counts:
        """Return the rows of each bin from what `expressions` gave."""
        up_to, missing = list(row[:-1]), row[-1]
        steps = np.diff([0, *up_to, total - missing])
        return np.append(steps, missing).astype(np.int64)


@dataclass(frozen=True)
class Texts:
    """Bins of a text: one per frequent level, all rare levels together, and missing.

    Only levels of at least ten customers get a bin, since a rare level can identify a person.

    Parameters
    ----------
    levels : tuple of str

    Examples
    --------
    >>> Texts(("a", "b")).count(np.array(["a", "c", None, "a"], dtype=object))
    array([2, 0, 1, 1])
    """

    levels: tuple[str, ...]

    @property
    def size(self) -> int:
        """Number of bins."""
        return len(self.levels) + 2

    @classmethod
    def learn(cls, days: Sequence[npt.NDArray[Any]]) -> "Texts":
        """Return bins of the most frequent levels, by their largest count on a day."""
        import pandas as pd

        most: dict[str, int] = {}
        for values in days:
            for level, count in pd.Series(values, dtype=object).value_counts().items():
                most[str(level)] = max(int(count), most.get(str(level), 0))
        ranked = sorted(most.items(), key=lambda level_count: (-level_count[1], level_count[0]))[:MOST_LEVELS]
        return cls(tuple(sorted(level for level, n in ranked if n >= FEWEST_CUSTOMERS and "\0" not in level)))

    def count(self, values: npt.NDArray[Any]) -> Counts:
        """Return the rows of each bin."""
        import pandas as pd

        frequencies = pd.Series(values, dtype=object).value_counts()
        counts = [int(frequencies.get(level, 0)) for level in self.levels]
        known = int(frequencies.sum())
        return np.array([*counts, known - sum(counts), len(values) - known], dtype=np.int64)

    def expressions(self, name: str) -> list[str]:
        """Return SQL aggregates: rows of each level, and missing rows."""
        column = ident(name)
        counts = [f"count_if({column} = {literal(level)})" for level in self.levels]
        return [*counts, f"count_if({column} IS NULL)"]

    def others(self, name: str) -> str:
        """Return the SQL aggregate of the number of distinct levels without a bin."""
        levels = ", ".join(literal(level) for level in self.levels)
        which = f" FILTER (WHERE {ident(name)} NOT IN ({levels}))" if levels else ""
        return f"count(DISTINCT {ident(name)}){which}"

    def counted(self, row: Sequence[int], total: int) -> Counts:
        """Return the rows of each bin from what `expressions` gave."""
        return np.array([*row[:-1], total - sum(row), row[-1]], dtype=np.int64)


Bins = Numbers | Texts


def batches(names: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    """Split names into batches, so that a query stays small."""
    for start in range(0, len(names), size):
        yield names[start : start + size]
