"""The customers who are nearly indifferent at the prices, as groups of equal choices that meet in one place.

Customers of whom the same actions are near and whose reduced values beside the best are equal belong to one
group, also where their values differ: only how many of a group get which action is to be decided.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from crm_ml.allocation.fixed_point import floats, total
from crm_ml.allocation.lagrangian import ACTIONS, MARGIN, Exact, Rates
from crm_ml.allocation.problem import Floats, Ints, Problem
from crm_ml.allocation.value_parts import CHUNK_ROWS, Array, ValuePart, ValueParts

ROWS, GROUP = "near_rows", "near_group"
_FIRST = 4_096
_NOT_NEAR = np.iinfo(np.int64).min
_GRID = 1e-9  # of the typical value: values that differ by less count as equal


@dataclass(frozen=True, eq=False)
class NearTies:
    """Groups of customers with equal choices, ordered by their keys.

    Parameters
    ----------
    size : numpy.ndarray of int, shape (groups,)
    is_near : numpy.ndarray of bool, shape (groups, m)
    units : numpy.ndarray of int, shape (groups, m)
        Value of each near action beyond its price, in whole numbers of 2^-60 times the scale; the least of
        the group.
    costs : numpy.ndarray, shape (groups, m, layers)
        By the scale of each layer.
    usage : numpy.ndarray, shape (m + layers,)
        Of the best actions of all of them.
    value : int
        Of the best actions of all of them, in whole numbers of 2^-60 times the scale.
    of_part : sequence of numpy.ndarray
        For each part, the group of each of its own groups.
    slack : float
        Greatest margin.
    """

    size: Ints
    is_near: Array
    units: Ints
    costs: Floats
    usage: Floats
    value: int
    of_part: "list[Ints]"
    slack: float


def near_ties(
    parts: ValueParts, problem: Problem, state: Exact, slack: float, typical: float, most: int
) -> NearTies | None:
    """Return the groups of all customers with at most a margin; None where they are more than `most`."""
    grid = max(_GRID * typical, state.rates.scale * 2.0**-58)
    results = parts.map(_Collected(state.rates, problem.group, state.slot, slack, grid, most))
    if any(found is None for found in results):
        return None
    known = [found for found in results if found is not None]
    keys = np.concatenate([found.keys for found in known])
    rows = np.ascontiguousarray(keys).view(np.dtype((np.void, keys.shape[1] * keys.itemsize))).ravel()
    _, first, inverse = np.unique(rows, return_index=True, return_inverse=True)
    if len(first) > most:
        return None
    size = np.zeros(len(first), dtype=np.int64)
    np.add.at(size, inverse, np.concatenate([found.size for found in known]))
    units = np.full((len(first), 1 + problem.actions), np.iinfo(np.int64).max)
    np.minimum.at(units, inverse, np.concatenate([found.units for found in known]))
    ends = np.cumsum([len(found.size) for found in known])[:-1]
    m, count = problem.actions, sum(found.count for found in known)
    spent: Any = sum(found.spent for found in known)
    is_clear, is_near = keys[first, :1] == 1, keys[first, 1 : m + 1] != _NOT_NEAR
    return NearTies(
        size=size,
        is_near=is_near,
        units=np.where(is_near, units[:, 1:] + np.where(is_clear, units[:, :1], 0), 0),
        costs=np.ascontiguousarray(keys[first, m + 1 :]).view(np.float64).reshape(len(first), -1, m)
        .transpose(0, 2, 1) if problem.layers else np.empty((len(first), m, 0)),
        usage=np.append(np.asarray(count, dtype=np.float64), floats(spent, 1.0)),
        value=sum(found.value for found in known),
        of_part=np.split(inverse, ends),
        slack=slack,
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Found:
    """Groups of a part: keys, sizes, least worth of the best and of each beside it; then sums of the best."""

    keys: Ints
    size: Ints
    units: Ints
    count: Ints
    spent: Any
    value: int


@dataclass(frozen=True, eq=False)
class _Collected:
    rates: Rates
    group: Ints
    slot: int
    slack: float
    grid: float
    most: int

    def __call__(self, part: ValuePart) -> _Found | None:
        rows = np.flatnonzero(part.kept[f"{MARGIN}_{self.slot}"] <= self.slack)
        actions = part.kept[f"{ACTIONS}_{self.slot}"]
        groups = _Groups(self.most)
        numbers: list[Ints] = [np.empty(0, dtype=np.int64)]
        m, layers = part.values.shape[1], len(self.rates.layers)
        count, spent, value = np.zeros(m, dtype=np.int64), np.zeros(layers, dtype=object), 0
        for piece in _pieces(rows):
            few = part.taken(piece)
            keys, units, costs = self._keys(few)
            numbers.append(groups.add(keys, units))
            if groups.too_many:
                return None
            for taken in actions[piece].T:
                served = np.flatnonzero(taken >= 0)
                count += np.bincount(taken[served], minlength=m)
                value += total(few.values[served, taken[served]], self.rates.scale)
                spent += np.array([total(layer[served, taken[served]], 1.0) for layer in costs], dtype=object)
        part.kept[ROWS], part.kept[GROUP] = rows, np.concatenate(numbers)
        keys = groups.keys(1 + m * (1 + layers))
        return _Found(keys, *groups.sizes(1 + m), count, spent, value)

    def _keys(self, few: ValuePart) -> tuple[Ints, Ints, Array]:
        """Return what is equal in a group; worth of the best and beside it; costs by their scales."""
        _, values, mask, costs = next(few.chunks(self.rates.cost_scale))
        worth = self.rates.reduced(values, mask, costs)
        unit = self.rates.unit
        slack = int(min(self.slack / unit, 2.0**61))
        best = np.zeros((len(values), int(self.group.max()) + 1), dtype=np.int64)
        for group in range(best.shape[1]):
            best[:, group] = np.maximum(worth[:, self.group == group].max(axis=1), 0)
        near = (worth >= best[:, self.group] - slack) & (worth >= -slack) & (worth > -(1 << 62))
        clear = (best[:, 0] > slack) & (best.shape[1] == 1)
        beside = np.where(near, worth - np.where(clear, best[:, 0], 0)[:, None], 0)
        steps = np.rint(beside * (unit / self.grid)).astype(np.int64)
        columns = [clear[:, None].astype(np.int64), np.where(near, steps, _NOT_NEAR)]
        for layer in costs:
            columns.append(np.where(near, np.ascontiguousarray(layer).view(np.int64), 0))
        return np.ascontiguousarray(np.hstack(columns)), np.column_stack([best[:, 0], beside]), costs


def _pieces(rows: Array) -> Iterator[Array]:
    """Yield the rows in pieces; the first is small, so that too many groups show early."""
    start, size = 0, _FIRST
    while start < len(rows):
        yield rows[start : start + size]
        start, size = start + size, CHUNK_ROWS


class _Groups:
    """Groups by their keys, piece by piece."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._numbers: dict[bytes, int] = {}
        self._sizes: list[int] = []
        self._units: list[Ints] = []
        self.too_many = False

    def add(self, keys: Ints, units: Ints) -> Ints:
        """Return the group of each row."""
        from crm_ml.allocation import exact_kernels

        number, firsts = exact_kernels.grouped(keys, self._most)
        self.too_many |= len(firsts) > self._most
        if self.too_many:
            return number
        size = np.bincount(number, minlength=len(firsts))
        least = exact_kernels.least(number, units, len(firsts))
        places = np.empty(len(firsts), dtype=np.int64)
        for group, (key, rows) in enumerate(zip(keys[firsts], size.tolist(), strict=True)):
            place = self._numbers.setdefault(key.tobytes(), len(self._sizes))
            if place == len(self._sizes):
                self._sizes.append(0)
                self._units.append(least[group])
            self._sizes[place] += rows
            self._units[place] = np.minimum(self._units[place], least[group])
            places[group] = place
        self.too_many = len(self._sizes) > self._most
        found: Ints = places[number]
        return found

    def keys(self, columns: int) -> Ints:
        """Return the keys in the order of the groups."""
        if not self._numbers:
            return np.empty((0, columns), dtype=np.int64)
        return np.frombuffer(b"".join(self._numbers), dtype=np.int64).reshape(-1, columns)

    def sizes(self, columns: int) -> tuple[Ints, Ints]:
        """Return the number of rows and the least units of each group."""
        units = np.array(self._units, dtype=np.int64).reshape(-1, columns)
        return np.array(self._sizes, dtype=np.int64), units
