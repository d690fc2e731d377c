"""Actions allocated to customers within the limits of a list, with a certificate of how good that is.

Some customers are explored first; the others get what is best in all within what is left. What a customer who
was explored or held out would have got follows from the prices (`crm_ml.allocation.price_rule`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from crm_ml.allocation.allocate import Allocation, allocate
from crm_ml.allocation.price_rule import PriceRule, price_rule
from crm_ml.decision.allocation_limits import ListLimits
from crm_ml.decision.certificate import Certificate, certify
from crm_ml.decision.exploration import Explore, Explored, explore, nobody
from crm_ml.decision.open_actions import HELD_OUT
from crm_ml.errors import InputError

CHUNK_ROWS = 100_000
Values = npt.NDArray[np.float64]
Ints = npt.NDArray[np.integer[Any]]


@dataclass(frozen=True, eq=False)
class ListAllocation:
    """Who gets what.

    Parameters
    ----------
    action : numpy.ndarray of int, shape (n,)
        Number of the action-channel, -1 for none.
    explored : Explored
    otherwise : numpy.ndarray, shape (n,)
        Probability with which the allocation gives each customer `action`.
    rule : PriceRule
        What a customer gets at the prices.
    certificate : Certificate
    outcomes : mapping of str to list of int
        Open pairs of each action-channel that ended as listed, as another_action or for want of capacity.
    """

    action: Ints
    explored: Explored
    otherwise: Values
    rule: PriceRule
    certificate: Certificate
    outcomes: Mapping[str, list[int]]

    @property
    def propensity(self) -> Values:
        """Probability of what each customer got."""
        return self.explored.propensity(self.action, self.otherwise)


def allocate_list(
    weighed: Path, costs: Sequence[int], limits: ListLimits, wanted: Explore | None, day: str
) -> ListAllocation:
    """Decide which open action each customer gets.

    Parameters
    ----------
    weighed : Path
        Parquet of `crm_ml.decision.open_actions.weigh`, ordered by customer_id; a file of values is
        written beside it.
    costs : sequence of int
        Of a row of each action-channel, cents.
    limits : ListLimits
    wanted : Explore, optional
        Nobody is explored without it.
    day : str
        What the draws of the exploration depend on.

    Raises
    ------
    InputError
        If the minimums can't be met within the caps.
    """
    m = len(costs)
    values = open_values(weighed, m)
    if wanted is None or not len(values):
        explored = nobody(len(values), m)
    else:
        explored = explore(lambda: _pieces(weighed, values), limits, wanted, day)
    rows = np.flatnonzero(explored.action >= 0)
    drawn, left = values[rows].copy(), limits.without(np.bincount(explored.action[rows], minlength=m))
    values[rows] = np.nan
    _check_minimums(values, left)
    allocation = _allocated(values, left)
    action = allocation.action.copy()
    action[rows] = explored.action[rows]
    rule = price_rule(_served(values, action), allocation.row_prices)
    otherwise = np.ones(len(action))
    for start in range(0, len(action), CHUNK_ROWS):
        piece = slice(start, start + CHUNK_ROWS)
        otherwise[piece] = _otherwise(rule, values[piece], action[piece])
    otherwise[rows] = rule.shares(drawn)[np.arange(len(rows)), action[rows]]
    earned = float(drawn[np.arange(len(rows)), explored.action[rows]].sum())
    certificate = certify(allocation, earned, values, left, np.array(costs, float))
    values[rows] = drawn
    outcomes = _outcomes(values, action)
    return ListAllocation(action, explored, otherwise, rule, certificate, outcomes)


def write_allocated(weighed: Path, allocation: ListAllocation, path: Path) -> None:
    """Write customer_id and `open_actions.ALLOCATED` of everybody who gets an action (Parquet)."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = np.flatnonzero(allocation.action >= 0)
    chosen = allocation.action[rows]
    ids = pq.read_table(weighed, columns=["customer_id"])["customer_id"]
    drawn = allocation.explored.action[rows] >= 0
    columns = {
        "customer_id": ids.take(pa.array(rows)),
        "action": pa.array(chosen, pa.int32()),
        "price_paid": allocation.rule.row_prices[chosen],
        "arm": pa.array(np.where(drawn, "explore", "treat").astype(object), pa.string()),
        "propensity": allocation.propensity[rows],
    }
    pq.write_table(pa.table(columns), path)


def _served(values: Values, action: Ints) -> Iterator[tuple[Values, Ints]]:
    """Yield values and actions of the customers with an open action, piece by piece."""
    for start in range(0, len(action), CHUNK_ROWS):
        some = np.asarray(values[start : start + CHUNK_ROWS])
        known = np.isfinite(some).any(axis=1)
        yield some[known], action[start : start + CHUNK_ROWS][known]


def _otherwise(rule: PriceRule, values: Values, action: Ints) -> Values:
    """Return 1, and for customers who were indifferent the share in which they get what this one got."""
    shares = rule.shares(values)
    of_this = shares[np.arange(len(action)), np.where(action < 0, values.shape[1], action)]
    otherwise: Values = np.where((shares > 0).sum(axis=1) > 1, of_this, 1.0)
    return otherwise


def open_values(weighed: Path, m: int) -> Values:
    """Return the values of all open pairs, on disk beside `weighed`; NaN for all others."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(weighed) as file:
        shape = (file.metadata.num_rows, m)
        if not shape[0]:
            return np.empty(shape)
        path = weighed.with_name("values.npy")
        values = np.lib.format.open_memmap(path, mode="w+", dtype=np.float64, shape=shape)
        start = 0
        names = [f"{what}_{number}" for what in ("value", "status") for number in range(m)]
        for batch in file.iter_batches(batch_size=CHUNK_ROWS, columns=names):
            is_open = table_of(batch, "status", m) > HELD_OUT
            values[start : start + len(batch)] = np.where(is_open, table_of(batch, "value", m), np.nan)
            start += len(batch)
    return values


def table_of(batch: Any, what: str, m: int) -> Values:
    """Return the columns ``<what>_0``, ``<what>_1``... of a piece as numbers, NaN for null, (b, m)."""
    columns = [batch[f"{what}_{number}"].cast("float64") for number in range(m)]
    return np.column_stack([column.to_numpy(zero_copy_only=False) for column in columns])


def _pieces(weighed: Path, values: Values) -> Iterator[tuple[list[str], npt.NDArray[np.bool_]]]:
    import pyarrow.parquet as pq

    start = 0
    with pq.ParquetFile(weighed) as file:
        for batch in file.iter_batches(batch_size=CHUNK_ROWS, columns=["customer_id"]):
            ids = batch["customer_id"].cast("string").to_pylist()
            yield ids, np.isfinite(values[start : start + len(ids)])
            start += len(ids)


def _check_minimums(values: Values, limits: ListLimits) -> None:
    """Refuse minimums of actions that are open to fewer customers."""
    breaches = []
    for group in limits.groups:
        if group.minimum:
            members = np.asarray(values[:, list(group.members)])
            n_open = int(np.isfinite(members).any(axis=1).sum())
            if n_open < group.minimum:
                breaches.append(
                    f"{group.name}: {group.minimum:,.0f} are wanted, {n_open:,} customers are open"
                )
    if breaches:
        raise InputError(
            "minimums that can't be met, nothing is published; lower them, or loosen rules and contact "
            f"policy: {'; '.join(breaches)}"
        )


def _allocated(values: Values, limits: ListLimits) -> Allocation:
    if not len(limits.budgets):
        return allocate(values, groups=limits.groups)
    budgets = [float(budget.cents) for budget in limits.budgets]
    return allocate(values, list(limits.costs), groups=limits.groups, budgets=budgets)


def _outcomes(values: Values, action: Ints) -> dict[str, list[int]]:
    m = values.shape[1]
    listed = np.bincount(action[action >= 0], minlength=m)
    another, capacity = np.zeros(m, dtype=np.int64), np.zeros(m, dtype=np.int64)
    for start in range(0, len(values), CHUNK_ROWS):
        is_open = np.isfinite(values[start : start + CHUNK_ROWS])
        served = action[start : start + CHUNK_ROWS] >= 0
        another += is_open[served].sum(axis=0)
        capacity += is_open[~served].sum(axis=0)
    return {
        "capacity": capacity.tolist(),
        "another_action": (another - listed).tolist(),
        "listed": listed.tolist(),
    }
