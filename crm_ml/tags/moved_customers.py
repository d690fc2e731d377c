"""Whose tags may differ from those of an earlier day: by an event, by a corrected row, or by the calendar."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

from crm_ml.snapshots import DAY_S, as_utc
from crm_ml.storage.code_version import library_version
from crm_ml.storage.identity import identity
from crm_ml.tables.bundle import Tables
from crm_ml.tables.contract import contracts
from crm_ml.tables.sql import ident
from crm_ml.tags.customer_numbers import Ids, encoded

Digests = npt.NDArray[np.uint64]
_MARGIN_S = DAY_S  # a zone lies within a day of UTC
_SELECTED = "crm_ml_tag_customers"


@dataclass(frozen=True, eq=False)
class RowDigests:
    """What is known of the rows that a store of tags was made from.

    Parameters
    ----------
    ids : numpy.ndarray of bytes, shape (n,)
        Customers in ascending order.
    sums : numpy.ndarray of uint64, shape (n,)
        Sum of the hashes of a customer's rows, so that a row corrected later is seen.
    shared : str
        Of all rows that belong to no single customer, such as items.
    """

    ids: Ids
    sums: Digests
    shared: str

    def differing(self, other: "RowDigests") -> Ids:
        """Return the customers whose rows differ, those among them who are only in one of both."""
        both, mine, theirs = np.intersect1d(self.ids, other.ids, assume_unique=True, return_indices=True)
        moved = both[self.sums[mine] != other.sums[theirs]]
        return np.union1d(moved, np.setxor1d(self.ids, other.ids, assume_unique=True))


def row_digests(tables: Tables, before: date) -> RowDigests:
    """Return digests of all rows that were known a day before a day.

    Parameters
    ----------
    tables : Tables
        On DuckDB.
    before : date
    """
    until = _epoch_s(before) - _MARGIN_S
    ids, sums, shared = [], [], [library_version("duckdb")]
    for name, native, known_at in _relations(tables):
        where = f"WHERE {ident(known_at)} < {until}" if known_at else ""
        total = "(sum(hash(t)::HUGEINT) % 18446744073709551616::HUGEINT)::UBIGINT"
        if "customer_id" not in native.columns:
            shared.append(f"{name} {native.query('t', f'SELECT {total} FROM t').fetchall()}")
            continue
        found = native.query("t", f"SELECT customer_id, {total} s FROM t {where} GROUP BY 1").fetchnumpy()
        ids.append(encoded(_plain(found["customer_id"])))
        sums.append(np.asarray(found["s"], dtype=np.uint64))
    every, place = np.unique(np.concatenate(ids), return_inverse=True)
    joined = np.zeros(len(every), dtype=np.uint64)
    np.add.at(joined, place, np.concatenate(sums))
    return RowDigests(every, joined, identity(shared))


def moved_since(tables: Tables, old: date, new: date, ages: Collection[float]) -> tuple[Ids, Ids]:
    """Return customers with a row between two days, and those of whom a row passed one of some ages.

    Both may hold a few more, whose rows lie within a day of the limits.

    Parameters
    ----------
    tables : Tables
        On DuckDB.
    old, new : date
    ages : collection of float
        In days.
    """
    start, end = _epoch_s(old) - _MARGIN_S, _epoch_s(new) + _MARGIN_S
    passed = sorted({(start - (age + 1) * DAY_S, end - (age - 1) * DAY_S) for age in ages})
    return _customers_within(tables, [(start, end)]), _customers_within(tables, passed)


def of_customers(tables: Tables, ids: Ids) -> Tables:
    """Return the tables of some customers; rows that belong to no single customer stay.

    Parameters
    ----------
    tables : Tables
        On DuckDB, with a known connection.
    ids : numpy.ndarray of bytes
    """
    import pyarrow as pa

    connection = tables.cursors.connection
    assert connection is not None
    connection.register(_SELECTED, pa.table({"customer_id": np.char.decode(ids, "utf-8")}))
    sql = f"SELECT t.* FROM t SEMI JOIN {_SELECTED} c ON c.customer_id = t.customer_id"
    frames = {
        name: native.query("t", sql)
        for name, native, _ in _relations(tables)
        if "customer_id" in native.columns
    }
    part = replace(tables, **frames)
    object.__setattr__(part, "_checked", True)
    return part


def on_duckdb(tables: Tables) -> Tables:
    """Return tables on a DuckDB connection that is known."""
    duck = tables.to("duckdb")
    return duck if duck.cursors.connection is not None else duck.to("pandas").to("duckdb")


def _customers_within(tables: Tables, spans: Collection[tuple[float, float]]) -> Ids:
    found = []
    for _, native, known_at in _relations(tables):
        if known_at and spans and "customer_id" in native.columns:
            at = ident(known_at)
            where = " OR ".join(f"({at} >= {start:.0f} AND {at} < {end:.0f})" for start, end in spans)
            ids = native.query("t", f"SELECT DISTINCT customer_id FROM t WHERE {where}").fetchnumpy()
            found.append(encoded(_plain(ids["customer_id"])))
    return np.unique(np.concatenate(found)) if found else np.empty(0, dtype="S1")


def _relations(tables: Tables) -> Iterator[tuple[str, Any, str | None]]:
    for name in tables.names:
        known_at = contracts()[name].known_at
        yield name, getattr(tables, name), None if known_at is None else f"{known_at}_epoch_s"


def _plain(values: Any) -> npt.NDArray[np.str_]:
    return np.asarray(np.ma.getdata(values), dtype=str)


def _epoch_s(day: date) -> int:
    return int(as_utc(day).timestamp())
