"""Whole numbers made better by exchanges: one or two customers at a time take another near action."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from crm_ml.allocation.integer_program import SLIP, Tied
from crm_ml.allocation.problem import Floats, Ints

_STARTS, _STARTS_OF_MANY, _FEW = 8, 2, 500  # further orders of moves, and groups that are few
_MOST_MOVES = 10_000


@dataclass(frozen=True, eq=False)
class _Moves:
    """A customer of a group takes the option `to` instead of `source`; the last options are nothing."""

    group: Ints
    source: Ints
    to: Ints
    gain: Floats
    use: Floats


def improved(tied: Tied, count: Ints, short: float, room: float) -> tuple[Ints, float]:
    """Exchange actions of customers who get one each, while limits are met and the value grows.

    Parameters
    ----------
    tied : Tied
    count : numpy.ndarray of int, shape (pairs,)
        Within all limits.
    short : float
        What the counts lose against the relaxation; below `room` there is no need for more.
    room : float

    Returns
    -------
    count : numpy.ndarray of int, shape (pairs,)
    short : float
    """
    if short <= room or not len(tied.size):
        return count, short
    moves = _moves(tied)
    if len(moves.gain) > _MOST_MOVES:
        return count, short
    orders = [np.argsort(-moves.gain, kind="stable")]
    starts = range(_STARTS if len(tied.size) <= _FEW else _STARTS_OF_MANY)
    orders += [np.random.default_rng(start).permutation(len(moves.gain)) for start in starts]
    best, least = count, short
    for order in orders:
        better, left = _exchanged(tied, moves, order, count, (short, room))
        if left < least:
            best, least = better, left
        if least <= room:
            break
    return best, least


def _exchanged(
    tied: Tied, moves: "_Moves", order: Ints, count: Ints, goal: tuple[float, float]
) -> tuple[Ints, float]:
    """Exchange in an order of moves until nothing grows, or no more than `room` is short."""
    short, room = goal
    served = np.bincount(tied.of, count, minlength=len(tied.size)).astype(np.int64)
    options = np.concatenate([count, tied.size - served, [1]])  # the last is that nobody moves
    free = tied.left - tied.usage @ count
    before = np.inf
    while room < short < before:
        before = short
        for first in order:
            second = _partner(moves, int(first), options, free)
            if second is None:
                continue
            for move in (int(first), second):
                options[moves.source[move]] -= 1
                options[moves.to[move]] += 1
                free = free - moves.use[move]
                short -= float(moves.gain[move])
    return options[: len(count)], short


def _partner(moves: "_Moves", first: int, options: Ints, free: Floats) -> int | None:
    """Return the best move together with another, within what is free; None where the two gain nothing."""
    if not options[moves.source[first]]:
        return None
    likely = (options[moves.source] > 0) & (moves.gain > SLIP - moves.gain[first])
    partners = np.flatnonzero(likely & (moves.group != moves.group[first]))
    partners = partners[(moves.use[partners] <= free - moves.use[first] + SLIP).all(axis=1)]
    return int(partners[moves.gain[partners].argmax()]) if len(partners) else None


def _moves(tied: Tied) -> _Moves:
    """Return all moves, and as the last that nobody moves."""
    pairs, groups = len(tied.of), len(tied.size)
    of = np.append(tied.of, np.arange(groups))
    value = np.append(tied.value, np.zeros(groups))
    use = np.vstack([tied.usage.toarray().T, np.zeros((groups, len(tied.left)))])
    order = np.argsort(of, kind="stable")
    starts = np.searchsorted(of[order], np.arange(groups + 1))
    several = [order[begin:end] for begin, end in pairwise(starts)]
    source = np.concatenate([np.repeat(options, len(options)) for options in several])
    to = np.concatenate([np.tile(options, len(options)) for options in several])
    moved = source != to
    source, to = source[moved], to[moved]
    nobody = pairs + groups
    return _Moves(
        group=np.append(of[source], -1),
        source=np.append(source, nobody),
        to=np.append(to, nobody),
        gain=np.append(value[to] - value[source], 0.0),
        use=np.vstack([use[to] - use[source], np.zeros(len(tied.left))]),
    )
