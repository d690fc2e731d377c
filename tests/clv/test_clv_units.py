"""Hours, calendar weeks, months, first purchases counted: lifetimes 0.11.3 has them, pandas counts months."""

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from clv_worlds import quiet

from crm_ml.clv import BetaGeo, months, summarize, with_gaps
from crm_ml.clv.time_units import MONTH_DAYS
from crm_ml.errors import InputError

END = "1998-07-01"


@pytest.fixture(scope="module")
def orders(lines):
    """CDNOW's sample with an hour to each order."""
    seconds = np.random.default_rng(0).integers(0, 86_400, len(lines))
    return lines.assign(
        ordered_at=lines["ordered_at"] + pd.to_timedelta(seconds, unit="s"), paid=lines["paid_cents"] / 100
    )


@pytest.mark.parametrize(
    ("unit", "how"),
    [("h", {}), ("W", {"calendar": True}), ("D", {}), ("D", {"include_first": True})],
    ids=["hours", "calendar weeks", "days", "first purchases"],
)
def test_golden_summaries_of_lifetimes(orders, unit, how):
    with quiet():
        from lifetimes.utils import summary_data_from_transaction_data

        theirs = summary_data_from_transaction_data(
            orders, "customer_id", "ordered_at", "paid", freq=unit,
            observation_period_end="1998-06-30 23:59:59",
            include_first_transaction="include_first" in how,
        ).sort_index()  # fmt: skip
    ours = summarize(orders, END, unit, **how)
    assert ours.attrs["time_unit"] == unit
    for name in ("frequency", "recency", "T"):
        np.testing.assert_array_equal(ours[name], theirs[name])
    np.testing.assert_allclose(ours["monetary_value"], theirs["monetary_value"], atol=1e-9)


@pytest.mark.parametrize("engine", ["pandas", "duckdb", "polars"])
def test_calendar_months_are_those_of_pandas(orders, engine):
    """Around leap days and the ends of years too: some orders are moved by up to 30 years."""
    years = np.random.default_rng(1).integers(-12, 4, len(orders)) * 365
    moved = orders.assign(ordered_at=orders["ordered_at"] + pd.to_timedelta(years, unit="D"))
    month = moved["ordered_at"].dt.to_period("M")
    of_each = month.astype("int64").groupby(moved["customer_id"])
    last = pd.Period("2001-06", "M").ordinal
    frame = moved[["customer_id", "ordered_at", "paid_cents"]]
    if engine != "pandas":
        import duckdb
        import polars as pl

        frame = pl.from_pandas(frame) if engine == "polars" else duckdb.from_df(frame)
    found = summarize(frame, "2001-07-01", "M", calendar=True)
    np.testing.assert_array_equal(found["frequency"], of_each.nunique().sort_index() - 1)
    np.testing.assert_array_equal(found["recency"], (of_each.max() - of_each.min()).sort_index())
    np.testing.assert_array_equal(found["T"], last - of_each.min().sort_index())


def test_months_count_days_as_weeks_do(orders):
    days, in_months = summarize(orders, END), summarize(orders, END, "M")
    assert in_months["frequency"].equals(days["frequency"])
    np.testing.assert_allclose(in_months["T"] * MONTH_DAYS, days["T"])
    model, same = BetaGeo().fit(days), BetaGeo().fit(in_months)
    assert same.params_["alpha"] * MONTH_DAYS == pytest.approx(model.params_["alpha"], rel=1e-6)
    np.testing.assert_allclose(
        same.expected_purchases(in_months, months(3)), model.expected_purchases(days, months(3)), rtol=1e-6
    )
    hours = summarize(orders, END, "h")
    fitted = BetaGeo().fit(hours)
    ahead = timedelta(days=90)
    assert fitted.expected_purchases(hours, ahead).sum() == pytest.approx(
        model.expected_purchases(days, ahead).sum(), rel=0.02
    )


def test_refunds_are_netted_in_their_period():
    at = pd.to_datetime(["2024-01-03 10:00", "2024-01-05 12:00", "2024-01-20 09:00", "2024-01-21 09:00"])
    rows = pd.DataFrame(
        {
            "customer_id": "a", "order_id": ["1", "2", "3", "2"], "ordered_at": at,
            "paid_cents": [1000, 3000, 500, -1000], "refund_of": [None, None, None, "2"],
        }
    )  # fmt: skip
    weeks = summarize(rows, "2024-01-29", "W", calendar=True).loc["a"]
    assert tuple(weeks) == (1.0, 2.0, 3.0, 5.0)
    assert summarize(rows, "2024-01-29", "h").loc["a", "frequency"] == 2
    first = summarize(rows, "2024-01-29", "W", calendar=True, include_first=True).loc["a"]
    assert (first["frequency"], first["monetary_value"]) == (2.0, 17.5)


def test_what_no_model_takes_is_refused(orders):
    counted = summarize(orders, END, include_first=True)
    with pytest.raises(InputError, match="counts first purchases, which no model takes; summarize without"):
        BetaGeo().fit(counted)
    with pytest.raises(InputError, match="calendar takes weeks or months: time_unit is 'D'"):
        summarize(orders, END, "D", calendar=True)
    with pytest.raises(InputError, match=r"must be h \(hours\), D \(days\), W \(weeks\) or M \(months\)"):
        summarize(orders, END, "Y")
    for wrong in (summarize(orders, END, "h"), summarize(orders, END, "W", calendar=True)):
        with pytest.raises(InputError, match="gaps are known in days; summarize in D, W or M without calend"):
            with_gaps(wrong, orders, END)
