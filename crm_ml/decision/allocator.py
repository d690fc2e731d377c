"""Actions allocated to customers within the limits of a list, with a certificate of how good that is.

Customers lie in parts, each a weighed file in a folder of its own::

    allocation = allocate_list(weighed_files, costs, limits, explore, day, workers.map)
    of_part = allocation.of_part(number)  # action, propensity and rule of the customers of a part
    write_allocated(weighed_files[number], of_part, path)

Some customers are explored first; the others get what is best in all within what is left. What a customer who
was explored or held out would have got follows from the prices (`crm_ml.allocation.price_rule`). Actions,
prices and certificate are the same to the bit however the customers are dealt to the parts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from crm_ml.allocation.allocate import allocate_parts
from crm_ml.allocation.price_rule import PriceRule, rule_of
from crm_ml.allocation.solution import PartedAllocation
from crm_ml.allocation.value_parts import FileParts, Map
from crm_ml.decision.allocation_limits import ListLimits
from crm_ml.decision.certificate import Certificate, certify, compared
from crm_ml.decision.exploration import Exploration, Explore, explore, nobody
from crm_ml.decision.list_parts import Opened, list_parts
from crm_ml.decision.part_passes import ACTION, EXPLORED, AtPrices, Settled, WithoutExplored
from crm_ml.errors import InputError

Values = npt.NDArray[np.float64]
Ints = npt.NDArray[np.integer[Any]]


@dataclass(frozen=True, eq=False)
class PartAllocation:
    """Who gets what in a part.

    Parameters
    ----------
    action : numpy.ndarray of int, shape (n,)
        Number of the action-channel, -1 for none.
    is_explored : numpy.ndarray of bool, shape (n,)
    propensity : numpy.ndarray, shape (n,)
        Probability of what each customer got.
    rule : PriceRule
        What a customer gets at the prices.
    """

    action: Ints
    is_explored: npt.NDArray[np.bool_]
    propensity: Values
    rule: PriceRule


@dataclass(frozen=True, eq=False)
class ListAllocation:
    """Who gets what, of whom the actions lie in the parts.

    Parameters
    ----------
    parts : FileParts
    exploration : Exploration
    rule : PriceRule
        What a customer gets at the prices.
    certificate : Certificate
    outcomes : mapping of str to list of int
        Open pairs of each action-channel that ended as listed, as another_action or for want of capacity.
    """

    parts: FileParts
    exploration: Exploration
    rule: PriceRule
    certificate: Certificate
    outcomes: Mapping[str, list[int]]

    @property
    def explored_rows(self) -> int:
        """Number of customers who got an action at random."""
        return int(self.exploration.numbers.sum())

    def of_part(self, number: int) -> PartAllocation:
        """Return who gets what in a part."""
        part = self.parts.part(number)
        action, is_explored = part.kept[ACTION].astype(np.int64), part.kept[EXPLORED] >= 0
        otherwise = self.rule.probability(part.values, action, is_explored)
        propensity = self.exploration.propensity(part, action, otherwise)
        return PartAllocation(action, is_explored, propensity, self.rule)


def allocate_list(
    weighed: Sequence[Path],
    costs: Sequence[int],
    limits: ListLimits,
    wanted: Explore | None,
    day: str,
    workers: Map = map,
) -> ListAllocation:
    """Decide which open action each customer gets.

    Parameters
    ----------
    weighed : sequence of Path
        Parquet files of `crm_ml.decision.open_actions.weigh`, see `crm_ml.decision.list_parts.list_parts`;
        values and all that is kept of a part are written beside its file.
    costs : sequence of int
        Of a row of each action-channel, cents.
    limits : ListLimits
    wanted : Explore, optional
        Nobody is explored without it.
    day : str
        What the draws of the exploration depend on.
    workers : callable
        ``workers(work, numbers)`` yields ``work(number)`` of each part, in their order.

    Raises
    ------
    InputError
        If the minimums can't be met within the caps.
    """
    m, parts = len(costs), list_parts(weighed, workers)
    opened = list(workers(Opened(tuple(weighed), m, wanted, day), range(len(weighed))))
    exploration = nobody(m) if wanted is None else explore(parts, np.sum(opened, axis=0), limits, wanted)
    left = limits.without(exploration.numbers)
    before = parts.map(WithoutExplored(exploration, limits.groups))
    _check_minimums(np.sum([part.n_open for part in before], axis=0), left)
    allocation = _allocated(parts, left, m)
    n = sum(parts.rows)
    settled = parts.map(Settled(allocation.row_prices, n))
    explored = sum(part.explored_value for part in before)
    few = compared(settled, n, left, np.array(costs, float), float(explored))
    rule = rule_of((part.choices for part in settled), allocation.row_prices)
    certificate = certify(allocation, float(explored), left, few)
    return ListAllocation(parts.without_workers(), exploration, rule, certificate, _outcomes(settled))


def write_allocated(weighed: Path, allocation: PartAllocation, path: Path) -> None:
    """Write customer_id and `open_actions.ALLOCATED` of everybody in a part who gets an action (Parquet)."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = np.flatnonzero(allocation.action >= 0)
    chosen = allocation.action[rows]
    ids = pq.read_table(weighed, columns=["customer_id"])["customer_id"]
    arm = np.where(allocation.is_explored[rows], "explore", "treat")
    columns = {
        "customer_id": ids.take(pa.array(rows)),
        "action": pa.array(chosen, pa.int32()),
        "price_paid": allocation.rule.row_prices[chosen],
        "arm": pa.array(arm.astype(object), pa.string()),
        "propensity": allocation.propensity[rows],
    }
    pq.write_table(pa.table(columns), path)


def _check_minimums(n_open: Ints, limits: ListLimits) -> None:
    """Refuse minimums of actions that are open to fewer customers."""
    breaches = [
        f"{group.name}: {group.minimum:,.0f} are wanted, {count:,} customers are open"
        for group, count in zip(limits.groups, n_open.tolist(), strict=True)
        if group.minimum and count < group.minimum
    ]
    if breaches:
        raise InputError(
            "minimums that can't be met, nothing is published; lower them, or loosen rules and contact "
            f"policy: {'; '.join(breaches)}"
        )


def _allocated(parts: FileParts, limits: ListLimits, m: int) -> PartedAllocation:
    if not len(limits.budgets):
        return allocate_parts(parts, actions=m, groups=limits.groups)
    budgets = [float(budget.cents) for budget in limits.budgets]
    return allocate_parts(parts, list(limits.costs), actions=m, groups=limits.groups, budgets=budgets)


def _outcomes(settled: Sequence[AtPrices]) -> dict[str, list[int]]:
    counts = np.sum([part.outcomes for part in settled], axis=0).tolist()
    return dict(zip(("capacity", "another_action", "listed"), counts, strict=True))
