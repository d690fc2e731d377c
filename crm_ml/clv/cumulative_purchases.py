"""Cumulative repeat purchases of all customers of a summary, observed and as models expect them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import narwhals as nw
import numpy as np

from crm_ml.clv.order_days import checked_lines, purchase_days
from crm_ml.clv.purchase_histories import Floats, Ints, plain_names
from crm_ml.clv.purchase_model import PurchaseModel
from crm_ml.clv.time_units import DAYS
from crm_ml.errors import InputError
from crm_ml.snapshots import Snapshot
from crm_ml.tables.bundle import Tables, to_pandas

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Cumulative:
    """Repeat purchases until each time.

    Parameters
    ----------
    times : numpy.ndarray, shape (m,)
        In units since the first purchase of any customer.
    cut : float
        Time of the snapshot; later times are the hold-out.
    actual : numpy.ndarray, shape (m,)
    expected : mapping of str to numpy.ndarray, shape (m,)
    """

    times: Floats
    cut: float
    actual: Floats
    expected: Mapping[str, Floats]


def cumulative(
    tables: Tables,
    snapshot: Snapshot,
    summary: "pd.DataFrame",
    models: Mapping[str, PurchaseModel],
    every_days: int = 7,
) -> Cumulative:
    """Count repeat purchases of the customers of a summary week by week until the end of the horizon.

    Expected counts are ``sum over customers of E[X(t - first purchase)]``, unconditional on their histories,
    so that the curve shows how well a model describes the whole period.

    Parameters
    ----------
    tables : Tables
    snapshot : Snapshot
    summary : pandas.DataFrame
        Of the snapshot.
    models : mapping of str to PurchaseModel
        Fitted to `summary`.
    every_days : int
        Days between the times; 1 for a daily curve.

    Raises
    ------
    InputError
        If `every_days` is no whole number from 1 on.

    References
    ----------
    .. [1] Fader, Hardie and Lee (2005). "Counting your customers" the easy way. Marketing Science 24,
       figure 3.
    """
    if not isinstance(every_days, int) or every_days < 1:
        raise InputError(f"every_days is {every_days!r}; it must be a whole number of days, 1 or more")
    summary = plain_names(summary)
    days_per_unit = DAYS[str(summary.attrs["time_unit"])]
    ages = np.round(summary["T"].to_numpy() * days_per_unit).astype(np.int64)
    start = int(ages.max())
    ends = start + snapshot.horizon // timedelta(days=1)
    days = np.arange(0, ends + 1, every_days, dtype=np.int64)
    first_day = start - ages
    expected = {
        name: sum(
            (_expected(part, first_day[rows], days, days_per_unit) for part, rows in model.cohorts(summary)),
            np.zeros(len(days)),
        )
        for name, model in models.items()
    }
    return Cumulative(
        days / days_per_unit, start / days_per_unit, _actual(tables, snapshot, summary, start, days), expected
    )


def _expected(model: PurchaseModel, first_day: Ints, days: Ints, days_per_unit: float) -> Floats:
    since = np.arange(int(days[-1]) + 1)
    curve = model.expected_since_first((since / days_per_unit).tolist())
    begun = np.bincount(first_day, minlength=int(days[-1]) + 1)[: int(days[-1]) + 1]
    return np.asarray(np.convolve(begun, curve)[: int(days[-1]) + 1][days])


def _actual(tables: Tables, snapshot: Snapshot, summary: "pd.DataFrame", start: int, days: Ints) -> Floats:
    whole = Snapshot(snapshot.label_ends_at, timedelta(days=1))
    bought = purchase_days(whole.past(checked_lines(tables).frame, at="ordered_at"), snapshot)
    days_bought = to_pandas(bought.select("customer_id", nw.col("days_ago")))
    days_bought = days_bought[days_bought["customer_id"].isin(summary.index)]
    on_day = start - days_bought["days_ago"].to_numpy(dtype=int)
    ranked = np.sort(on_day)
    firsts = np.sort(start - np.round(summary["T"].to_numpy() * DAYS[summary.attrs["time_unit"]]).astype(int))
    return np.asarray(
        np.searchsorted(ranked, days, side="right") - np.searchsorted(firsts, days, side="right"), dtype=float
    )
