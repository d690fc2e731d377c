"""Customers who could have been listed and are not: effects are measured against them.

``others.parquet`` has a row for each customer in control (arm control: held out of all actions, or of the one
that the prices of the allocation would have chosen), and for each customer with an open action who got none
(arm none).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from crm_ml.allocation.price_rule import PriceRule
from crm_ml.customer_hash import uniform
from crm_ml.decision.allocator import PartAllocation
from crm_ml.decision.list_parts import CHUNK_ROWS, table_of
from crm_ml.decision.open_actions import HELD_OUT
from crm_ml.lists.list_columns import of_not_selected
from crm_ml.lists.list_file import ListHeader
from crm_ml.lists.merged_rows import merged_rows
from crm_ml.storage import parquet

if TYPE_CHECKING:
    import pyarrow as pa

Ints = npt.NDArray[np.integer[Any]]


@dataclass(frozen=True)
class HoldOutShares:
    """Shares of customers that are held out of all actions, and of each action."""

    universal: float
    actions: Mapping[str, float]

    @property
    def facts(self) -> dict[str, Any]:
        """Return the shares as plain data, for the manifest."""
        return {"universal": self.universal, "actions": dict(self.actions)}


def write_not_selected(
    weighed: Path, allocation: PartAllocation, header: ListHeader, shares: HoldOutShares, path: Path
) -> int:
    """Write those of some customers who could have been listed and are not; return the number of rows.

    Parameters
    ----------
    weighed : Path
        Parquet of `crm_ml.decision.open_actions.weigh`, ordered by customer_id.
    allocation : PartAllocation
        Of these customers, with the price rule of all.
    header : ListHeader
    shares : HoldOutShares
    path : Path
    """
    return parquet.write(_rows(weighed, allocation, header, shares), of_not_selected(), path)


def merge_not_selected(parts: Sequence[Path], path: Path) -> int:
    """Merge files of `write_not_selected`, no two with a customer in common; return the number of rows."""
    return parquet.write(merged_rows(parts, of_not_selected()), of_not_selected(), path)


def _rows(
    weighed: Path, allocation: PartAllocation, header: ListHeader, shares: HoldOutShares
) -> "Iterator[pa.Table]":
    import pyarrow.parquet as pq

    m, start = len(header.actions), 0
    propensity = allocation.propensity
    names = [f"{what}_{number}" for what in ("value", "status", "money") for number in range(m)]
    with pq.ParquetFile(weighed) as file:
        for batch in file.iter_batches(CHUNK_ROWS, columns=["customer_id", "universal", *names]):
            piece = slice(start, start + len(batch))
            start += len(batch)
            value, money = table_of(batch, "value", m), table_of(batch, "money", m)
            status = table_of(batch, "status", m).astype(np.int64)
            universal = np.asarray(batch["universal"].to_pylist(), dtype=np.bool_)
            u = uniform(batch["customer_id"].cast("string").to_pylist(), header.list_id, "kept from")
            withheld = _withheld(value, status, universal, (allocation.rule, u))
            idle = (status > HELD_OUT).any(axis=1) & ~universal & (allocation.action[piece] < 0)
            row = np.concatenate([np.flatnonzero(withheld >= 0), np.flatnonzero(idle)])
            action = np.concatenate([withheld[withheld >= 0], np.full(int(idle.sum()), -1)])
            order = np.lexsort((action, row))
            chosen = _Piece(row[order], action[order], universal, money, propensity[piece])
            yield _chunk(batch["customer_id"], chosen, header, shares)


@dataclass(frozen=True, eq=False)
class _Piece:
    """Rows to write of a piece of customers: positions, actions (-1 for none), and columns of the piece."""

    row: Ints
    action: Ints
    universal: npt.NDArray[np.bool_]
    money: npt.NDArray[np.float64]
    propensity: npt.NDArray[np.float64]


def _withheld(value: Any, status: Ints, universal: Any, by: "tuple[PriceRule, Any]") -> Ints:
    """Return the action that each customer in control would have got by rule and draws, -1 for none."""
    rule, u = by
    best = rule.draw(np.where(status >= HELD_OUT, value, np.nan), u)
    of_action = status[np.arange(len(best)), np.maximum(best, 0)] == HELD_OUT
    return np.where((best >= 0) & (universal | of_action), best, -1)


def _chunk(customers: Any, piece: _Piece, header: ListHeader, shares: HoldOutShares) -> "pa.Table":
    import pyarrow as pa

    types = of_not_selected()
    none = piece.action < 0
    everything = piece.universal[piece.row]
    number = pa.array(piece.action, pa.int32(), mask=none)
    held_out = np.where(everything, "universal", "action").astype(object)
    share = np.array([shares.actions.get(action.action_id, 0.0) for action in header.actions])[piece.action]
    columns: dict[str, Any] = {
        "list_id": pa.repeat(header.list_id, len(none)),
        "as_of": pa.repeat(pa.scalar(header.as_of, types.field("as_of").type), len(none)),
        "customer_id": customers.take(pa.array(piece.row)).cast(pa.string()),
        "arm": pa.array(np.where(none, "none", "control").astype(object), pa.string()),
        "held_out": pa.array(held_out, pa.string(), mask=none),
        "expected_value_cents": pa.array(
            np.where(none, 0, np.nan_to_num(piece.money[piece.row, piece.action])).astype(np.int64), mask=none
        ),
        "propensity": np.where(
            none, piece.propensity[piece.row], np.where(everything, shares.universal, share)
        ),
    }
    by_action = {
        "action_id": pa.array([action.action_id for action in header.actions], pa.string()),
        "channel": pa.array([action.channel for action in header.actions], pa.string()),
        "cost_cents": pa.array([action.value.cost_cents for action in header.actions], pa.int64()),
    }
    columns |= {name: values.take(number) for name, values in by_action.items()}
    return pa.table({name: columns[name] for name in types.names}, schema=types)
