"""Cautions: what the data behind a value do not know, and silence where the model holds."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from clv_worlds import simulate, with_params

from crm_ml.clv import BetaGeo, GammaGamma, lifetime_value, months, value_with_interval
from crm_ml.clv.cautions import cautions
from crm_ml.clv.purchase_calendar import Calendar, purchase_calendar
from crm_ml.clv.purchase_regularity import regularity
from crm_ml.clv.season import season

AS_OF = datetime(2024, 1, 1, tzinfo=UTC)
NOVEMBER_DECEMBER = np.array([0.1] * 10 + [1.0, 1.0])


def shop(seed=0, customers=400, span=300, shape=1.0, gap=20.0, by_month=None, faster=1.0):
    """Customers by the day who buy with Gamma gaps; of a season a share of purchases in each month."""
    rng = np.random.default_rng(seed)
    joined = rng.integers(0, span, customers)
    rate = rng.gamma(1.0, 1 / gap, customers) * np.where(joined < span // 2, faster, 1.0)
    row, ago = [], []
    for customer, (age, often) in enumerate(zip(joined, rate, strict=True)):
        at = np.cumsum(rng.gamma(shape, 1 / shape, 400)) / often
        at = at[at <= age][: rng.geometric(0.1)]
        if by_month is not None:
            month = pd.DatetimeIndex(AS_OF - pd.to_timedelta(age + 1 - at.astype(int), unit="D")).month
            at = at[rng.random(len(at)) < by_month[month - 1]]
        days = np.unique([0, *at.astype(int)])
        row += [customer] * len(days)
        ago += (age - days).tolist()
    calendar = Calendar(AS_OF, np.array(row), np.array(ago), customers)
    last = pd.Series(ago).groupby(row).min().to_numpy()
    columns = {"frequency": np.bincount(row) - 1, "recency": (joined - last) * 1.0, "T": joined * 1.0}
    summary = pd.DataFrame(columns)
    summary.attrs["time_unit"] = "D"
    return summary, calendar


def kinds(summary, calendar, days=91):
    items = cautions(BetaGeo().fit(summary), summary, timedelta(days=days), calendar)
    return {item.kind for item in items} - {"bound"}  # a fact of the fit


@pytest.mark.parametrize("seed", range(2))
def test_a_plain_shop_has_none(seed):
    assert kinds(*shop(seed)) == set()


@pytest.mark.parametrize(
    ("expected", "world"),
    [
        ("season", {"by_month": NOVEMBER_DECEMBER, "gap": 5.0}),
        ("season", {"by_month": NOVEMBER_DECEMBER, "gap": 5.0, "span": 420}),
        ("regularity", {"shape": 4.0}),
        ("cohorts", {"faster": 3.0}),
    ],
)
def test_each_fault_has_its_caution(expected, world):
    assert expected in kinds(*shop(1, **world))


def test_a_season_that_was_seen_has_the_factor_of_the_months_ahead():
    summary, calendar = shop(2, customers=600, span=420, gap=5.0, by_month=NOVEMBER_DECEMBER)
    known = season(BetaGeo().fit(summary), summary, calendar, timedelta(days=91))
    assert known.whole_year
    assert known.unseen_days == 0
    assert known.factor < 0.6
    assert known.z < -3


def test_where_nobody_bought_again_there_is_no_season():
    summary = shop(2)[0]
    first = Calendar(AS_OF, np.arange(400), summary["T"].to_numpy(dtype=int), 400)
    assert season(BetaGeo().fit(summary), summary, first, timedelta(days=91)) is None


def test_the_shape_of_gaps_is_found_whatever_rates_and_dropout():
    found = regularity(shop(3, customers=800, shape=3.0)[1])
    assert found.low < 3.0 < found.high * 1.1
    assert regularity(shop(3, customers=10)[1]) is None


def test_a_caution_stands_in_the_attrs_where_the_horizon_goes_beyond_the_data():
    summary = simulate(count=60, seed=6, T=4)
    model, spend = BetaGeo().fit(summary), GammaGamma().fit(summary)
    for values in (
        lifetime_value(model, spend, summary, months(60)),
        value_with_interval(model, spend, summary, months(60)),
    ):
        (caution,) = [item for item in values.attrs["cautions"] if item["kind"] == "horizon"]
        assert "261 weeks ahead of customers known for at most 4 weeks" in caution["text"]
    assert not lifetime_value(with_params(BetaGeo), spend, summary, 4.0).attrs["cautions"]


def test_the_calendar_is_read_from_orders():
    days = pd.to_datetime(["2024-01-01", "2024-01-15", "2024-01-15", "2024-01-20", "2024-02-02"])
    lines = {"customer_id": ["a", "a", "a", "b", "a"], "ordered_at": days, "paid_cents": [900] * 5}
    summary = pd.DataFrame(index=["a", "b"])
    calendar = purchase_calendar(pd.DataFrame(lines), "2024-01-30", summary)
    assert calendar.row.tolist() == [0, 0, 1]
    assert calendar.days_ago.tolist() == [28, 14, 9]
    assert calendar.log_gaps(7).round(6).tolist() == [round(np.log(2), 6), 0.0]
