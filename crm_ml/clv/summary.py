"""Order lines to one row per customer: frequency, recency, age and money in one declared unit of time."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, cast

import narwhals as nw
import numpy as np
import numpy.typing as npt

from crm_ml.clv.order_days import Lines, checked_lines, purchase_days, snapshot_of
from crm_ml.clv.purchase_histories import FIRST_INCLUDED
from crm_ml.clv.purchase_periods import Period
from crm_ml.clv.sorted_days import MOST_ROWS, sorted_customers
from crm_ml.clv.time_units import DAYS, check_unit
from crm_ml.errors import InputError
from crm_ml.snapshots import Snapshot
from crm_ml.storage.parquet import regroup

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

SUMMARY = ("frequency", "recency", "T", "monetary_value")
_SILENT_DAYS = 91  # a day so long after the last order is one that the data may not reach
_PACK = 2**40  # above the cents of a day
_ROWS = 1 << 17  # of a chunk


def summarize(
    orders: Any,
    as_of: "str | date | datetime",
    time_unit: str = "D",
    *,
    with_first_value: bool = False,
    calendar: bool = False,
    include_first: bool = False,
    data_ends_at: "str | date | datetime | None" = None,
) -> "pd.DataFrame":
    """Summarize the purchases of each customer before a point in time.

    Parameters
    ----------
    orders : frame of DuckDB, pandas, Polars or narwhals, or Tables
        Order lines, or whole orders: customer_id, ``ordered_at`` (a time) or ``ordered_at_epoch_s``
        (seconds), and integer ``paid_cents``. Lines with ``refund_of``, and orders with ``purchase`` 0, are
        refunds.
    as_of : str, date or datetime
        Only rows strictly before it count; a date is its midnight in the zone of the tables, UTC for frames.
        Data that end with 30 September are summarized as of 1 October.
    time_unit : {"D", "W", "M", "h"}
        Days, weeks, months (of 365.25 / 12 days) or hours, of recency and T; noted in ``attrs["time_unit"]``
        of the result. Orders of one day are one purchase; in hours those of one hour are.
    with_first_value : bool
        Add the column ``first_value``, the amount paid on the first day.
    calendar : bool
        Count calendar weeks (from Monday) or calendar months with a purchase, not days, as lifetimes does;
        recency and T are then whole ones.
    include_first : bool
        Count the first purchase in frequency and monetary_value too, for reports. No model takes such a
        summary.
    data_ends_at : str, date or datetime, optional
        First moment that the orders do not cover, where nobody bought in the last weeks before it; by default
        91 days after the last order.

    Returns
    -------
    pandas.DataFrame
        A row for each customer, indexed by customer_id in ascending order:

        - ``frequency`` (int): days with a purchase after the first one; orders of one day count once.
        - ``recency`` (float): time from the first purchase to the last, 0 for one purchase.
        - ``T`` (float): time from the first purchase to the last whole day before `as_of`.
        - ``monetary_value`` (float): mean paid on a repeat day, in the currency's major unit; 0 without one.

    Raises
    ------
    InputError
        Listing every problem and its number of rows: a missing column, a column of times that holds none,
        rows without customer, time or amount, implausible amounts; or no purchase before `as_of`,
        or data that end before it; or `calendar` with another unit than weeks or months.

    Notes
    -----
    A refund is subtracted from the order it belongs to (``order_id``) and is no purchase. A day whose amount
    becomes zero is still a purchase, and counts in the mean of money with the rest, at least 0.
    Money is summed in integers of the minor unit. The column ``currency``, where there is one, says how many
    of them a major unit has (ISO 4217); without it they are hundredths.

    References
    ----------
    .. [1] Fader, Hardie and Lee (2005). "Counting your customers" the easy way: an alternative to the
       Pareto/NBD model. Marketing Science 24, section 4 (x, t_x, T).

    Examples
    --------
    >>> import pandas as pd
    >>> days = pd.to_datetime(["2024-01-01", "2024-01-15", "2024-01-15", "2024-01-20"])
    >>> lines = pd.DataFrame({"customer_id": ["a", "a", "a", "b"], "ordered_at": days,
    ...                       "paid_cents": [900, 1500, 250, 400]})
    >>> summarize(lines, "2024-01-30", "W").loc["a"].to_dict()
    {'frequency': 1.0, 'recency': 2.0, 'T': 4.0, 'monetary_value': 17.5}
    >>> summarize(lines.assign(ordered_at=[1, 2, 3, 4]), "2024-01-30")
    Traceback (most recent call last):
    ...
    crm_ml.errors.InputError: orders: ordered_at is Int64, no time; give times, or ordered_at_epoch_s
    """
    import pyarrow as pa

    per_unit, snapshot = check_unit(time_unit), snapshot_of(orders, as_of)
    period = _period(time_unit, calendar)
    lines = checked_lines(orders)
    chunks = [chunk for chunk in _customers(lines, snapshot, _ROWS, period) if chunk.num_rows]
    if not chunks:
        raise InputError(f"orders: no purchase before {snapshot.as_of:%Y-%m-%d %H:%M}; take a later as_of")
    silent = min(int(chunk["last_ago"].to_numpy().min()) for chunk in chunks)
    _check_end(orders, lines, snapshot, int(silent * DAYS[period]), data_ends_at)
    _check_amounts(chunks)
    per_unit = per_unit if period == "D" else 1
    summary = _in_units(pa.concat_tables(chunks), per_unit, lines.minor_per_major, with_first_value)
    summary.attrs["time_unit"] = time_unit
    if calendar:
        summary.attrs["calendar"] = True
    if include_first:
        summary = _with_first(pa.concat_tables(chunks), summary, lines.minor_per_major)
    return summary


def summary_chunks(
    orders: Any, as_of: "str | date | datetime", time_unit: str, rows: int, minor_per_major: int
) -> "Iterator[pd.DataFrame]":
    """Yield the rows of `summarize`, with ``first_value``, in chunks: DuckDB groups and sorts out of core.

    A part of the customers has the rows that it has among all, and none where nobody bought.

    Parameters
    ----------
    orders, as_of, time_unit
        See `summarize`; that the data reach `as_of` is known.
    rows : int
        Customers in a chunk; of the last one fewer.
    minor_per_major : int
        Of the currency of all customers' orders.

    Raises
    ------
    InputError
        As `summarize`; amounts of a day that are too large at their chunk.
    """
    unit_days, snapshot = check_unit(time_unit), snapshot_of(orders, as_of)
    lines = checked_lines(orders, minor_per_major, may_be_empty=True)
    for chunk in regroup(_customers(lines, snapshot, rows), rows):
        _check_amounts([chunk])
        summary = _in_units(chunk, unit_days, minor_per_major, with_first_value=True)
        summary.attrs["time_unit"] = time_unit
        yield summary


def _period(time_unit: str, calendar: bool) -> Period:
    """Return what counts as one purchase."""
    if not calendar:
        return "h" if time_unit == "h" else "D"
    if time_unit not in ("W", "M"):
        raise InputError(f'calendar takes weeks or months: time_unit is {time_unit!r}, give "W" or "M"')
    return cast(Period, time_unit)


def _with_first(table: "pa.Table", summary: "pd.DataFrame", per_major: int) -> "pd.DataFrame":
    """Return a summary that counts first purchases, marked so that models refuse it."""
    days, cents = table["days"].to_numpy(), table["cents"].to_numpy()
    counted = summary.assign(frequency=days, monetary_value=cents / per_major / days)
    counted.attrs = summary.attrs | {FIRST_INCLUDED: True}
    return counted


def _check_end(
    orders: Any, lines: Lines, snapshot: Snapshot, silent: int, data_ends_at: "str | date | datetime | None"
) -> None:
    """Refuse a day after the data: customers would seem older and more silent than anybody knows."""
    if data_ends_at is not None:
        late = snapshot_of(orders, data_ends_at).as_of < snapshot.as_of
    else:
        late = silent > _SILENT_DAYS and not _any_from(lines, snapshot)
    if late:
        known = (
            f"data_ends_at is {data_ends_at}"
            if data_ends_at is not None
            else (f"the last order is of {snapshot.shifted(-silent - 1)}, {silent:,} days before")
        )
        raise InputError(
            f"orders: as_of is {snapshot}, but {known}; take an earlier as_of, or state "
            f"data_ends_at={snapshot} if the orders are complete until then"
        )


def _any_from(lines: Lines, snapshot: Snapshot) -> bool:
    """Return whether there is an order at or after the snapshot."""
    later = lines.frame.filter(~snapshot.knows(lines.frame, "ordered_at"))
    return bool(later.select(nw.len()).collect(backend="pyarrow").rows()[0][0])


def _check_amounts(chunks: "Sequence[pa.Table]") -> None:
    above = sum(int(np.count_nonzero(chunk["most"].to_numpy() >= _PACK)) for chunk in chunks)
    if above:
        raise InputError(
            f"orders: {above:,} customers paid {_PACK:,} or more cents on a day; mend these rows"
        )


def _customers(lines: Lines, snapshot: Snapshot, rows: int, period: Period = "D") -> "Iterator[pa.Table]":
    """Yield one row per customer, ordered by customer_id: first and last day, days, and integer cents."""
    import pyarrow as pa

    past = snapshot.past(lines.frame, at="ordered_at")
    if period == "D" and not lines.refunds and lines.rows <= MOST_ROWS:
        table = past.collect(backend="pyarrow").to_native()
        yield sorted_customers(table, snapshot, _PACK) if table.num_rows else table
        return
    grouped = _grouped(purchase_days(past, snapshot, period)).sort("customer_id")
    if not grouped.implementation.is_duckdb():
        yield grouped.collect(backend="pyarrow").to_native()
        return
    for batch in grouped.to_native().to_arrow_reader(rows):
        yield pa.Table.from_batches([batch])


def _grouped(days: "nw.LazyFrame[Any]") -> "nw.LazyFrame[Any]":
    """Return one row per customer, out of core: first and last day, days, cents of first, all and best day.

    First day and its money are packed into one integer and found by one maximum: faster than a window.
    """
    days = days.with_columns(packed=nw.col("days_ago") * _PACK + nw.col("cents"))
    customers = days.group_by("customer_id").agg(
        first=nw.col("packed").max(),
        last_ago=nw.col("days_ago").min(),
        days=nw.len(),
        cents=nw.col("cents").sum(),
        most=nw.col("cents").max(),
    )
    return customers.with_columns(nw.col("first", "last_ago", "days", "cents", "most").cast(nw.Int64))


def _in_units(table: "pa.Table", unit_days: float, per_major: int, with_first_value: bool) -> "pd.DataFrame":
    import pandas as pd

    first, last_ago, days, cents = (table[name].to_numpy() for name in ("first", "last_ago", "days", "cents"))
    ago, first_cents = np.divmod(first, _PACK)
    columns = {
        "frequency": days - 1,
        "recency": (ago - last_ago) / unit_days,
        "T": ago / unit_days,
        "monetary_value": (cents - first_cents) / per_major / np.maximum(days - 1, 1),
    }
    if with_first_value:
        columns["first_value"] = first_cents / per_major
    ids = pd.Index(table["customer_id"].to_pandas(), name="customer_id")
    return pd.DataFrame(columns, index=ids)


def in_cents(amounts: npt.ArrayLike, minor_per_major: int = 100) -> npt.NDArray[np.int64]:
    """Return amounts of the major unit, not negative, in whole minor units, half a one rounded up.

    Examples
    --------
    >>> in_cents([0.004, 0.005, 1.25])
    array([  0,   1, 125])
    >>> in_cents([1.2345], 1000)
    array([1235])
    """
    return (np.asarray(amounts, dtype=np.float64) * minor_per_major + 0.5).astype(np.int64)
