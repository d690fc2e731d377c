"""Who stands at given places of an order over all parts, from counts and few rows.

The customers of a group are ordered by a number of 64 bits (such as their draw), and those of the same number
by their id. Counts of the leading bits say in which of their steps a place lies; only the customers of such
steps meet.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from crm_ml.allocation.value_parts import Array, ValuePart, ValueParts

Place = tuple[int, Any]  # number and id
_FEW = 100_000  # customers who meet at once
_STEP_BITS = 12


@dataclass(frozen=True, eq=False)
class Ordered:
    """Groups of customers and their order, as the parts keep them.

    Parameters
    ----------
    number : str
        Name of the numbers of all customers of a part, uint64; the draws, where it is empty.
    group : str
        Name of the groups.
    rows : str
        Name of the rows that the groups are of; all, where it is empty.
    """

    number: str
    group: str
    rows: str = ""

    def of(self, part: ValuePart) -> tuple[Array, Array, Array]:
        """Return rows, numbers and groups of a part."""
        group = part.kept[self.group]
        rows = part.kept[self.rows] if self.rows else np.arange(len(group))
        numbers = part.kept[self.number] if self.number else part.draws
        return rows, numbers[rows], group


def at_places(
    parts: ValueParts,
    ordered: Ordered,
    places: Mapping[int, Sequence[int]],
    size: int,
    of_part: Sequence[Array] | None = None,
) -> dict[int, list[Place]]:
    """Return number and id of the customers at places of their groups, counted from 0.

    Parameters
    ----------
    parts : ValueParts
    ordered : Ordered
    places : mapping of int to sequence of int
        Places of each group, in ascending order, each below the size of the group.
    size : int
        Customers of all these groups together.
    of_part : sequence of numpy.ndarray, optional
        For each part, the group of each of its own groups.
    """
    groups = tuple(places)
    if not groups:
        return {}
    bits = 0 if size <= _FEW else _STEP_BITS
    before = {group: np.zeros(2, dtype=np.int64) for group in groups}
    if bits:
        steps: Any = sum(parts.map(Counted(ordered, groups, bits, of_part)))
        before = {group: np.append(0, np.cumsum(count)) for group, count in zip(groups, steps, strict=True)}
    step = {
        group: np.searchsorted(before[group][1:], wanted, side="right").tolist() if bits else [0]
        for group, wanted in places.items()
    }
    wanted_steps = {(group, at) for group, steps in step.items() for at in steps}
    met = parts.map(_Met(ordered, frozenset(wanted_steps), bits, of_part))
    by_step: dict[tuple[int, int], list[Place]] = {key: [] for key in wanted_steps}
    for rows in met:
        for key, few in rows.items():
            by_step[key] += few
    by_step = {key: sorted(few) for key, few in by_step.items()}
    return {
        group: [
            by_step[group, at][place - int(before[group][at])]
            for place, at in zip(wanted, step[group] if bits else [0] * len(wanted), strict=True)
        ]
        for group, wanted in places.items()
    }


@dataclass(frozen=True, eq=False)
class Counted:
    """Count the customers of groups by the leading bits of their number, shape (groups, 2^bits)."""

    ordered: Ordered
    groups: tuple[int, ...]
    bits: int
    of_part: Sequence[Array] | None = None

    def __call__(self, part: ValuePart) -> Array:
        """Return the counts of a part."""
        _, numbers, group = self.ordered.of(part)
        count = np.zeros((len(self.groups), 1 << self.bits), dtype=np.int64)
        for line, members in _members(group, self.groups, self.of_part, part.number):
            count[line] = np.bincount(_steps(numbers[members], self.bits), minlength=1 << self.bits)
        return count


@dataclass(frozen=True, eq=False)
class _Met:
    ordered: Ordered
    steps: frozenset[tuple[int, int]]
    bits: int
    of_part: Sequence[Array] | None

    def __call__(self, part: ValuePart) -> dict[tuple[int, int], list[Place]]:
        rows, numbers, group = self.ordered.of(part)
        groups = tuple(sorted({number for number, _ in self.steps}))
        positions = {}
        for line, members in _members(group, groups, self.of_part, part.number):
            step = _steps(numbers[members], self.bits)
            for key in self.steps:
                if key[0] == groups[line]:
                    positions[key] = members[step == key[1]]
        flat = np.concatenate(list(positions.values()))
        all_ids, start, met = part.ids_of(rows[flat]) if len(flat) else [], 0, {}
        for key, few in positions.items():
            met[key] = list(zip(numbers[few].tolist(), all_ids[start : start + len(few)], strict=True))
            start += len(few)
        return met


def _steps(numbers: Array, bits: int) -> Array:
    """Return the leading bits of numbers."""
    if not bits:
        return np.zeros(len(numbers), dtype=np.int64)
    return (numbers >> np.uint64(64 - bits)).astype(np.int64)


def _members(
    group: Array, groups: tuple[int, ...], of_part: Sequence[Array] | None, part: int
) -> "list[tuple[int, Array]]":
    """Return for each group its line and the positions of its members in a part."""
    line = {number: place for place, number in enumerate(groups)}
    if of_part is not None:
        own = np.array([line.get(number, -1) for number in of_part[part].tolist()], dtype=np.int64)
    else:
        own = np.array([line.get(number, -1) for number in range(max(groups) + 1)] + [-1], dtype=np.int64)
        group = np.where((group < 0) | (group > max(groups)), max(groups) + 1, group)
    lines = own[group] if len(own) else np.empty(0, dtype=np.int64)
    inside = np.flatnonzero(lines >= 0)
    order = inside[np.argsort(lines[inside], kind="stable")]
    ends = np.searchsorted(lines[order], np.arange(len(groups) + 1))
    return [(place, order[ends[place] : ends[place + 1]]) for place in range(len(groups))]


def not_before(numbers: Array, ids: Any, place: Place) -> Array:
    """Mark the customers who are not before a place; `ids` gives the ids of some positions."""
    number, identity = place
    marked: Array = numbers > np.uint64(number)
    same = np.flatnonzero(numbers == np.uint64(number))
    marked[same] = [own >= identity for own in ids(same)]
    return marked
