"""Retention equals a count by hand over the tables, knows no future, and leaves open periods blank."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_ml.clv import retention
from crm_ml.errors import InputError


def orders(rows):
    frame = pd.DataFrame(rows, columns=["customer_id", "ordered_at"]).assign(paid_cents=500)
    return frame.assign(ordered_at=pd.to_datetime(frame["ordered_at"]))


def by_hand(frame, as_of, period):
    """Return {(cohort, age): (customers, active)} of periods that had ended, by periods of pandas."""
    known = frame[frame["ordered_at"] < as_of]
    at = known["ordered_at"].dt.to_period("M" if period == "M" else "W-SUN")
    first = at.groupby(known["customer_id"]).min()
    result = {}
    for cohort in first.unique():
        ids = set(first.index[first == cohort])
        age, now = 0, cohort
        while now.end_time < pd.Timestamp(as_of):
            bought = set(known["customer_id"][(at == now).to_numpy()])
            result[cohort.start_time, age] = (len(ids), len(ids & bought))
            age, now = age + 1, now + 1
    return result


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("abcde"), st.integers(0, 200)), min_size=1, max_size=40),
    st.integers(20, 230),
    st.sampled_from("MW"),
)
def test_shares_equal_a_count_by_hand(rows, until, period):
    start = pd.Timestamp("2023-11-20")
    frame = orders([(customer, start + pd.Timedelta(days=day, hours=9)) for customer, day in rows])
    as_of = start + pd.Timedelta(days=until)
    expected = by_hand(frame, as_of, period)
    if not expected:
        with pytest.raises(InputError, match=r"had ended|no purchase"):
            retention(frame, as_of.to_pydatetime(), period)
        return
    table = retention(frame, as_of.to_pydatetime(), period)
    known = table[table["share"].notna()]
    found = {(row.cohort, row.age): (row.customers, row.active) for row in known.itertuples()}
    assert found == expected
    np.testing.assert_allclose(known["share"], known["active"].astype(float) / known["customers"])
    assert (known["low"] <= known["share"]).all()


def test_rows_from_the_day_on_and_open_periods_change_nothing():
    past = [("a", "2024-01-05"), ("a", "2024-02-05"), ("b", "2024-02-10")]
    later = [("a", "2024-03-20"), ("c", "2024-03-21")]
    known = retention(orders(past), "2024-03-20")
    pd.testing.assert_frame_equal(retention(orders(past + later), "2024-03-20"), known)
    assert known["active"].isna().tolist() == [False, False, False, True]
    assert known.attrs["period"] == "months"


def test_refunds_are_no_purchases_and_the_input_is_left_alone():
    frame = orders([("a", "2024-01-05"), ("a", "2024-02-05")]).assign(
        order_id=["1", "1"], refund_of=[None, "1"]
    )
    frame.loc[1, "paid_cents"] = -500
    before = frame.copy(deep=True)
    assert retention(frame, "2024-03-01")["active"].tolist() == [1, 0]
    pd.testing.assert_frame_equal(frame, before)


def test_weeks_begin_on_monday():
    table = retention(orders([("a", "2024-03-03 23:00"), ("a", "2024-03-04 00:00")]), "2024-03-11", "W")
    assert table["cohort"].dt.day_name().eq("Monday").all()
    assert table["active"].tolist() == [1, 1]


def test_what_can_not_be_counted_is_refused():
    with pytest.raises(InputError, match="period is 'Y'; it must be M"):
        retention(orders([("a", "2024-01-05")]), "2024-03-01", "Y")
    with pytest.raises(InputError, match="no month with a purchase had ended by 2024-01-20"):
        retention(orders([("a", "2024-01-05")]), "2024-01-20")
