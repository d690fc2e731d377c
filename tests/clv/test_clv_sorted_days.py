"""The summary by one sort is, bit by bit, the summary by groups."""

from datetime import date, timedelta
from unittest import mock

import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from soak import examples
from value_shop import DAY_S, second

from crm_ml.clv import summarize, summary

AS_OF = date(2024, 3, 1)
ids = st.sampled_from(["a", "b", "aa", "B", "", " a", "é", "客户", "10", "9", "a\u200b", "🙂", "00001"])
moments = st.one_of(
    st.integers(-400 * DAY_S, 3 * DAY_S),
    st.sampled_from([-1, 0, -DAY_S, -DAY_S - 1, -DAY_S + 1, -7 * DAY_S, -50 * 365 * DAY_S]),
)
cents = st.one_of(st.integers(0, 5_000), st.sampled_from([0, 1, 10**10]))
lines = st.lists(st.tuples(ids, moments, cents), min_size=1, max_size=40)


def frame(rows):
    found = pd.DataFrame(rows, columns=["customer_id", "ordered_at_epoch_s", "paid_cents"])
    return found.assign(ordered_at_epoch_s=found["ordered_at_epoch_s"] + second(AS_OF))


def both(rows, unit="D", as_of=AS_OF):
    one = summarize(rows, as_of, unit, with_first_value=True)
    with (
        mock.patch.object(summary, "MOST_ROWS", 0),
        mock.patch.object(summary, "sorted_customers", side_effect=AssertionError("sorted")),
    ):
        other = summarize(rows, as_of, unit, with_first_value=True)
    return one, other


@examples(40)
@given(lines, st.sampled_from(["D", "W"]))
def test_random_lines_give_the_same_bits(rows, unit):
    given_rows = pl.from_pandas(frame([*rows, ("z", -DAY_S, 1)]))
    one, other = both(given_rows, unit)
    pd.testing.assert_frame_equal(one, other, check_exact=True)
    assert one.attrs == other.attrs == {"time_unit": unit}


def test_the_sort_is_what_is_used_and_groups_take_over_above_its_limit():
    rows = frame([("a", -DAY_S, 100)] * 3)
    with mock.patch.object(summary, "sorted_customers", wraps=summary.sorted_customers) as sort:
        summarize(rows, AS_OF)
        assert sort.call_count == 1
        with mock.patch.object(summary, "MOST_ROWS", 3):
            summarize(rows, AS_OF)
        assert sort.call_count == 2
        with mock.patch.object(summary, "MOST_ROWS", 2):
            summarize(rows, AS_OF)
        refunds = rows.assign(order_id="o", refund_of=[None, None, "o"], paid_cents=[1, 1, -1])
        summarize(refunds, AS_OF)
        assert sort.call_count == 2


def test_by_hand_and_in_order_of_the_ids():
    rows = frame(
        [("b", -9.5 * DAY_S, 3), ("b", -9.2 * DAY_S, 4), ("b", -0.5 * DAY_S, 50), ("B", -1, 2), ("a", 0, 9)]
    )
    rows["ordered_at_epoch_s"] = rows["ordered_at_epoch_s"].astype("int64")
    one, other = both(rows)
    assert one.to_dict("index") == other.to_dict("index") == {
        "B": {"frequency": 0, "recency": 0.0, "T": 0.0, "monetary_value": 0.0, "first_value": 0.02},
        "b": {"frequency": 1, "recency": 9.0, "T": 9.0, "monetary_value": 0.5, "first_value": 0.07},
    }  # fmt: skip
    assert list(one.index) == ["B", "b"]


@pytest.mark.parametrize("engine", ["pandas", "polars", "lazy", "categorical", "dated"])
def test_every_kind_of_frame_takes_the_same_way(engine):
    rows = frame([(f"c{i % 7}", -((i * 37) % 200) * DAY_S // 3 - 1, i) for i in range(200)])
    wanted = both(rows)[1]
    other = {
        "pandas": lambda: rows,
        "polars": lambda: pl.from_pandas(rows),
        "lazy": lambda: pl.from_pandas(rows).lazy(),
        "categorical": lambda: pl.from_pandas(rows).with_columns(pl.col("customer_id").cast(pl.Categorical)),
        "dated": lambda: rows.assign(ordered_at=pd.to_datetime(rows["ordered_at_epoch_s"], unit="s")).drop(
            columns="ordered_at_epoch_s"
        ),
    }[engine]()
    one, grouped = both(other)
    pd.testing.assert_frame_equal(one, wanted, check_exact=True)
    pd.testing.assert_frame_equal(grouped, wanted, check_exact=True)
    later = both(other, as_of=AS_OF + timedelta(days=30))
    pd.testing.assert_frame_equal(*later, check_exact=True)
