"""The counted actions of the near-ties, dealt to their customers in the order of draws, kept in the parts."""

from dataclasses import dataclass

import numpy as np

from crm_ml.allocation.fixed_point import total
from crm_ml.allocation.integer_program import Tied
from crm_ml.allocation.lagrangian import ACTIONS, Exact
from crm_ml.allocation.near_ties import GROUP, ROWS, NearTies
from crm_ml.allocation.problem import Ints, Problem
from crm_ml.allocation.ranked import Ordered, Place, at_places, not_before
from crm_ml.allocation.value_parts import Array, ValuePart, ValueParts

ALLOCATED = "allocated"


@dataclass(frozen=True, eq=False)
class Turns:
    """Actions of a group by turns: from the first place of a turn to the next, all get the same.

    Parameters
    ----------
    first : numpy.ndarray of int, shape (turns,)
        The first is 0.
    actions : numpy.ndarray of int, shape (turns, most)
    """

    first: Ints
    actions: Ints


def turns_of(problem: Problem, tied: Tied, count: Ints) -> list[Turns]:
    """Return the turns of each group: its actions go to its customers one after the other, and around."""
    order = np.lexsort((tied.action, problem.group[tied.action], tied.of))
    starts = np.searchsorted(tied.of[order], np.arange(len(tied.size) + 1))
    turns = []
    for group, size in enumerate(tied.size.tolist()):
        pairs = order[starts[group] : starts[group + 1]]
        pairs = pairs[count[pairs] > 0]
        begin = np.cumsum(count[pairs]) - count[pairs]
        end = begin + count[pairs]
        first = np.unique(np.concatenate([[0], begin % size, end % size])).astype(np.int64)
        actions = np.full((len(first), problem.most), -1, dtype=np.int16)
        for turn, place in enumerate(first.tolist()):
            served = tied.action[pairs[(place - begin) % size < count[pairs]]]
            actions[turn, : len(served)] = served
        turns.append(Turns(first, actions))
    return turns


def deal(parts: ValueParts, state: Exact, near: NearTies | None, turns: list[Turns]) -> int:
    """Keep the actions of all customers in the parts; return their value in whole numbers of the state."""
    if near is None:
        parts.map(_Dealt(state.slot, state.rates.scale, None))
        return state.value
    split = {group: turn.first[1:].tolist() for group, turn in enumerate(turns) if len(turn.first) > 1}
    size = int(near.size[list(split)].sum())
    ordered = Ordered("", GROUP, ROWS)
    places = at_places(parts, ordered, split, size, near.of_part)
    table = np.array([turn.actions[0] for turn in turns], dtype=np.int16)
    later = {group: (places[group], turns[group].actions) for group in split}
    dealt = parts.map(_Dealt(state.slot, state.rates.scale, _Deal(near.of_part, table, later)))
    return state.value - near.value + sum(dealt)


@dataclass(frozen=True, eq=False)
class _Deal:
    """For each part the group of its own groups, the first actions of each group, and the later turns."""

    of_part: list[Ints]
    table: Ints
    later: dict[int, tuple[list[Place], Ints]]


@dataclass(frozen=True, eq=False)
class _Dealt:
    slot: int
    scale: float
    deal: _Deal | None

    def __call__(self, part: ValuePart) -> int:
        actions = np.array(part.kept[f"{ACTIONS}_{self.slot}"])
        value = 0
        if self.deal is not None and len(part.kept[ROWS]):
            rows = part.kept[ROWS]
            actions[rows] = self._actions(part, rows, self.deal)
            for taken in actions[rows].T:
                served = np.flatnonzero(taken >= 0)
                value += total(part.values[rows[served], taken[served]], self.scale)
        part.kept[ALLOCATED] = actions
        return value

    @staticmethod
    def _actions(part: ValuePart, rows: Array, deal: _Deal) -> Ints:
        group = deal.of_part[part.number][part.kept[GROUP]]
        actions: Ints = deal.table[group]
        order = np.argsort(group, kind="stable")
        for number, (places, of_turn) in deal.later.items():
            members = order[slice(*np.searchsorted(group[order], [number, number + 1]))]
            turn = np.zeros(len(members), dtype=np.int64)
            draws = part.draws[rows[members]]
            for place in places:
                turn += not_before(draws, lambda few, own=rows[members]: part.ids_of(own[few]), place)
            actions[members] = of_turn[turn]
        return actions
