"""What is done to the customers of each part of a list, before prices are known and after."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from crm_ml.allocation.dealing import ALLOCATED
from crm_ml.allocation.fixed_point import BITS, total
from crm_ml.allocation.price_rule import choices_counted
from crm_ml.allocation.problem import ActionGroup
from crm_ml.allocation.sample import below
from crm_ml.allocation.value_parts import VALUES, Array, KeptFiles, ValuePart
from crm_ml.decision.certificate import COMPARED_ROWS
from crm_ml.decision.exploration import Exploration

Ints = npt.NDArray[np.integer[Any]]
Values = npt.NDArray[np.float64]
ACTION, EXPLORED, WITHHELD = "action", "explored", "withheld_values"


@dataclass(frozen=True)
class BeforePrices:
    """Of a part: value of the explored rows, and the customers to whom an action of each group is open."""

    explored_value: Fraction
    n_open: Ints


@dataclass(frozen=True, eq=False)
class WithoutExplored:
    """Take the explored customers out of the values of a part, and count who is left.

    Parameters
    ----------
    exploration : Exploration
    groups : sequence of ActionGroup
    """

    exploration: Exploration
    groups: Sequence[ActionGroup]

    def __call__(self, part: ValuePart) -> BeforePrices:
        """Work on a part."""
        action = self.exploration.drawn(part)
        rows = np.flatnonzero(action >= 0)
        withheld = np.array(part.values[rows])
        part.kept[EXPLORED], part.kept[WITHHELD] = action, withheld
        _put(part, rows, np.nan)
        is_open = np.isfinite(part.values)
        is_open[rows] = False
        n_open = [int(is_open[:, list(group.members)].any(axis=1).sum()) for group in self.groups]
        return BeforePrices(exact_sum(withheld[np.arange(len(rows)), action[rows]]), np.array(n_open))


@dataclass(frozen=True, eq=False)
class AtPrices:
    """Of a part: what indifferent customers got, outcomes of open pairs, and a sample of customers.

    Parameters
    ----------
    choices : mapping of bytes to numpy.ndarray
        See `crm_ml.allocation.price_rule.choices_counted`.
    outcomes : numpy.ndarray of int, shape (3, m)
        Open pairs for want of capacity, with another action, and listed.
    values : numpy.ndarray, shape (k, m)
        Of who is not explored.
    ids, draws : list of str, numpy.ndarray of uint64, shape (k,)
    """

    choices: Mapping[bytes, Ints]
    outcomes: Ints
    values: Values
    ids: Sequence[str]
    draws: Array


@dataclass(frozen=True, eq=False)
class Settled:
    """Put allocated and explored actions of a part together, restore its values, and count outcomes.

    Parameters
    ----------
    row_prices : numpy.ndarray, shape (m,)
    n : int
        Customers of all parts.
    """

    row_prices: Values
    n: int

    def __call__(self, part: ValuePart) -> AtPrices:
        """Work on a part."""
        action = np.array(part.kept[ALLOCATED][:, 0])
        explored = part.kept[EXPLORED]
        rows = np.flatnonzero(explored >= 0)
        few = below(part.draws, COMPARED_ROWS, self.n)
        sample = np.array(part.values[few])
        choices = choices_counted(part.values, action, self.row_prices)
        action[rows] = explored[rows]
        _put(part, rows, part.kept[WITHHELD])
        part.kept[ACTION] = action
        outcomes = _outcomes(np.asarray(part.values), action)
        return AtPrices(choices, outcomes, sample, part.ids_of(few), np.asarray(part.draws[few]))


def _put(part: ValuePart, rows: Ints, values: Any) -> None:
    """Write values of some rows to the file and what is read of it."""
    if not len(rows):
        return
    if isinstance(part.kept, KeptFiles):
        file = np.load(part.kept.folder / f"{VALUES}.npy", mmap_mode="r+")
        file[rows] = values
        file.flush()
    part.values[rows] = values


def _outcomes(values: Values, action: Ints) -> Ints:
    m = values.shape[1]
    listed = np.bincount(action[action >= 0], minlength=m)
    served = action >= 0
    counts = np.zeros((3, m), dtype=np.int64)
    for number in range(m):
        is_open = np.isfinite(values[:, number])
        another = int((is_open & served).sum()) - int(listed[number])
        counts[:, number] = int((is_open & ~served).sum()), another, listed[number]
    return counts


def exact_sum(values: Values) -> Fraction:
    """Add values without rounding, to 2^-60."""
    floor = np.floor(values)
    return total(floor, 2.0**BITS) + Fraction(total(values - floor, 1.0), 1 << BITS)
