"""Exports of the clean shop: dialects of CSV and Parquet, each with the mapping of a careful user."""

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from clean_shop import CUSTOMERS, EVENTS, ITEMS, KNOWN_UNTIL, LINES, ZONE, Sheet

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

Cells = Callable[[Any], list[Any]]
RATES = {"USD": "0.92", "JPY": "0.0062", "KWD": "3.0"}
GUESTS = ["guest", "0", "-1", "unknown"]


@dataclass(frozen=True)
class Dialect:
    """How a shop writes its tables.

    Parameters
    ----------
    name : str
    form : {"csv", "parquet"}
    time, money : callable
        Seconds since 1970, and minor units, to cells.
    how_time, how_money : mapping
        What the mapping declares of them.
    known : tuple of str
        Tables with a file; customers and items without one are the ids of the order lines.
    delimiter : str
    """

    name: str
    form: str
    time: Cells
    money: Cells
    how_time: Mapping[str, Any] = field(default_factory=dict)
    how_money: Mapping[str, Any] = field(default_factory=dict)
    known: tuple[str, ...] = (CUSTOMERS, ITEMS, LINES, EVENTS)
    delimiter: str = ","

    def cells(self, table: str, truth: "pd.DataFrame") -> "pd.DataFrame":
        """Return the source cells of true rows."""
        import pandas as pd

        columns = _CELLS[table](self, truth)
        return pd.DataFrame({name: pd.Series(cells, dtype=object) for name, cells in columns.items()})

    def mapping(self) -> dict[str, Any]:
        """Return the mapping of the export, ready for `parse_mapping`."""
        tables = copy.deepcopy({name: _MAPPED[name](self) for name in self.known})
        for name in tables:
            tables[name] |= {"path": f"{name}.{self.form}"}
            if self.delimiter != ",":
                tables[name]["delimiter"] = self.delimiter
        for name in (CUSTOMERS, ITEMS):
            tables.setdefault(name, {"ids_of": [LINES]})
        return {"name": "shop", "timezone": ZONE, "known_until": KNOWN_UNTIL, "tables": tables,
                "currency": {"code": "EUR", "rates": RATES}}  # fmt: skip


def _line_cells(dialect: Dialect, truth: "pd.DataFrame") -> dict[str, list[Any]]:
    refunds = truth["refund_of"].notna()
    paid, rebate, coupon = (truth[f"{name}_cents"].tolist() for name in ("paid", "discount", "coupon"))
    return {
        "client": truth["customer_id"].tolist(),
        "receipt": truth["order_id"].where(~refunds, truth["tag"]).tolist(),
        "position": truth["tag"].tolist(),
        "sku": truth["item_id"].tolist(),
        "sold_at": dialect.time(truth["ordered_at_epoch_s"].to_numpy()),
        "pieces": truth["quantity"].tolist(),
        "paid": dialect.money(paid),
        "rebate": dialect.money(rebate),
        "voucher": dialect.money(coupon),
        "currency": truth["currency"].tolist(),
        "refunded": truth["refund_of"].tolist(),
        "export_id": [f"x{row}" for row in range(len(truth))],
    }


def _event_cells(dialect: Dialect, truth: "pd.DataFrame") -> dict[str, list[Any]]:
    return {
        "event": truth["tag"].tolist(),
        "client": truth["customer_id"].tolist(),
        "what": truth["kind"].tolist(),
        "at": dialect.time(truth["occurred_at_epoch_s"].to_numpy()),
        "sku": truth["item_id"].tolist(),
        "channel": truth["channel"].tolist(),
    }


def _customer_cells(dialect: Dialect, truth: "pd.DataFrame") -> dict[str, list[Any]]:
    seconds = truth["registered_at_epoch_s"].to_numpy()
    return {
        "client": truth["customer_id"].tolist(),
        "joined": dialect.time(seconds),
        "source": truth["acquired_through"].tolist(),
        "card": truth["tag"].tolist(),
    }


def _item_cells(dialect: Dialect, truth: "pd.DataFrame") -> dict[str, list[Any]]:
    del dialect
    return {name: truth[name].tolist() for name in ("item_id", "department", "category")}


_CELLS = {LINES: _line_cells, EVENTS: _event_cells, CUSTOMERS: _customer_cells, ITEMS: _item_cells}


def _line_mapping(dialect: Dialect) -> dict[str, Any]:
    money = {"paid_cents": "paid", "discount_cents": "rebate", "coupon_cents": "voucher"}
    columns = {
        "customer_id": {"column": "client", "nulls": GUESTS},
        "order_id": "receipt",
        "line_id": "position",
        "item_id": "sku",
        "ordered_at": {"column": "sold_at", **dialect.how_time},
        "quantity": "pieces",
        "refund_of": "refunded",
    } | {ours: {"column": theirs, **dialect.how_money} for ours, theirs in money.items()}
    return {"columns": columns, "ignore": ["export_id"]}


def _event_mapping(dialect: Dialect) -> dict[str, Any]:
    at = {"column": "at", **dialect.how_time}
    return {"columns": {"event_id": "event", "customer_id": "client", "kind": "what", "occurred_at": at,
                        "item_id": "sku"}}  # fmt: skip


def _customer_mapping(dialect: Dialect) -> dict[str, Any]:
    joined = {"column": "joined", **dialect.how_time}
    return {"columns": {"customer_id": "client", "registered_at": joined},
            "attributes": {"acquired_through": "source", "tag": "card"}}  # fmt: skip


_MAPPED: Mapping[str, Callable[[Dialect], dict[str, Any]]] = {
    LINES: _line_mapping, EVENTS: _event_mapping, CUSTOMERS: _customer_mapping, ITEMS: lambda _: {},
}  # fmt: skip


def local(seconds: Any) -> "pd.DatetimeIndex":
    """Return moments on the clocks of the shop."""
    import pandas as pd

    whole = np.asarray(seconds, dtype=np.int64)
    return pd.DatetimeIndex(pd.to_datetime(whole, unit="s", utc=True)).tz_convert(ZONE)


def clock(seconds: Any) -> list[str]:
    """Return moments as texts without a zone."""
    return local(seconds).strftime("%Y-%m-%d %H:%M:%S").tolist()


def major(cents: Sequence[int]) -> list[str]:
    """Return amounts in major units as texts."""
    return [f"{'-' if value < 0 else ''}{abs(value) // 100}.{abs(value) % 100:02d}" for value in cents]


def _swapped(cents: Sequence[int]) -> list[str]:
    """Return amounts as 1.234,56."""
    grouped = (f"{abs(value) // 100:,}".replace(",", ".") for value in cents)
    return [f"{'-' if value < 0 else ''}{whole},{abs(value) % 100:02d}"
            for value, whole in zip(cents, grouped, strict=True)]  # fmt: skip


def _moments(seconds: Any) -> list[Any]:
    """Return moments as nanoseconds, which the file holds with their zone."""
    return [int(value) * 10**9 for value in np.asarray(seconds, dtype=np.int64)]


def _milliseconds(seconds: Any) -> list[int]:
    return [int(value) * 1000 for value in np.asarray(seconds, dtype=np.int64)]


_MAJOR = {"unit": "major"}
_BY_IDS = (LINES, EVENTS)
DIALECTS: Mapping[str, Dialect] = {dialect.name: dialect for dialect in (
    Dialect("text", "csv", clock, major, {}, _MAJOR),
    Dialect("european", "csv", lambda s: local(s).strftime("%d.%m.%Y %H:%M:%S").tolist(), _swapped,
            {"format": "%d.%m.%Y %H:%M:%S"}, _MAJOR | {"thousands": ".", "decimal": ","}, delimiter=";"),
    Dialect("offsets", "csv", lambda s: [moment.isoformat() for moment in local(s)], major, {}, _MAJOR),
    Dialect("epochs", "csv", lambda s: [str(value) for value in _milliseconds(s)],
            lambda cents: [str(value) for value in cents], {"epoch": "ms"}, {}, _BY_IDS),
    Dialect("whole", "parquet", _milliseconds, list, {"epoch": "ms"}, {}, _BY_IDS),
    Dialect("typed", "parquet", _moments, lambda cents: [value / 100 for value in cents], {}, _MAJOR),
)}  # fmt: skip


def write(dialect: Dialect, sheet: Sheet, table: str, folder: Path) -> None:
    """Write the cells of a table to its file."""
    path = folder / f"{table}.{dialect.form}"
    if dialect.form == "csv":
        sheet.cells.to_csv(path, index=False, sep=dialect.delimiter, lineterminator="\n")
        return
    import pyarrow as pa
    import pyarrow.parquet as pq

    arrays = {name: _array(dialect, name, cells) for name, cells in sheet.cells.items()}
    pq.write_table(pa.table(arrays), path)


def _array(dialect: Dialect, name: Any, cells: "pd.Series") -> "pa.Array":
    import pyarrow as pa

    values = cells.where(cells.notna() | cells.map(lambda value: isinstance(value, float)), None).tolist()
    if name in ("sold_at", "at", "joined"):
        if dialect.name == "typed" and name == "joined":  # days, as many shops keep them
            days = [None if value is None else int(value) // (86_400 * 10**9) for value in values]
            return pa.array(days, pa.int32()).cast(pa.date32())
        whole = pa.array(values, pa.int64())
        return whole.cast(pa.timestamp("ns", "UTC")) if dialect.name == "typed" else whole
    if name in ("paid", "rebate", "voucher"):
        return pa.array(values, pa.float64() if dialect.name == "typed" else pa.int64())
    return pa.array(values, pa.int64() if name == "pieces" else pa.string())
