"""Tiers follow from sums of periods to the day; the way to the next one adds up, and its chance is judged."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from crm_ml import datasets
from crm_ml.errors import InputError
from crm_ml.membership import Period, Tier, TierRules, standing
from crm_ml.membership.next_tier import next_tier
from crm_ml.tables import Tables

RULES = TierRules(
    tiers=[Tier(name="basic", least=0), Tier(name="silver", least=100), Tier(name="gold", least=300)],
    grace_days=31,
)


def shop(*orders):
    """Return tables of orders (customer, day, cents); below 0 is a refund."""
    rows = [
        {
            "customer_id": customer,
            "order_id": f"o{number}",
            "item_id": "x",
            "ordered_at_epoch_s": int(pd.Timestamp(day, tz="UTC").timestamp()),
            "quantity": 1 if cents > 0 else -1,
            "paid_cents": cents,
            "discount_cents": 0,
            "coupon_cents": 0,
        }
        for number, (customer, day, cents) in enumerate(orders)
    ]
    ids = sorted({row["customer_id"] for row in rows} | {"nobody"})
    return Tables(customers=pd.DataFrame({"customer_id": ids}), order_lines=pd.DataFrame(rows))


def tier_on(day, *orders, rules=RULES):
    return standing(shop(*orders), rules, date.fromisoformat(day)).loc["a"]


def test_a_tier_is_had_at_once_and_holds_through_the_next_period_and_its_grace():
    order = ("a", "2022-03-05", 120)
    assert tier_on("2022-03-05", order)["member_tier"] == "basic"  # only what was before the day counts
    for day in ("2022-03-06", "2022-12-31", "2023-12-31", "2024-01-31"):
        row = tier_on(day, order)
        assert row["member_tier"] == "silver"
        assert row["member_holds_until"] == date(2024, 2, 1)
    row = tier_on("2024-02-01", order)
    assert row["member_tier"] == "basic" and row["member_holds_until"] is None


def test_the_best_of_two_periods_counts_and_renewing_it_moves_its_end():
    orders = [("a", "2022-05-01", 350), ("a", "2023-05-01", 150)]
    row = tier_on("2023-06-01", *orders)
    assert (row["member_tier"], row["member_holds_until"]) == ("gold", date(2024, 2, 1))
    assert row["member_missing_to_keep"] == 150 and row["member_measured"] == 150
    assert pd.isna(row["member_missing"]) and pd.isna(row["member_next_tier"])
    assert row["member_days_left"] == (date(2024, 1, 1) - date(2023, 6, 1)).days
    assert tier_on("2024-03-01", *orders)["member_tier"] == "silver"  # what 2023 has brought
    renewed = tier_on("2023-06-02", *orders, ("a", "2023-06-01", 150))
    assert renewed["member_holds_until"] == date(2025, 2, 1)


def test_what_is_missing_is_what_makes_the_tier_and_refunds_take_it_away():
    orders = [("a", "2023-02-01", 250), ("a", "2023-03-01", -30)]
    row = tier_on("2023-04-01", *orders)
    assert (row["member_next_tier"], row["member_missing"]) == ("gold", 80)
    assert tier_on("2023-05-01", *orders, ("a", "2023-04-20", 79))["member_tier"] == "silver"
    assert tier_on("2023-05-01", *orders, ("a", "2023-04-20", 80))["member_tier"] == "gold"
    everybody = standing(shop(*orders), RULES, date(2023, 4, 1))
    assert everybody.index.tolist() == ["a", "nobody"]
    assert everybody.loc["nobody", "member_missing"] == 100


def test_who_registers_or_orders_later_is_no_member_yet():
    orders = [("a", "2023-02-01", 250), ("late", "2023-05-01", 10)]
    tables = shop(*orders)
    registered = {"a": "2023-01-01", "late": "2023-05-01", "nobody": "2023-03-01"}
    seconds = [
        int(pd.Timestamp(registered[name], tz="UTC").timestamp()) for name in tables.customers["customer_id"]
    ]
    tables = Tables(
        customers=tables.customers.assign(registered_at_epoch_s=seconds), order_lines=tables.order_lines
    )
    assert standing(tables, RULES, date(2023, 4, 1)).index.tolist() == ["a", "nobody"]
    assert standing(tables, RULES, date(2023, 5, 2)).index.tolist() == ["a", "late", "nobody"]


def test_orders_count_where_they_are_the_measure_and_periods_begin_where_they_are_said_to():
    rules = TierRules(
        measure="orders",
        tiers=[Tier(name="one", least=0), Tier(name="two", least=2)],
        period=Period(first_month=4, months=3),
    )
    orders = [("a", "2023-03-31", 9), ("a", "2023-04-01", 9), ("a", "2023-06-30", 9)]
    assert tier_on("2023-06-30", *orders, rules=rules)["member_tier"] == "one"
    row = tier_on("2023-07-01", *orders, rules=rules)
    assert (row["member_tier"], row["member_holds_until"]) == ("two", date(2023, 10, 1))
    assert Period(first_month=4, months=3).start_of(date(2024, 3, 31)) == date(2024, 1, 1)
    assert Period().end_of(date(2024, 2, 29)) == date(2025, 1, 1)


@pytest.mark.parametrize("tiers", [[("a", 1), ("b", 2)], [("a", 0), ("b", 0)], [("a", 0), ("a", 5)]])
def test_tiers_that_are_none_are_refused(tiers):
    with pytest.raises(ValueError, match=r"ascend from one that takes 0|stands twice"):
        TierRules(tiers=[Tier(name=name, least=least) for name, least in tiers])


def test_the_chance_of_the_next_tier_is_learned_from_earlier_periods_and_judged():
    tables = datasets.load("simulated", customers=6_000, seed=0)
    rules = TierRules(
        tiers=[Tier(name="basic", least=0), Tier(name="silver", least=4000), Tier(name="gold", least=9000)],
        period=Period(months=6),
    )
    day = date(2024, 10, 1)
    chance = next_tier(tables, rules, day)
    assert chance.by_model and chance.log_loss["difference"].high < 0
    members = standing(tables, rules, day)
    assert chance.frame.index.equals(members.index[members["member_next_tier"].notna()])
    end = standing(tables, rules, date(2024, 12, 29))  # the last day that the shop has
    rose = end["member_measured"] - members["member_measured"] >= members["member_missing"].astype(float)
    p = chance.frame["member_p_next"]
    happened = rose.loc[p.index]
    assert p[happened].mean() > 2 * p[~happened].mean()
    assert 0.5 < p.sum() / happened.sum() < 2  # autumn, by what spring and last year have taught
    with pytest.raises(InputError, match="fewer than 200 members reached one"):
        next_tier(datasets.load("simulated", customers=300, seed=0), rules, day)
    assert np.isfinite(p).all()
