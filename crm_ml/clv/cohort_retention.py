"""Retention: which share of the customers who first bought in a period buys again in each later one."""

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from crm_ml.clv.order_days import checked_lines, purchase_days, snapshot_of
from crm_ml.clv.purchase_histories import Ints
from crm_ml.errors import InputError
from crm_ml.evaluation.wilson import wilson_interval
from crm_ml.snapshots import Snapshot
from crm_ml.tables.bundle import to_pandas

if TYPE_CHECKING:
    import pandas as pd

Period = Literal["M", "W"]
PERIODS = {"M": "months", "W": "weeks"}
_MONDAY = 3  # 1970-01-01 was a Thursday


def retention(orders: Any, as_of: "str | date | datetime", period: Period = "M") -> "pd.DataFrame":
    """Return how many customers of each cohort bought in each calendar period after their first one.

    Parameters
    ----------
    orders : Tables, or frame of DuckDB, pandas, Polars or narwhals
        As `crm_ml.clv.summarize` takes them; refunds are no purchases.
    as_of : str, date or datetime
        Only rows strictly before it count; a date is its midnight in the zone of the tables.
    period : {"M", "W"}
        Calendar months, or weeks from Monday on.

    Returns
    -------
    pandas.DataFrame
        A row for each cohort and age, in that order: ``cohort`` (first day of the period of the first
        purchase), ``age`` (periods since, from 0), ``customers`` of the cohort, ``active`` (who bought in
        the period), ``share`` of them with ``low`` and ``high`` (95 %, Wilson). Where a
        period had not ended by `as_of` the last four are missing; a cohort whose own period had not ended
        is left out.
        ``attrs["period"]`` is the unit of ``age``.

    Raises
    ------
    InputError
        If the period is neither, orders are refused, or no period with a purchase had ended.

    Notes
    -----
    Customers of the first cohort may have bought before the tables begin.

    Examples
    --------
    >>> import pandas as pd
    >>> days = pd.to_datetime(["2024-01-05", "2024-02-09", "2024-01-30", "2024-03-02"])
    >>> lines = pd.DataFrame({"customer_id": ["a", "a", "b", "b"], "ordered_at": days, "paid_cents": 100})
    >>> retention(lines, "2024-03-10")["share"].tolist()
    [1.0, 0.5]
    """
    if period not in PERIODS:
        raise InputError(f"period is {period!r}; it must be M (calendar months) or W (weeks from Monday on)")
    snapshot = snapshot_of(orders, as_of)
    customer, at = _bought(orders, snapshot, period)
    now = int(_numbers(np.array([snapshot.as_of.replace(tzinfo=None)], dtype="M8[D]"), period)[0])
    first = np.full(int(customer.max(initial=-1)) + 1, np.iinfo(np.int64).max)
    np.minimum.at(first, customer, at)
    if not (first < now).any():
        raise InputError(
            f"orders: no {PERIODS[period][:-1]} with a purchase had ended by {snapshot}; take a later as_of"
        )
    table = _counted(first, customer, at, now)
    table["cohort"] = _first_days(table["cohort"].to_numpy(), period)
    table.attrs["period"] = PERIODS[period]
    return table


def _bought(orders: Any, snapshot: Snapshot, period: Period) -> tuple[Ints, Ints]:
    """Return the pairs of a customer and a period with a purchase, each once, as numbers."""
    import pandas as pd

    midnight = snapshot.as_of.replace(hour=0, minute=0, second=0, microsecond=0)
    counted = midnight if midnight == snapshot.as_of else midnight + timedelta(days=1)
    lines = snapshot.past(checked_lines(orders).frame, at="ordered_at")
    days = to_pandas(purchase_days(lines, Snapshot(counted.replace(tzinfo=UTC), timedelta(days=1))))
    last = np.datetime64(counted.date(), "D") - 1
    at = _numbers(last - days["days_ago"].to_numpy(dtype=np.int64), period)
    pairs = pd.DataFrame({"customer": pd.factorize(days["customer_id"])[0], "at": at}).drop_duplicates()
    return pairs["customer"].to_numpy(dtype=np.int64), pairs["at"].to_numpy(dtype=np.int64)


def _counted(first: Ints, customer: Ints, at: Ints, now: int) -> "pd.DataFrame":
    """Return customers and active ones of each cohort and age; those of periods that go on are missing."""
    import pandas as pd

    cohorts = np.unique(first[first < now])
    ages = now - int(cohorts[0])
    rows = np.searchsorted(cohorts, first)
    sizes = np.bincount(rows[first < now], minlength=len(cohorts))
    known = (first[customer] < now) & (at < now)
    active = np.zeros((len(cohorts), ages))
    np.add.at(active, (rows[customer[known]], (at - first[customer])[known]), 1)
    active[cohorts[:, None] + np.arange(ages) >= now] = np.nan
    size = np.repeat(sizes, ages)
    share = active.ravel() / size
    low, high = wilson_interval(share, size)
    columns = {"cohort": np.repeat(cohorts, ages), "age": np.tile(np.arange(ages), len(cohorts))}
    counts = pd.Series(active.ravel()).astype("Int64")
    return pd.DataFrame(
        columns | {"customers": size, "active": counts, "share": share, "low": low, "high": high}
    )


def _numbers(days: "np.ndarray[Any, np.dtype[np.datetime64]]", period: Period) -> Ints:
    """Return the number of the period of each day."""
    if period == "M":
        return np.asarray(days.astype("M8[M]").astype(np.int64))
    return np.asarray((days.astype(np.int64) + _MONDAY) // 7)


def _first_days(numbers: Ints, period: Period) -> "pd.DatetimeIndex":
    """Return the first day of each period."""
    import pandas as pd

    if period == "M":
        return pd.DatetimeIndex(numbers.astype("M8[M]").astype("M8[s]"))
    return pd.DatetimeIndex((7 * numbers - _MONDAY).astype("M8[D]").astype("M8[s]"))
