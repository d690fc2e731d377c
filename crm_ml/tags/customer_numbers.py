"""The number of each customer in a store of tags; who has one keeps it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ids = npt.NDArray[np.bytes_]
Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class CustomerNumbers:
    """Ids by number.

    Parameters
    ----------
    ids : numpy.ndarray of bytes, shape (n,)
        UTF-8, in runs of ascending order: those of the first day, then those of each later one.
    starts : sequence of int
        Number of the first customer of each run.
    """

    ids: Ids
    starts: Sequence[int] = (0,)

    @classmethod
    def of(cls, ids: Iterable[str]) -> "CustomerNumbers":
        """Return numbers of ids in ascending order."""
        return cls(np.sort(encoded(ids)))

    def __len__(self) -> int:
        return len(self.ids)

    def find(self, ids: Ids) -> Numbers:
        """Return the number of each id, -1 for who has none."""
        found = np.full(len(ids), -1, dtype=np.int64)
        for start, end in zip(self.starts, [*self.starts[1:], len(self.ids)], strict=True):
            run = self.ids[start:end]
            place = np.searchsorted(run, ids)
            inside = place < len(run)
            inside[inside] = run[place[inside]] == ids[inside]
            found[inside] = start + place[inside]
        return found

    def extended(self, ids: Ids) -> "CustomerNumbers":
        """Return the numbers with a run of those ids that have none yet."""
        new = np.unique(ids[self.find(ids) < 0])
        if not len(new):
            return self
        return CustomerNumbers(np.concatenate([self.ids, new]), [*self.starts, len(self.ids)])

    def texts(self, numbers: npt.NDArray[np.integer] | slice) -> npt.NDArray[np.str_]:
        """Return the ids of numbers."""
        return np.char.decode(self.ids[numbers], "utf-8")


def encoded(ids: Iterable[str]) -> Ids:
    """Return ids as bytes."""
    texts = np.asarray(ids if isinstance(ids, np.ndarray) else list(ids), dtype=str)
    return np.char.encode(texts, "utf-8") if len(texts) else np.empty(0, dtype="S1")
