"""Order lines that can't be used: one error names everything that is wrong, and in how many rows."""

from datetime import date, datetime, timedelta

import pandas as pd
import polars as pl
import pytest

from crm_ml.clv import summarize
from crm_ml.clv.order_days import LARGEST_CENTS
from crm_ml.errors import InputError

AS_OF = date(2024, 3, 1)
GOOD = {
    "customer_id": ["a", "a", "b"],
    "ordered_at": pd.to_datetime(["2024-01-01", "2024-01-15", "2024-02-01"]),
    "paid_cents": [900, 1500, 250],
}


def frame(**changed):
    return pd.DataFrame({name: column for name, column in (GOOD | changed).items() if column is not None})


BAD = {
    "integers as dates": (frame(ordered_at=[1, 2, 3]), "ordered_at is Int64, no time"),
    "a duration": (frame(ordered_at=pd.to_timedelta([1, 2, 3], unit="D")), "no time"),
    "text as dates": (frame(ordered_at=["2024-01-01"] * 3), "no time"),
    "no date": (
        frame(ordered_at=[pd.Timestamp("2024-01-01"), pd.NaT, pd.NaT]),
        "ordered_at_epoch_s is null in 2 of 3 rows",
    ),
    "no customer": (frame(customer_id=["a", None, "b"]), "customer_id is null in 1 of 3 rows"),
    "ids as floats": (frame(customer_id=[1.0, 2.0, float("nan")]), "customer_id is Float64; ids are text"),
    "cents as floats": (frame(paid_cents=[9.5, 1.0, 2.0]), "paid_cents is Float64; give integers"),
    "negative": (
        frame(paid_cents=[900, -1, -2]),
        "paid_cents is negative and refund_of does not say of what in 2 of 3",
    ),
    "a refund of plus": (
        frame(order_id=["1", "2", "2"], refund_of=[None, None, "2"]),
        "of a refund is above 0 in 1 of 3",
    ),
    "out of scale": (frame(paid_cents=[1, 2, LARGEST_CENTS + 1]), "beyond 100,000,000,000 in 1 of 3 rows"),
    "epoch as floats": (
        frame(ordered_at_epoch_s=[1.0, 2.0, 3.0]),
        "ordered_at_epoch_s is Float64; give integer seconds",
    ),
    "a garbage epoch": (
        frame(ordered_at_epoch_s=[-(10**18), 1, 2]),
        "3,000 years ago or more in 1 of 3 rows",
    ),
    "purchase as a count": (frame(purchase=[1, 2, 0]), "purchase is neither 0 nor 1 in 1 of 3 rows"),
    "no column": (frame(paid_cents=None), "paid_cents is missing"),
    "no time column": (frame(ordered_at=None), "ordered_at and ordered_at_epoch_s are missing"),
    "empty": (frame().head(0), "the table has no row"),
    "nothing at all": (
        pd.DataFrame({"x": [1]}),
        "customer_id is missing; paid_cents is missing; ordered_at and",
    ),
    "all in the future": (
        frame(ordered_at=[pd.Timestamp("2024-03-01")] * 3),
        "no purchase before 2024-03-01 00:00",
    ),
    "only refunds": (
        frame(paid_cents=[-1] * 3, order_id=["1"] * 3, refund_of=["1"] * 3),
        "no purchase before 2024-03-01",
    ),
    "more on a day than can be counted": (
        frame(customer_id=["a"] * 3, paid_cents=[LARGEST_CENTS] * 3).loc[[0] * 11],
        "1 customers paid 1,099,511,627,776",
    ),
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("engine", [pd.DataFrame, pl.from_pandas])
def test_what_is_wrong_is_named(name, engine):
    table, message = BAD[name]
    before = table.copy(deep=True)
    with pytest.raises(InputError) as error:
        summarize(engine(table), AS_OF)
    assert message in str(error.value).replace("Int32", "Int64") and str(error.value).startswith("orders: ")
    pd.testing.assert_frame_equal(table, before)


def test_one_error_names_all_breaches():
    table = frame(
        customer_id=["a", None, None], ordered_at=[pd.NaT] * 3, paid_cents=[1, -1, LARGEST_CENTS + 1]
    )
    with pytest.raises(InputError) as error:
        summarize(table.astype({"ordered_at": "datetime64[us]"}), AS_OF)
    for part in ("customer_id is null in 2 of 3", "s is null in 3 of 3", "is negative and", "beyond"):
        assert part in str(error.value)
    with pytest.raises(InputError) as error:  # columns and rows in one
        summarize(table.assign(paid_cents=0.5, ordered_at=1), AS_OF)
    for part in ("customer_id is null in 2 of 3", "paid_cents is Float64", "ordered_at is Int64"):
        assert part in str(error.value)


@pytest.mark.parametrize("unit", ["Y", "d", "week", "", None, 7])
def test_an_unknown_unit_is_refused(unit):
    with pytest.raises(InputError, match=r"time_unit is .*; it must be h \(hours\), D \(days\), W"):
        summarize(frame(), AS_OF, unit)


def test_as_of_that_is_no_date():
    with pytest.raises(InputError, match="is no date"):
        summarize(frame(), "soon")


@pytest.mark.parametrize("engine", [lambda table: table, pl.from_pandas])
def test_a_day_far_after_the_data_is_refused_unless_they_reach_it(engine):
    table = engine(frame())
    text = "as_of is 2025-02-01, but the last order is of 2024-02-01, 365 days before; take an earlier"
    with pytest.raises(InputError, match=text):
        summarize(table, "2025-02-01")
    assert summarize(table, "2025-02-01", data_ends_at="2025-02-01").loc["b", "T"] == 365
    with pytest.raises(InputError, match="as_of is 2025-02-01, but data_ends_at is 2024-03-01"):
        summarize(table, "2025-02-01", data_ends_at="2024-03-01")
    assert summarize(table, "2024-05-01").loc["b", "T"] == 89
    later = engine(frame(ordered_at=pd.to_datetime(["2024-01-01", "2024-01-15", "2025-02-01"])))
    assert summarize(later, "2025-02-01").index.tolist() == ["a"]  # the data go on


def test_nothing_is_changed_and_the_same_bits_come_out():
    table = frame(customer_id=["b", "a", "b"])
    before = table.copy(deep=True)
    first, second = summarize(table, AS_OF), summarize(table, AS_OF)
    pd.testing.assert_frame_equal(first, second)
    pd.testing.assert_frame_equal(table, before)
    assert first.attrs == {"time_unit": "D"} and first.index.name == "customer_id"
    assert first.index.tolist() == sorted(first.index)


def test_days_count_back_from_the_hour_of_the_cut():
    table = frame(ordered_at=pd.to_datetime(["2024-02-28 13:00", "2024-02-29 11:00", "2024-02-01 00:00"]))
    assert summarize(table, datetime(2024, 3, 1, 12)).loc["a"].tolist() == [0, 0, 1, 0]
    assert summarize(table, datetime(2024, 3, 1) + timedelta(days=1)).loc["a"].tolist() == [1, 1, 2, 15]
