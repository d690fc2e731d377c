"""Tables from one frame in memory: what each column is, read by the same cleaning as files."""

import warnings
from collections.abc import Mapping as Named
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from crm_ml.errors import InputError
from crm_ml.storage.paths import frames_folder
from crm_ml.tables.frame_columns import arrow_of
from crm_ml.tables.frame_notes import frame_notes, with_notes
from crm_ml.tables.mapping import parse_mapping
from crm_ml.tables.sources import Frame
from crm_ml.tables.table_cache import load_tables

if TYPE_CHECKING:
    import pyarrow as pa

    from crm_ml.tables.bundle import Tables

_CONTRACT = {
    "customer": "customer_id",
    "time": "ordered_at",
    "amount": "paid_cents",
    "unit_price": "paid_cents",
    "order": "order_id",
    "item": "item_id",
    "quantity": "quantity",
    "discount": "discount_cents",
}

_IDS = {"customers": {"ids_of": ["order_lines"]}, "items": {"ids_of": ["order_lines"]}}


def from_frame(
    df: Any,
    *,
    customer: str,
    time: str,
    amount: str | None = None,
    unit_price: str | None = None,
    order: str | None = None,
    item: str | None = None,
    quantity: str | None = None,
    discount: str | None = None,
    currency: str = "USD",
    timezone: str | None = None,
    known_until: "date | str | None" = None,
    equal_rows: Literal["one", "all"] | None = None,
    allow: Named[str, float] | None = None,
    name: str = "frame",
) -> "Tables":
    """Make tables of a frame of purchases: one row an order, or one a line of an order.

    The rows go through the cleaning of files (`crm_ml.tables.mapping`): each is accepted, or set aside with
    a reason, see ``tables.report``. Customers and items are those of the accepted rows. Equal rows give equal
    tables, whatever the engine, the order of the rows and further columns are. For refunds, attributes of
    customers and further tables write a mapping.

    Parameters
    ----------
    df : frame of pandas, Polars, Arrow or DuckDB
    customer, time : str
        Columns of the customer and of the time of the order: datetimes or dates; those without a zone are in
        `timezone`.
    amount : str
        Column of what was paid for the row, in major units such as euros: float, decimal or whole number.
    unit_price : str
        In place of `amount`, with `quantity`: the price of one piece.
    order, item : str, optional
        Columns of ids. Without `order`, an order is what a customer buys on one day of `timezone`; without
        `item`, all is one item.
    quantity, discount : str, optional
        Columns of pieces, 1 by default, and of the discount in major units, 0 by default.
    currency : str
        Code of the currency of all amounts (ISO 4217).
    timezone : str, optional
        Zone of times that have none and of all days, such as ``"Europe/Berlin"``; UTC by default.
    known_until : date, datetime or str, optional
        When the data end; rows at or after it are set aside.
    equal_rows : {"one", "all"}, optional
        Whether rows that are equal in all these columns are one purchase that stands twice, or each its own.
        Unstated each is its own, and a warning tells how many there are and their money.
    allow : dict of str to float, optional
        Reason to the share up to which the frame is not refused for it, see `crm_ml.tables.limits`; a reason
        that is stated here is not warned of.
    name : str
        Name of the folder of the cleaned rows.

    Returns
    -------
    Tables
        With report and fingerprint. The rows lie below the data folder of the project; outside of a project
        below the user's cache folder, which the report names.

    Raises
    ------
    InputError
        If columns are absent or of a kind that can't be read, all in one error, or if the cleaning refuses
        the frame.
    ConfigError
        If currency, zone, `known_until` or `allow` can't be.

    Warns
    -----
    UserWarning
        If rows are equal and `equal_rows` is not stated, or if many rows are set aside, see
        `crm_ml.tables.frame_notes`. ``tables.report.notes`` and the notes of a fit have the same.

    Examples
    --------
    >>> import pandas as pd
    >>> df = pd.DataFrame({"who": ["a", "a", "b"], "paid": [12.5, 3.0, 9.99],
    ...     "when": pd.to_datetime(["2024-01-01 10:00", "2024-01-01 18:00", "2024-02-01 09:00"])})
    >>> tables = from_frame(df, customer="who", time="when", amount="paid")
    >>> tables.pandas("orders")[["customer_id", "paid_cents"]].sum()["paid_cents"]
    np.int64(2549)
    """
    if (amount is None) == (unit_price is None) or (unit_price is not None and quantity is None):
        raise InputError("from_frame: give amount, what was paid for the row, or unit_price with quantity")
    roles = {"customer": customer, "time": time, "amount": amount, "unit_price": unit_price, "order": order,
             "item": item, "quantity": quantity, "discount": discount}  # fmt: skip
    columns = {role: column for role, column in roles.items() if column is not None}
    rows = arrow_of(df, columns)
    lines = {
        "columns": _columns(rows, columns),
        "equal_rows": "all" if equal_rows is None else equal_rows,
        "allow": dict(allow or {}),
    }
    settings = {
        "name": name,
        "timezone": timezone,
        "currency": {"code": currency},
        "known_until": known_until,
    }
    mapping = parse_mapping({**settings, "tables": {**_IDS, "order_lines": lines}}, "from_frame")
    try:
        tables = load_tables(mapping, {"order_lines": Frame(rows)}, Path(), store=frames_folder())
    except InputError as error:
        read = ", ".join(f"{_CONTRACT[role]} is {column!r}" for role, column in columns.items())
        raise InputError(f"{error}\nfrom_frame: of the frame, {read}") from None
    notes = frame_notes(tables, tells_equal=equal_rows is None, allow=allow or {})
    for note in notes:
        warnings.warn(note, stacklevel=2)
    return with_notes(tables, notes)


def _columns(rows: "pa.Table", columns: Named[str, str]) -> dict[str, dict[str, Any]]:
    """Return how the columns of order lines are read; ids that pandas made floats are whole numbers."""
    import pyarrow as pa

    hows: dict[str, dict[str, Any]] = {
        "order_id": {"made": "customer_day"},
        "item_id": {"constant": "any"},
    }
    for role, column in columns.items():
        how: dict[str, Any] = {"column": column}
        if role in ("amount", "unit_price", "discount"):
            how["unit"] = "major"
        if role == "unit_price":
            how["times"] = columns["quantity"]
        if role in ("customer", "order", "item") and pa.types.is_floating(rows.schema.field(column).type):
            how["cast"] = "integer"
        hows[_CONTRACT[role]] = how
    return hows
