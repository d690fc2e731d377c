"""Exploration: a few customers get a random action, with the exact probability of what everybody got.

Every customer with an open action has a candidate, drawn evenly among the open actions, each on a channel. Of
the ``N_a`` candidates of action a, ``n_a = floor(share * N_a * room_a)`` are explored, those of the smallest
random number; ``room_a <= 1`` shrinks the actions that would use more than `share` of a cap or budget. Given
the candidates of all others, customer i with k_i open actions is explored with a with probability
``n_a(N') / (k_i N'_a)``, where N' counts i as a candidate of a: exact, because the random numbers of
candidates are exchangeable. Who is not explored gets what is allocated.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from crm_ml.customer_hash import uniform
from crm_ml.decision.allocation_limits import ListLimits
from crm_ml.decision.holdouts import Salt
from crm_ml.tables.strict import Strict

Piece = tuple[Sequence[str], npt.NDArray[np.bool_]]
Ints = npt.NDArray[np.integer[Any]]
Floats = npt.NDArray[np.float64]


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


@dataclass(frozen=True, eq=False)
class Explored:
    """Who is explored, and how likely each outcome was.

    Parameters
    ----------
    action : numpy.ndarray of int, shape (n,)
        -1 for who is not.
    candidate : numpy.ndarray of int, shape (n,)
        -1 without an open action.
    choices : numpy.ndarray of int, shape (n,)
        Number of open actions.
    rate : numpy.ndarray, shape (m, m)
        ``n_b(N') / N'_b`` of a customer whose candidate is a (row), had it been b (column).
    explored : numpy.ndarray, shape (n,)
        Probability of being explored at all.
    """

    action: Ints
    candidate: Ints
    choices: Ints
    rate: Floats
    explored: Floats

    def propensity(self, got: Ints, otherwise: Floats) -> Floats:
        """Return the probability of what each customer got.

        Parameters
        ----------
        got : numpy.ndarray of int, shape (n,)
            The action, -1 for none.
        otherwise : numpy.ndarray, shape (n,)
            Probability with which the allocation gives that to who is not explored.
        """
        drawn = self.rate[np.maximum(self.candidate, 0), np.maximum(got, 0)] / np.maximum(self.choices, 1)
        drawn = np.where((self.choices > 0) & (got >= 0), drawn, 0.0)
        propensity: Floats = drawn + (1.0 - self.explored) * otherwise
        return propensity


def nobody(n: int, m: int) -> Explored:
    """Return an exploration of no one."""
    none, zero = np.full(n, -1, dtype=np.int64), np.zeros(n, dtype=np.int64)
    return Explored(none, none, zero, np.zeros((m, m)), np.zeros(n))


def explore(pieces: Callable[[], Iterable[Piece]], limits: ListLimits, wanted: Explore, day: str) -> Explored:
    """Draw who is explored.

    Parameters
    ----------
    pieces : callable
        Gives all customers piece by piece, as often as it is called: their ids, and which of the m
        actions are open to each, shape (b, m).
    limits : ListLimits
    wanted : Explore
    day : str
        Every day has its own draws.

    References
    ----------
    .. [1] Horvitz and Thompson (1952). A generalization of sampling without replacement from a finite
       universe. Journal of the American Statistical Association 47: why the probabilities have to be exact.
    """
    drawn = [_draw(customers, is_open, wanted, day) for customers, is_open in pieces()]
    m = limits.costs.shape[1]
    candidate, choices, turn = (np.concatenate(parts) for parts in zip(*drawn, strict=True))
    counts = np.bincount(candidate[candidate >= 0], minlength=m)
    numbers = _numbers(counts, limits, wanted.share)
    action = np.full(len(candidate), -1, dtype=np.int64)
    for number in np.flatnonzero(numbers):
        mine = np.flatnonzero(candidate == number)
        action[mine[np.argsort(turn[mine], kind="stable")[: numbers[number]]]] = number
    rate, start, mass = _rates(counts, limits, wanted.share), 0, np.zeros(len(candidate))
    for _, is_open in pieces():
        piece = slice(start, start + len(is_open))
        mass[piece] = (is_open * rate[np.maximum(candidate[piece], 0)]).sum(axis=1)
        start += len(is_open)
    return Explored(action, candidate, choices, rate, mass / np.maximum(choices, 1))


def _draw(
    customers: Sequence[str], is_open: npt.NDArray[np.bool_], wanted: Explore, day: str
) -> tuple[Ints, Ints, Floats]:
    """Return candidates, numbers of open actions and turns of a piece of customers."""
    choices = is_open.sum(axis=1).astype(np.int64)
    candidate = _candidates(is_open, choices, uniform(customers, wanted.salt, f"candidate {day}"))
    return candidate, choices, uniform(customers, wanted.salt, f"turn {day}")


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
