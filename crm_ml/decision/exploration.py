"""Exploration: a few customers get a random action, with the exact probability of what everybody got.

Every customer with an open action has a candidate, drawn evenly among the open actions, each on a channel. Of
the ``N_a`` candidates of action a, ``n_a = floor(share * N_a * room_a)`` are explored, those of the smallest
random number, of equal ones by customer_id; ``room_a <= 1`` shrinks the actions that would use more than
`share` of a cap or budget. Given the candidates of all others, customer i with k_i open actions is explored
with a with probability
``n_a(N') / (k_i N'_a)``, where N' counts i as a candidate of a: exact, because the random numbers of
candidates are exchangeable. Who is not explored gets what is allocated.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from crm_ml.allocation.ranked import Ordered, Place, at_places, not_before
from crm_ml.allocation.value_parts import ValuePart, ValueParts
from crm_ml.customer_hash import uniform
from crm_ml.decision.allocation_limits import ListLimits
from crm_ml.decision.holdouts import Salt
from crm_ml.tables.strict import Strict

Ints = npt.NDArray[np.integer[Any]]
Floats = npt.NDArray[np.float64]
CANDIDATE, TURN = "candidate", "turn"


class Explore(Strict):
    """How much is explored.

    Parameters
    ----------
    share : float
        Largest part of the customers with an open action, and of each cap and budget, that is explored.
    salt : str
        The draws of a day follow from it and the day.
    """

    share: Annotated[float, Field(gt=0, le=0.5, allow_inf_nan=False)]
    salt: Salt


def draw(
    customers: Sequence[str], is_open: npt.NDArray[np.bool_], wanted: Explore, day: str
) -> tuple[Ints, Ints]:
    """Return candidates and turns of some customers, which a part keeps as `CANDIDATE` and `TURN`.

    Parameters
    ----------
    customers : sequence of str
    is_open : numpy.ndarray of bool, shape (n, m)
    wanted : Explore
    day : str
        Every day has its own draws.

    Returns
    -------
    candidate : numpy.ndarray of int, shape (n,)
        -1 without an open action.
    turn : numpy.ndarray of uint64, shape (n,)
    """
    choices = is_open.sum(axis=1).astype(np.int64)
    candidate = _candidates(is_open, choices, uniform(customers, wanted.salt, f"candidate {day}"))
    turn = uniform(customers, wanted.salt, f"turn {day}") * 2.0**64
    return candidate.astype(np.int16), turn.astype(np.uint64)


@dataclass(frozen=True, eq=False)
class Exploration:
    """Who is explored of all customers.

    Parameters
    ----------
    numbers : numpy.ndarray of int, shape (m,)
        How many candidates of each action are explored.
    first_left : mapping of int to (int, str)
        Turn and id of the first candidate of an action who is not explored.
    rate : numpy.ndarray, shape (m, m)
        ``n_b(N') / N'_b`` of a customer whose candidate is a (row), had it been b (column).
    """

    numbers: Ints
    first_left: Mapping[int, Place]
    rate: Floats

    def drawn(self, part: ValuePart) -> Ints:
        """Return the explored action of each customer of a part, -1 for none."""
        action = np.full(len(part.values), -1, dtype=np.int16)
        if self.first_left:
            candidate, turn = part.kept[CANDIDATE], part.kept[TURN]
            for number, place in self.first_left.items():
                mine = np.flatnonzero(candidate == number)
                later = not_before(turn[mine], lambda few, own=mine: part.ids_of(own[few]), place)
                action[mine[~later]] = number
        return action

    def propensity(self, part: ValuePart, got: Ints, otherwise: Floats) -> Floats:
        """Return the probability of what each customer of a part got.

        Parameters
        ----------
        part : ValuePart
            With the values of all open pairs.
        got : numpy.ndarray of int, shape (n,)
            The action, -1 for none.
        otherwise : numpy.ndarray, shape (n,)
            Probability with which the allocation gives that to who is not explored.
        """
        if not self.rate.any():
            return otherwise
        candidate = np.maximum(part.kept[CANDIDATE].astype(np.int64), 0)
        choices, explored = np.zeros(len(got), dtype=np.int64), np.zeros(len(got))
        for number in range(len(self.numbers)):
            is_open = np.isfinite(part.values[:, number])
            choices += is_open
            explored += is_open * self.rate[candidate, number]
        drawn = self.rate[candidate, np.maximum(got, 0)] / np.maximum(choices, 1)
        drawn = np.where((choices > 0) & (got >= 0), drawn, 0.0)
        propensity: Floats = drawn + (1.0 - explored / np.maximum(choices, 1)) * otherwise
        return propensity


def nobody(m: int) -> Exploration:
    """Return an exploration of no one."""
    return Exploration(np.zeros(m, dtype=np.int64), {}, np.zeros((m, m)))


def explore(parts: ValueParts, counts: Ints, limits: ListLimits, wanted: Explore) -> Exploration:
    """Find who is explored, from what `draw` left in the parts.

    Parameters
    ----------
    parts : ValueParts
    counts : numpy.ndarray of int, shape (m,)
        Candidates of each action, in all parts.
    limits : ListLimits
    wanted : Explore

    References
    ----------
    .. [1] Horvitz and Thompson (1952). A generalization of sampling without replacement from a finite
       universe. Journal of the American Statistical Association 47: why the probabilities have to be exact.
    """
    numbers = _numbers(counts, limits, wanted.share)
    first_left = {int(action): [int(numbers[action])] for action in np.flatnonzero(numbers)}
    size = int(counts[list(first_left)].sum())
    places = at_places(parts, Ordered(TURN, CANDIDATE), first_left, size)
    return Exploration(
        numbers, {action: place for action, [place] in places.items()}, _rates(counts, limits, wanted.share)
    )


def _candidates(is_open: Any, choices: Ints, u: Floats) -> Ints:
    """Return each customer's candidate: the open action of place ``floor(u k)``."""
    place = np.floor(u * choices).astype(np.int64)
    reached = np.cumsum(is_open, axis=1, dtype=np.int64) > place[:, None]
    candidate: Ints = np.where(choices > 0, reached.argmax(axis=1), -1)
    return candidate


def _numbers(counts: Ints, limits: ListLimits, share: float) -> Ints:
    """Return how many candidates of each action are explored."""
    usage, caps = limits.usage, limits.caps
    room = np.ones(len(counts))
    if len(caps):
        would_use = usage @ counts
        fits = np.where(would_use > caps, np.maximum(caps, 0.0) / np.maximum(would_use, 1e-12), 1.0)
        room = np.where(usage > 0, fits[:, None], 1.0).min(axis=0)
    numbers: Ints = np.floor(share * counts * room + 1e-12).astype(np.int64)
    return numbers


def _rates(counts: Ints, limits: ListLimits, share: float) -> Floats:
    """Return ``n_b(N') / N'_b`` for each candidate a that might have been b."""
    m = len(counts)
    rate = np.zeros((m, m))
    for a in range(m):
        for b in range(m):
            moved = counts.copy()
            moved[a] -= 1
            moved[b] += 1
            if moved.min() >= 0 and moved[b] > 0:
                rate[a, b] = _numbers(moved, limits, share)[b] / moved[b]
    return rate
