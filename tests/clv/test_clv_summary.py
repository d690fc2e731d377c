"""Order lines to customers: against lifetimes, over engines, with refunds, and whatever lines may hold."""

from datetime import UTC, date, datetime, timedelta, timezone

import duckdb
import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pytest
from clv_worlds import quiet
from hypothesis import given as drawn
from hypothesis import strategies as st
from soak import examples

import crm_ml.clv.summary
from crm_ml.clv import summarize

DAY = 86_400
AS_OF = date(2024, 3, 1)
MIDNIGHT = int(datetime(2024, 3, 1, tzinfo=UTC).timestamp())


def rows(*found):
    """Lines of (customer, days before the cut, cents, order, refund of)."""
    filled = [(*row, *[None] * (5 - len(row))) for row in found]
    table = pd.DataFrame(filled, columns=["customer_id", "ago", "paid_cents", "order_id", "refund_of"])
    table["ordered_at_epoch_s"] = MIDNIGHT - table.pop("ago") * DAY
    return table.astype({"refund_of": "str", "order_id": "str"})


def seen(table, **options):
    """What is summarized in days, as plain tuples."""
    found = summarize(table, AS_OF, **options)
    return {name: tuple(row) for name, *row in found.itertuples()}


def test_cdnow_equals_the_summary_that_lifetimes_ships(cdnow_folder, sample):
    """The file is in weeks until 1997-09-30, by the sample's own ids, cut to two decimals: hence .005."""
    ids = pd.read_csv(cdnow_folder / "CDNOW_sample.txt", sep=r"\s+", header=None, dtype=str)[[0, 1]]
    ids = ids.drop_duplicates().set_index(1)[0]
    shipped = pd.read_csv(cdnow_folder / "cdnow_customers_summary.csv")
    ours = sample.loc[ids[shipped["ID"].map("{:04d}".format)]]
    assert len(shipped) == len(sample) == 2357
    assert ours["frequency"].tolist() == shipped["frequency"].tolist()
    for name in ("recency", "T"):
        np.testing.assert_allclose(ours[name], shipped[name], rtol=0, atol=0.005 + 1e-9)
    money = pd.read_csv(cdnow_folder / "cdnow_customers_summary_with_transactions.csv")
    np.testing.assert_allclose(ours["monetary_value"].iloc[: len(money)], money["zbar"], rtol=0, atol=0.0051)


@pytest.mark.parametrize(("unit", "days"), [("D", 1), ("W", 7)])
def test_cdnow_equals_the_helper_of_lifetimes(lines, tables, unit, days):
    ours = summarize(tables, "1997-10-01", unit)
    with quiet():
        from lifetimes.utils import summary_data_from_transaction_data

        theirs = summary_data_from_transaction_data(
            lines.assign(dollars=lines["paid_cents"] / 100), "customer_id", "ordered_at", "dollars",
            observation_period_end="1997-09-30", freq="D", freq_multiplier=days,
        )  # fmt: skip
    assert ours.index.tolist() == theirs.index.tolist()
    for name in ("frequency", "recency", "T"):
        assert (ours[name] == theirs[name]).all()  # the same division of the same integers
    np.testing.assert_allclose(
        ours["monetary_value"], theirs["monetary_value"], rtol=1e-14
    )  # they add floats


def engines(table):
    connection, given = duckdb.connect(), table  # noqa: F841  (read by DuckDB)
    connection.execute("CREATE TABLE lines AS SELECT * FROM given")
    yield "duckdb", connection.table("lines")
    yield "polars", pl.from_pandas(table)
    yield "lazy polars", pl.from_pandas(table).lazy()
    yield "narwhals", nw.from_native(table)
    yield "pyarrow", pl.from_pandas(table).to_arrow()


@pytest.mark.parametrize("most_rows", [0, 10**9])
def test_all_engines_and_both_ways_agree_to_the_bit(monkeypatch, tables, lines, most_rows):
    monkeypatch.setattr(crm_ml.clv.summary, "MOST_ROWS", most_rows)
    first = summarize(lines, "1997-10-01", "W", with_first_value=True)
    for name, frame in engines(lines):
        pd.testing.assert_frame_equal(
            summarize(frame, "1997-10-01", "W", with_first_value=True), first, obj=name
        )
    for engine in ("duckdb", "pandas", "polars"):
        on = tables.to(engine)
        pd.testing.assert_frame_equal(summarize(on, "1997-10-01", "W", with_first_value=True), first)
        orders = summarize(on.orders, "1997-10-01", "W", with_first_value=True)
        pd.testing.assert_frame_equal(orders, first, obj=f"whole orders of {engine}")


def test_days_merge_and_the_first_one_is_no_repeat():
    table = rows(("b", 9, 100), ("b", 9, 50), ("b", 3, 300), ("b", 3, 100), ("b", 1, 200), ("a", 4, 7))
    assert seen(table, with_first_value=True) == {"a": (0, 0, 3, 0, 0.07), "b": (2, 8, 8, 3.0, 1.5)}


REFUNDS = {
    "of a repeat order": ([("r", 1, -250, "2", "2")], (1, 7, 8, 0.5)),
    "of the whole order, which stays a purchase": ([("r", 1, -300, "2", "2")], (1, 7, 8, 0.0)),
    "of more than the order: not below zero": ([("r", 1, -900, "2", "2")], (1, 7, 8, 0.0)),
    "of the first order": ([("r", 1, -900, "1", "1")], (1, 7, 8, 3.0)),
    "after the cut": ([("r", -1, -250, "2", "2")], (1, 7, 8, 3.0)),
    "of an order after the cut": ([("r", -1, 500, "9", None), ("r", -2, -500, "9", "9")], (1, 7, 8, 3.0)),
    "of an order nobody knows": ([("r", 1, -250, "8", "8")], (1, 7, 8, 3.0)),
    "twice": ([("r", 1, -100, "2", "2"), ("r", 1, -100, "2", "2")], (1, 7, 8, 1.0)),
}


@pytest.mark.parametrize("name", REFUNDS)
def test_refunds_are_netted(name):
    more, wanted = REFUNDS[name]
    table = rows(("r", 9, 1000, "1"), ("r", 2, 300, "2"), ("s", 2, 100, "2"), *more)
    assert seen(table) == {"r": wanted, "s": (0, 0, 1, 0)}
    for engine, frame in engines(table):
        assert seen(frame) == {"r": wanted, "s": (0, 0, 1, 0)}, engine


def test_refunds_of_whole_orders_and_a_refund_before_the_cut():
    table = rows(("r", 9, 1000, "1"), ("r", 5, 300, "2"), ("r", 3, -250, "2")).drop(columns="refund_of")
    table = table.assign(purchase=[1, 1, 0])
    assert seen(table) == {"r": (1, 4, 8, 0.5)}
    earlier = summarize(table, AS_OF - timedelta(days=3)).loc["r"].tolist()
    assert earlier == [1, 4, 5, 3.0]  # the refund was not known yet


line = st.tuples(st.sampled_from("abcd"), st.integers(1, 30), st.integers(0, 10_000))


@examples(12)
@drawn(st.lists(line, min_size=1, max_size=25), st.randoms(), st.lists(line, max_size=5))
def test_order_of_rows_future_rows_and_names_change_nothing(found, random, future):
    table = rows(*found)
    wanted = summarize(table, AS_OF, with_first_value=True)
    poison = rows(("z", 0, 10**9), *((who, 1 - ago, 10**9) for who, ago, _ in future))
    mixed = pd.concat([table, poison]).sample(frac=1, random_state=random.randrange(99))
    pd.testing.assert_frame_equal(summarize(mixed, AS_OF, with_first_value=True), wanted)
    renamed = table.assign(customer_id="x" + table["customer_id"])
    pd.testing.assert_frame_equal(
        summarize(renamed, AS_OF, with_first_value=True),
        wanted.set_axis("x" + wanted.index).rename_axis("customer_id"),
    )
    money = summarize(table.assign(paid_cents=table["paid_cents"] * 100), AS_OF)
    np.testing.assert_allclose(money["monetary_value"], wanted["monetary_value"] * 100, rtol=1e-15)
    weeks = summarize(table, AS_OF, "W")
    assert (weeks["T"] == wanted["T"] / 7).all() and (weeks["recency"] == wanted["recency"] / 7).all()


@examples(25)
@drawn(st.lists(line, min_size=1, max_size=25))
def test_a_plain_python_loop_agrees(found):
    days = {}
    for who, ago, cents in found:
        days.setdefault(who, {}).setdefault(ago - 1, []).append(cents)
    wanted = {}
    for who, bought in sorted(days.items()):
        first, *later = sorted(bought, reverse=True)
        mean = sum(sum(bought[day]) for day in later) / 100 / max(len(later), 1)
        wanted[who] = (len(later), first - min(bought), first, pytest.approx(mean, rel=1e-15))
    assert seen(rows(*found)) == wanted


def test_times_with_a_zone_are_moments_and_the_cut_may_have_one():
    zone = timezone(timedelta(hours=8))
    times = (
        pd.to_datetime(["2024-02-01 23:30", "2024-02-02 00:30", "2024-02-29 12:00"])
        .tz_localize("Asia/Shanghai")
        .as_unit("us")
    )
    table = pd.DataFrame({"customer_id": "a", "ordered_at": times, "paid_cents": [1, 2, 4]})
    local = datetime(2024, 3, 1, tzinfo=zone)
    utc = table.drop(columns="ordered_at").assign(ordered_at=times.tz_convert("UTC").tz_localize(None))
    at = pl.col("ordered_at").dt.replace_time_zone("UTC").dt.convert_time_zone("Asia/Shanghai")
    on_polars = pl.from_pandas(utc).with_columns(at)
    connection, arrow = duckdb.connect(), on_polars.to_arrow()  # noqa: F841  (read by DuckDB)
    connection.execute("SET TimeZone = 'America/New_York'")
    for frame in (table, on_polars, on_polars.lazy(), connection.sql("SELECT * FROM arrow")):
        assert summarize(frame, local).loc["a"].tolist() == [2, 28, 28, 0.03]
        assert summarize(frame, "2024-03-01").loc["a"].tolist() == [1, 28, 28, 0.04]  # one day in UTC
    assert summarize(utc, local).equals(summarize(table, local))


def test_dates_without_a_time_and_ids_that_are_numbers():
    table = pl.DataFrame(
        {"customer_id": [7, 7], "ordered_at": [date(2024, 2, 1), date(2024, 2, 9)], "paid_cents": [1, 2]}
    )
    found = summarize(table, AS_OF)
    assert found.index.tolist() == ["7"] and found.loc["7"].tolist() == [1, 8, 28, 0.02]
