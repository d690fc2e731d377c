"""Rows of randomised campaigns: arms, outcomes of the window alone, and what was known before the draw."""

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from crm_ml.errors import InputError
from crm_ml.tables import Tables
from crm_ml.uplift.trial_rows import trial_rows, trials

WEEK = timedelta(days=7)
DRAWN = int(datetime(2024, 3, 1, tzinfo=UTC).timestamp())
DAY = 86_400


def shop(engine="duckdb", **changes):
    """Four customers are drawn on the first of March; Eve had never bought before."""
    people = ["ada", "bob", "eve", "zoe"]
    lines = [
        ("ada", DRAWN - 1, 100), ("bob", DRAWN - 10 * DAY, 200), ("zoe", DRAWN - DAY, 50),
        ("ada", DRAWN, 300), ("ada", DRAWN + 7 * DAY - 1, 400), ("bob", DRAWN + 7 * DAY, 500),
    ]  # fmt: skip
    orders = pd.DataFrame(lines, columns=["customer_id", "ordered_at_epoch_s", "paid_cents"])
    frames = {
        "customers": pd.DataFrame({"customer_id": people}),
        "order_lines": orders.assign(
            order_id=[f"o{i}" for i in range(len(orders))],
            item_id="i",
            quantity=1,
            discount_cents=0,
            coupon_cents=0,
        ),
        "items": pd.DataFrame({"item_id": ["i"], "department": "d", "category": "c"}),
        "assignments": pd.DataFrame(
            {
                "campaign_id": "m",
                "customer_id": people,
                "assigned_at_epoch_s": [DRAWN, DRAWN + 5, DRAWN, DRAWN],
                "arm": ["mail", "none", "mail", "none"],
                "probability": [0.5, 0.5, 0.5, 0.5],
            }
        ),
        "responses": pd.DataFrame(
            {
                "campaign_id": ["m", "m", "m", "k"],
                "customer_id": ["ada", "bob", "eve", "zoe"],
                "responded_at_epoch_s": [DRAWN + 9, DRAWN + 7 * DAY, DRAWN + 3 * DAY, DRAWN + 9],
                "kind": ["visit", "visit", "order", "visit"],
            }
        ),
    }
    return Tables(**(frames | changes)).to(engine)


def outcomes(tables, outcome, kind=None):
    rows = trial_rows(tables, trials(tables, WEEK), outcome, kind, {"rfm": {}})
    return rows.y.droplevel("trial").to_dict()


@pytest.mark.parametrize("engine", ["duckdb", "polars"])
def test_outcomes_are_those_of_the_campaign_within_its_window(engine):
    tables = shop(engine)
    assert outcomes(tables, "response") == {"ada": 1, "bob": 0, "eve": 1, "zoe": 0}
    assert outcomes(tables, "response", "visit") == {"ada": 1, "bob": 0, "eve": 0, "zoe": 0}
    assert outcomes(tables, "order") == {"ada": 1, "bob": 0, "eve": 0, "zoe": 0}
    assert outcomes(tables, "spend_cents") == {"ada": 700, "bob": 0, "eve": 0, "zoe": 0}


@pytest.mark.parametrize("engine", ["duckdb", "polars"])
def test_features_know_what_lies_before_the_day_of_the_draw(engine):
    tables = shop(engine)
    rows = trial_rows(tables, trials(tables, WEEK), "order", None, {"rfm": {}})
    paid = rows.X["rfm_paid_cents"].droplevel("trial")
    assert paid[["ada", "bob", "zoe"]].tolist() == [100, 200, 50]
    assert paid.isna()["eve"]
    assert rows.arm.droplevel("trial").to_dict() == {
        "ada": "mail",
        "bob": "none",
        "eve": "mail",
        "zoe": "none",
    }
    assert set(rows.fold) == {"2024-03-01 campaign m"}
    assert rows.customer_id.tolist() == ["ada", "bob", "eve", "zoe"]
    some = rows.where((rows.arm == "mail").to_numpy())
    assert (some.customer_id.tolist(), some.y.tolist()) == (["ada", "eve"], [1, 0])


def test_probabilities_that_are_not_declared_are_missing():
    drawn = shop().pandas("assignments").drop(columns="probability")
    tables = shop(assignments=drawn)
    rows = trial_rows(tables, trials(tables, WEEK), "order", None, {"rfm": {}})
    assert rows.probability.isna().all()


def test_draws_on_several_days_or_none_are_refused():
    drawn = shop().pandas("assignments")
    late = drawn.assign(assigned_at_epoch_s=[DRAWN, DRAWN, DRAWN, DRAWN + DAY])
    with pytest.raises(
        InputError, match="2 draws, on several days in m; an outcome window starts with the draw"
    ):
        trials(shop(assignments=late), WEEK)
    with pytest.raises(InputError, match="assignments: 0 draws"):
        trials(shop(assignments=drawn.iloc[:0]), WEEK)
    with pytest.raises(InputError, match="no trials to take rows from"):
        trial_rows(shop(), [], "order", None)
