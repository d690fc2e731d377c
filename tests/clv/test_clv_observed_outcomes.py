"""What came after a snapshot, and the baselines and the cohort's course, each checked by hand."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
import value_shop
from value_shop import DAY_S, second, shop

from crm_ml.clv import BetaGeo, summarize
from crm_ml.clv.baselines import baselines, past_count, recency_rule, zeros
from crm_ml.clv.cumulative_purchases import cumulative
from crm_ml.clv.observed_outcomes import outcomes
from crm_ml.clv.validation_windows import WindowSource, check_point_in_time
from crm_ml.errors import InputError, LeakError
from crm_ml.snapshots import Snapshot

AS_OF = date(2024, 3, 1)
COLUMNS = ["customer_id", "ordered_at_epoch_s", "paid_cents"]


def frame(rows):
    """Order lines of (customer, days after as_of, cents)."""
    found = pd.DataFrame(rows, columns=COLUMNS)
    found["ordered_at_epoch_s"] = [int(second(AS_OF) + days * DAY_S) for days in found["ordered_at_epoch_s"]]
    return found


def came(given, days=10, **more):
    tables = shop(given)
    snapshot = Snapshot(AS_OF, timedelta(days=days))
    return outcomes(tables, snapshot, summarize(tables, AS_OF), data_ends_at=date(2024, 6, 1), **more)


BOUGHT = [
    ("a", -20, 100), ("a", -3, 200), ("b", -9, 300), ("c", -8, 400),
    ("a", 0, 1_000), ("a", 0.9, 250), ("a", 4.5, 50),
    ("b", 10, 7_777), ("b", 9.99, 1), ("n", 2, 900), ("n", 3, 1),
]  # fmt: skip


def test_days_count_once_money_is_summed_and_the_end_is_left_out():
    found = came(frame(BOUGHT))
    assert found.known["purchases"].to_dict() == {"a": 2, "b": 1, "c": 0}
    assert found.known["value"].to_dict() == {"a": 13.0, "b": 0.01, "c": 0.0}
    assert list(found.known.index) == list(summarize(frame(BOUGHT), AS_OF).index)
    assert found.as_dict() == {
        "customers": 3, "purchases": 3, "value": 13.01,
        "new_customers": 1, "new_purchases": 2, "new_value": 9.01,
    }  # fmt: skip


def test_the_money_rule_is_that_of_the_summary():
    rows = frame([*BOUGHT, ("a", 4.6, -80), ("a", 6, -40), ("b", 3, -300)])
    order = ["s", "t", "u", "v", "o1", "o2", "o3", "p", "q", "m", "r", "o3", "o1", "u"]
    rows = rows.assign(order_id=order, refund_of=[None] * 11 + ["o3", "o1", "u"])
    found = came(rows)
    # o3 is returned beyond its worth, o1 in part and later; the order u lay before the window
    assert found.known["purchases"].to_dict() == {"a": 2, "b": 1, "c": 0}
    assert found.known["value"].to_dict() == {"a": 12.1, "b": 0.01, "c": 0.0}
    start = pd.DataFrame({**dict.fromkeys(["order_id", "refund_of"]), **frame([("a", -1, 0), ("b", -1, 0)])})
    window = rows[rows["ordered_at_epoch_s"].between(second(AS_OF), second(AS_OF) + 10 * DAY_S - 1)]
    window = window[window["order_id"] != "u"]
    again = summarize(pd.concat([start.assign(order_id=["x", "y"]), window]), AS_OF + timedelta(days=10))
    paid = (again["frequency"] * again["monetary_value"]).loc[["a", "b"]]
    assert paid.to_dict() == pytest.approx(found.known["value"].loc[["a", "b"]].to_dict())
    assert again["frequency"].loc[["a", "b"]].tolist() == found.known["purchases"].loc[["a", "b"]].tolist()


def test_only_some_customers_count_and_others_are_not_taken_for_new():
    some = WindowSource(shop(frame(BOUGHT)), "D", {"a", "n"}, date(2024, 6, 1)).window(AS_OF, 10)
    assert list(some.summary.index) == list(some.outcomes.known.index) == ["a"]
    assert (some.outcomes.new_customers, some.outcomes.new_value) == (1, 9.01)
    none = WindowSource(shop(frame(BOUGHT)), "D", {"a", "c"}, date(2024, 6, 1)).window(AS_OF, 10)
    assert (none.outcomes.new_customers, none.outcomes.new_value) == (0, 0.0)


def test_windows_beyond_the_data_are_refused():
    tables = shop(frame(BOUGHT))
    with pytest.raises(InputError, match="end on 2024-03-13, but the data end on 2024-03-12"):
        WindowSource(tables, "D").window(AS_OF, 12)
    assert WindowSource(tables, "D").window(AS_OF, 11).name == "2024-03-01"
    with pytest.raises(InputError, match="no purchase before 2024-01-01"):
        WindowSource(tables, "D").window(date(2024, 1, 1), 3)


def test_a_summary_that_looks_at_the_future_is_found(monkeypatch):
    source = WindowSource(shop(frame(BOUGHT)), "D")
    check_point_in_time(source, AS_OF)
    later = timedelta(days=1)

    def peeking(orders, as_of, *options, **more):
        return summarize(orders, as_of + later, *options, **(more | {"data_ends_at": as_of + later}))

    monkeypatch.setattr("crm_ml.clv.validation_windows.summarize", peeking)
    with pytest.raises(LeakError, match="summary of 2024-03-01 changes when later rows are taken away"):
        check_point_in_time(source, AS_OF)


SUMMARY = pd.DataFrame(
    {
        "frequency": [0, 4, 2, 1],
        "recency": [0.0, 90.0, 10.0, 8.0],
        "T": [99.0, 95.0, 60.0, 98.0],
        "monetary_value": [0.0, 2.5, 10.0, 4.0],
    },
    index=list("abcd"),
)


@pytest.mark.parametrize(("unit", "per"), [("D", 1), ("W", 7)])
def test_the_baselines_by_hand_in_both_units(unit, per):
    given = SUMMARY.assign(recency=SUMMARY["recency"] / per, T=(SUMMARY["T"] - 99) / per + 99 / per)
    given.attrs["time_unit"] = unit
    horizon = timedelta(days=50)
    assert zeros(given).purchases.tolist() == zeros(given).value.tolist() == [0] * 4
    often = past_count(given, horizon)  # of 100 days: 99 since the first purchase of all, and its own
    np.testing.assert_allclose(often.purchases, [0, 2, 1, 0.5])
    np.testing.assert_allclose(often.value, [0, 5, 10, 2])
    still = recency_rule(given, horizon)  # c was quiet for 50 days, d for 90, a for 99
    np.testing.assert_allclose(still.purchases, [0, 2, 1, 0.5])
    strict = recency_rule(given, horizon, timedelta(days=50))
    np.testing.assert_allclose(strict.purchases, [0, 2, 0, 0])
    np.testing.assert_allclose(strict.value, [0, 5, 0, 0])
    assert list(baselines(given, horizon)) == ["zeros", "past_count", "recency_rule"]
    assert SUMMARY["T"].max() == 99.0


def test_thirteen_weeks_end_on_the_same_day_in_both_units():
    last = np.arange(0, 150)  # whole days, which are no exact fractions of a week
    for silence, active in ((90, True), (91, False)):
        days = pd.DataFrame({"frequency": 1, "recency": last, "T": last + silence, "monetary_value": 1.0})
        for unit, per in (("D", 1), ("W", 7)):
            given = days.assign(recency=days["recency"] / per, T=days["T"] / per)
            given.attrs["time_unit"] = unit
            assert ((recency_rule(given, timedelta(days=50)).purchases > 0) == active).all(), unit


class Steady:
    """Expects a purchase every two days."""

    def cohorts(self, _):
        return [(self, slice(None))]

    def expected_since_first(self, times):
        return np.array(times) / 2


def test_the_course_of_a_cohort_by_hand():
    rows = frame(
        [("a", -10, 1), ("a", -9.5, 1), ("a", -7.5, 1), ("a", 2, 1), ("b", -3, 1), ("b", 3.5, 1), ("n", 1, 1)]
    )
    tables, snapshot = shop(rows), Snapshot(AS_OF, timedelta(days=11))
    found = cumulative(tables, snapshot, summarize(tables, AS_OF), {"steady": Steady()})
    assert found.cut == 9
    assert found.times.tolist() == [0, 7, 14]
    # a buys again on day 2 and 12, b on day 13 after its first on day 7; n is not of the summary
    assert found.actual.tolist() == [0, 1, 3]
    np.testing.assert_allclose(found.expected["steady"], [0, 3.5, 7 + 3.5])


def test_a_fitted_model_follows_the_course_in_either_unit():
    given = value_shop.lines(300, seed=4)
    tables, snapshot = shop(given), Snapshot(date(2024, 8, 1), timedelta(days=60))
    courses = {}
    for unit in ("D", "W"):
        summary = value_shop.summary(given, time_unit=unit)
        courses[unit] = cumulative(tables, snapshot, summary, {"bg": BetaGeo().fit(summary)})
    days, weeks = courses["D"], courses["W"]
    np.testing.assert_allclose(weeks.times * 7, days.times)
    np.testing.assert_array_equal(weeks.actual, days.actual)
    np.testing.assert_allclose(weeks.expected["bg"], days.expected["bg"], rtol=1e-4)
    assert days.actual[-1] == len(day_pairs(given, snapshot, days.times[-1])) - given_customers(
        given, snapshot
    )
    assert abs(days.expected["bg"][-1] / days.actual[-1] - 1) < 0.2


def day_pairs(given, snapshot, last_day):
    """Customers and days of purchases until a day, of those who came before the snapshot."""
    known = given.loc[given["ordered_at_epoch_s"] < snapshot.epoch_s, "customer_id"]
    day = given["ordered_at_epoch_s"] // DAY_S
    kept = given["customer_id"].isin(known) & (day - day.min() <= last_day)
    return set(zip(given["customer_id"][kept], day[kept], strict=True))


def given_customers(given, snapshot):
    return given.loc[given["ordered_at_epoch_s"] < snapshot.epoch_s, "customer_id"].nunique()
