"""Customers in parts: all that touches every customer is a pass over parts.

``parts.map(work)`` calls ``work(part)`` for each part, wherever the part lies, and returns the results in
the order of the parts; `work` can be pickled (a frozen dataclass with ``__call__``). A `ValuePart` has the
values of its customers, their draws, and keeps arrays between passes. No result may depend on which customers
share a part: results are counts, sums of integers (`crm_ml.allocation.fixed_point`), maxima, or rows that are
ordered by draw and id afterwards.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
T = TypeVar("T")
Map = Callable[[Callable[[int], Any], Sequence[int]], Iterable[Any]]
CHUNK_ROWS = 1 << 16
VALUES, DRAWS = "values", "draws"


class Kept(Protocol):
    """Arrays of a part by name, which stay where the part is."""

    def __getitem__(self, name: str, /) -> Array:
        """Return an array."""

    def __setitem__(self, name: str, array: Array, /) -> None:
        """Keep an array."""


@dataclass(frozen=True, eq=False)
class ValuePart:
    """The customers of one part.

    Parameters
    ----------
    number : int
        Place of the part.
    values : array, shape (n, m)
        May lie on disk (`numpy.memmap`). Values that are not finite are not eligible.
    draws : numpy.ndarray of uint64, shape (n,)
        A keyed hash of the customer: who is in a sample, and the order among equals.
    kept : Kept
        Where arrays of the part stay between passes.
    eligible : array of bool, shape (n, m), optional
    layers : sequence of array, shape (n, m)
        Costs that differ between customers.
    ids : callable, optional
        Ids of some rows, which order customers of the same draw; by default the numbers of the rows.
    """

    number: int
    values: Array
    draws: Array
    kept: Kept = field(default_factory=dict[str, Array])
    eligible: Array | None = None
    layers: Sequence[Array] = ()
    ids: Callable[[Array], Sequence[Any]] | None = None

    def ids_of(self, rows: Array) -> list[Any]:
        """Return what orders customers of the same draw."""
        return list(rows.tolist() if self.ids is None else self.ids(rows))

    def taken(self, rows: Array) -> "ValuePart":
        """Return the part of some rows, in memory."""
        eligible = None if self.eligible is None else np.asarray(self.eligible[rows])
        layers = [np.asarray(layer[rows]) for layer in self.layers]
        return ValuePart(
            self.number, np.asarray(self.values[rows]), np.asarray(self.draws[rows]), {}, eligible, layers
        )

    def chunks(self, scale: Sequence[float] = ()) -> Iterator[tuple[slice, Array, Array, Array]]:
        """Yield pieces of customers: rows, values, eligibility (no row where all are), costs by scale."""
        n, m = self.values.shape
        for start in range(0, n, CHUNK_ROWS):
            piece = slice(start, min(n, start + CHUNK_ROWS))
            mask = np.empty((0, m), dtype=np.bool_)
            if self.eligible is not None:
                mask = np.ascontiguousarray(self.eligible[piece])
            costs = np.empty((0, piece.stop - start, m))
            if self.layers:
                pairs = zip(self.layers, scale, strict=True)
                costs = np.stack([np.asarray(layer[piece], dtype=np.float64) / unit for layer, unit in pairs])
            yield piece, np.ascontiguousarray(self.values[piece]), mask, costs


class ValueParts(Protocol):
    """Customers dealt into parts."""

    @property
    def rows(self) -> Sequence[int]:
        """Number of customers of each part."""

    def map(self, work: Callable[[ValuePart], T]) -> list[T]:
        """Return ``work(part)`` of each part, in their order."""


@dataclass(frozen=True, eq=False)
class MemoryParts:
    """Parts in memory.

    Parameters
    ----------
    parts : sequence of ValuePart
    """

    parts: Sequence[ValuePart]

    @property
    def rows(self) -> Sequence[int]:
        """Number of customers of each part."""
        return [len(part.values) for part in self.parts]

    def map(self, work: Callable[[ValuePart], T]) -> list[T]:
        """Return ``work(part)`` of each part, in their order."""
        return [work(part) for part in self.parts]


@dataclass(frozen=True)
class KeptFiles:
    """Arrays in files ``<name>.npy`` of a folder.

    Parameters
    ----------
    folder : Path
    """

    folder: Path

    def __getitem__(self, name: str) -> Array:
        """Return an array, read as it is used; changes do not reach the file."""
        path = self.folder / f"{name}.npy"
        try:
            return np.asarray(np.load(path, mmap_mode="c"))
        except ValueError:  # no byte can't be mapped
            return np.asarray(np.load(path))

    def __setitem__(self, name: str, array: Array) -> None:
        """Write an array."""
        np.save(self.folder / f"{name}.npy", array)


@dataclass(frozen=True)
class FileParts:
    """Parts on disk: each a folder with ``values.npy`` and ``draws.npy``, which also keeps what passes leave.

    Parameters
    ----------
    folders : tuple of Path
    workers : callable, optional
        ``workers(work, numbers)`` yields ``work(number)`` in the order of numbers, as the ``map`` of
        `crm_ml.parts.workers.Workers` does; by default one after the other in this process.
    ids : callable, optional
        Ids of some rows of the part in a folder.
    """

    folders: tuple[Path, ...]
    workers: Map = map
    ids: Callable[[Path, Array], Sequence[Any]] | None = None

    @property
    def rows(self) -> Sequence[int]:
        """Number of customers of each part."""
        return [len(KeptFiles(folder)[DRAWS]) for folder in self.folders]

    def part(self, number: int) -> ValuePart:
        """Open a part."""
        folder = self.folders[number]
        kept = KeptFiles(folder)
        ids = None if self.ids is None else partial(self.ids, folder)
        return ValuePart(number, kept[VALUES], kept[DRAWS], kept, ids=ids)

    def map(self, work: Callable[[ValuePart], T]) -> list[T]:
        """Return ``work(part)`` of each part, in their order."""
        return list(self.workers(_OnPart(self.without_workers(), work), range(len(self.folders))))

    def without_workers(self) -> "FileParts":
        """Return the parts as workers open them, who need not reach themselves."""
        return FileParts(self.folders, ids=self.ids)


@dataclass(frozen=True)
class _OnPart:
    parts: FileParts
    work: Callable[[ValuePart], Any]

    def __call__(self, number: int) -> Any:
        return self.work(self.parts.part(number))


def draws_of_rows(n: int) -> Array:
    """Return a draw of each row number, all different (the finalizer of SplitMix64 [1]_).

    References
    ----------
    .. [1] Steele, Lea and Flood (2014). Fast splittable pseudorandom number generators. OOPSLA, figure 17.
    """
    z = np.arange(1, n + 1, dtype=np.uint64)
    z *= np.uint64(0x9E3779B97F4A7C15)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        z ^= z >> np.uint64(shift)
        z *= np.uint64(factor)
    z ^= z >> np.uint64(31)
    return z
