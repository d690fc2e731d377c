"""Days on which a customer has a row, with the gaps between them."""

from collections.abc import Iterable
from typing import Any

import narwhals as nw

from crm_ml.features.expressions import integers
from crm_ml.snapshots import DAY_S


def day_rows(rows: "nw.LazyFrame[Any]", at: str, amount: str, phases: Iterable[int]) -> "nw.LazyFrame[Any]":
    """Return the days with a row of each customer; days begin with the hour of a snapshot, its ``phase``.

    A day is as a whole before a snapshot of its phase or after it, so that its gap to the previous one is the
    same at all of them.

    Parameters
    ----------
    rows : narwhals.LazyFrame
        With ``customer``.
    at : str
        Name of the time column.
    amount : str
        Column of integers that is summed.
    phases : iterable of int
        Seconds since midnight.

    Returns
    -------
    narwhals.LazyFrame
        ``customer``, ``phase``, ``day`` (number), the amount, ``gap`` (days to the previous day, null for the
        first) and ``position`` (from 1, the oldest).
    """
    epoch = nw.col(f"{at}_epoch_s")
    dated = [
        rows.select("customer", amount, day=(epoch - phase) // DAY_S, phase=nw.lit(phase).cast(nw.Int64))
        for phase in sorted(phases)
    ]
    key = ("customer", "phase") if len(dated) > 1 else ("customer",)
    days = integers(nw.concat(dated).group_by("customer", "phase", "day").agg(nw.col(amount).sum()))
    days = days.with_columns(_one=nw.lit(1))
    return days.with_columns(
        gap=(nw.col("day") - nw.col("day").shift(1).over(*key, order_by="day")).cast(nw.Int64),
        position=nw.col("_one").cum_sum().over(*key, order_by="day").cast(nw.Int64),
    ).drop("_one")
