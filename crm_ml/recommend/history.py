"""How often and how regularly a customer bought an item."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from crm_ml.recommend.interactions import Floats, Interactions, Ints

if TYPE_CHECKING:
    from scipy.sparse import csr_array

_LATE = 1.0  # of its gap


@dataclass(frozen=True, eq=False)
class History:
    """Count, last and first age in days of each customer's events of an item, on the same sparse pattern.

    Parameters
    ----------
    count, last, first : scipy.sparse.csr_array, shape (customers, items)
    """

    count: "csr_array"
    last: "csr_array"
    first: "csr_array"

    @staticmethod
    def of(data: Interactions) -> "History":
        """Return the history of all customers; events of one second count once."""
        return History(data.matrix(), data.ages(), data.ages(oldest=True))

    @property
    def gap(self) -> Floats:
        """Mean days between two events, on the pattern; NaN after one event."""
        times = self.count.data - 1
        spread = self.first.data - self.last.data
        gap: Floats = np.full(len(times), np.nan)
        np.divide(spread, times, out=gap, where=times > 0)
        return gap

    @property
    def arrays(self) -> dict[str, Any]:
        """Content of the files of a model."""
        return {"history_count": self.count, "history_last": self.last, "history_first": self.first}

    @staticmethod
    def from_arrays(arrays: Mapping[str, Any]) -> "History":
        """Restore a history from `arrays`."""
        return History(*(arrays[f"history_{name}"] for name in ("count", "last", "first")))

    def texts(self, rows: Ints, items: Ints) -> list[str]:
        """Return the history of pairs in words: ``6 times, about every 27 days, last 30 days ago: due``."""
        counts, lasts, firsts = (
            np.asarray(part[rows, items]).ravel() for part in (self.count, self.last, self.first)
        )
        return [_words(int(n), last, first) for n, last, first in zip(counts, lasts, firsts, strict=True)]


def _words(count: int, last: float, first: float) -> str:
    if not count:
        return "never before"
    times = "once" if count == 1 else f"{count} times"
    gap = (first - last) / (count - 1) if count > 1 else 0.0
    every = f", about every {gap:.0f} days" if gap >= 1 else ""
    due = ": due" if gap >= 1 and last >= _LATE * gap else ""
    return f"{times}{every}, last {last:.0f} days ago{due}"
