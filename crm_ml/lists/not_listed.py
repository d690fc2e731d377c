"""Beside the list: who could have been listed and is not, which is half of what can be learned from it.

One row of ``others.parquet`` for each customer in control (arm control: held out of everything, or of the
offering that it would have got at the prices of the allocation), and for each customer with an open offering
who got none (arm none).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from crm_ml.allocation.price_rule import PriceRule
from crm_ml.customer_hash import uniform
from crm_ml.decision.allocator import CHUNK_ROWS, Allotment, table_of
from crm_ml.decision.gates import HELD_OUT
from crm_ml.lists.list_file import ListHeader
from crm_ml.storage import parquet

if TYPE_CHECKING:
    import pyarrow as pa

OTHERS_FILE = "others.parquet"
Ints = npt.NDArray[np.integer[Any]]


@dataclass(frozen=True)
class Shares:
    """Shares of customers that are held out of everything, and of each action."""

    universal: float
    actions: Mapping[str, float]

    @property
    def facts(self) -> dict[str, Any]:
        """Return them as plain data, for the manifest."""
        return {"universal": self.universal, "actions": dict(self.actions)}


def schema() -> "pa.Schema":
    """Return the columns of the file with their Arrow types."""
    import pyarrow as pa

    text, moment = pa.string(), pa.timestamp("us", tz="UTC")
    return pa.schema(
        {
            "list_id": text,
            "as_of": moment,
            "customer_id": text,
            "arm": text,
            "held_out": text,
            "action_id": text,
            "channel": text,
            "expected_value_cents": pa.int64(),
            "cost_cents": pa.int64(),
            "propensity": pa.float64(),
        }
    )


def write_others(weighed: Path, allotment: Allotment, header: ListHeader, shares: Shares, path: Path) -> int:
    """Write who could have been listed and is not; return the number of rows.

    Parameters
    ----------
    weighed : Path
        Parquet of `crm_ml.decision.gates.weigh`, ordered by customer_id.
    allotment : Allotment
    header : ListHeader
    shares : Shares
    path : Path
    """
    return parquet.write(_rows(weighed, allotment, header, shares), schema(), path)


def _rows(weighed: Path, allotment: Allotment, header: ListHeader, shares: Shares) -> "Iterator[pa.Table]":
    import pyarrow.parquet as pq

    m, start = len(header.actions), 0
    propensity = allotment.propensity
    names = [f"{what}_{number}" for what in ("value", "status", "money") for number in range(m)]
    with pq.ParquetFile(weighed) as file:
        for batch in file.iter_batches(CHUNK_ROWS, columns=["customer_id", "universal", *names]):
            piece = slice(start, start + len(batch))
            start += len(batch)
            value, money = table_of(batch, "value", m), table_of(batch, "money", m)
            status = table_of(batch, "status", m).astype(np.int64)
            universal = np.asarray(batch["universal"].to_pylist(), dtype=np.bool_)
            u = uniform(batch["customer_id"].cast("string").to_pylist(), header.list_id, "kept from")
            ghost = _kept_from(value, status, universal, (allotment.rule, u))
            idle = (status > HELD_OUT).any(axis=1) & ~universal & (allotment.action[piece] < 0)
            row = np.concatenate([np.flatnonzero(ghost >= 0), np.flatnonzero(idle)])
            action = np.concatenate([ghost[ghost >= 0], np.full(int(idle.sum()), -1)])
            order = np.lexsort((action, row))
            found = _Piece(row[order], action[order], universal, money, propensity[piece])
            yield _chunk(batch["customer_id"], found, header, shares)


@dataclass(frozen=True, eq=False)
class _Piece:
    """Rows of a piece of customers: who, which offering (-1 for none), and what is known of the piece."""

    row: Ints
    action: Ints
    universal: npt.NDArray[np.bool_]
    money: npt.NDArray[np.float64]
    propensity: npt.NDArray[np.float64]


def _kept_from(value: Any, status: Ints, universal: Any, by: "tuple[PriceRule, Any]") -> Ints:
    """Return the offering that each customer in control would have got by rule and draws, -1 for none."""
    rule, u = by
    best = rule.draw(np.where(status >= HELD_OUT, value, np.nan), u)
    of_action = status[np.arange(len(best)), np.maximum(best, 0)] == HELD_OUT
    return np.where((best >= 0) & (universal | of_action), best, -1)


def _chunk(customers: Any, found: _Piece, header: ListHeader, shares: Shares) -> "pa.Table":
    import pyarrow as pa

    types = schema()
    none = found.action < 0
    everything = found.universal[found.row]
    offering = pa.array(found.action, pa.int32(), mask=none)
    held_out = np.where(everything, "universal", "action").astype(object)
    share = np.array([shares.actions.get(one.action_id, 0.0) for one in header.actions])[found.action]
    columns: dict[str, Any] = {
        "list_id": pa.repeat(header.list_id, len(none)),
        "as_of": pa.repeat(pa.scalar(header.as_of, types.field("as_of").type), len(none)),
        "customer_id": customers.take(pa.array(found.row)).cast(pa.string()),
        "arm": pa.array(np.where(none, "none", "control").astype(object), pa.string()),
        "held_out": pa.array(held_out, pa.string(), mask=none),
        "expected_value_cents": pa.array(
            np.where(none, 0, np.nan_to_num(found.money[found.row, found.action])).astype(np.int64), mask=none
        ),
        "propensity": np.where(
            none, found.propensity[found.row], np.where(everything, shares.universal, share)
        ),
    }
    by_action = {
        "action_id": pa.array([one.action_id for one in header.actions], pa.string()),
        "channel": pa.array([one.channel for one in header.actions], pa.string()),
        "cost_cents": pa.array([one.cost_cents for one in header.actions], pa.int64()),
    }
    columns |= {name: values.take(offering) for name, values in by_action.items()}
    return pa.table({name: columns[name] for name in types.names}, schema=types)
