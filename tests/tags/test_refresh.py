"""Tags of the next day from those of the last are those of a build, whatever has moved them."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
import soak

from crm_ml import datasets
from crm_ml.errors import InputError
from crm_ml.tags import TagCatalogue, TagStore, load_catalogue
from crm_ml.tags.__main__ import main
from crm_ml.tags.column_calendar import ages_that_move
from crm_ml.tags.packed_facts import Fact

DAY = date(2024, 6, 1)
DAYS = soak.size(1, 4, 60)
RULES = {
    "saver": "price_coupon_orders_share >= 0.05",
    "fresh": "rfm_days_since_order < 14",
    "lost": "rfm_days_since_order > 90.5",
    "weekly": "rfm_orders_28d >= 2",
    "spent": "rfm_paid_cents_84d between 2000 and 9000",
    "old": "lifecycle_tenure_days >= 100",
    "big_lately": "rfm_days_since_large_order < 60",
    "sent": "campaign_sent_84d >= 1 and campaign_days_since_sent < 30",
    "mostly_one": "preference_top_share > 0.5",
    "loyal": "weekly and not lost",
}
OF_CUSTOMERS = ("customers", "order_lines", "touches", "responses", "assignments", "events", "consents")
DAILY = {"late": "cadence_gap_share > 2", "stage": "lifecycle_stage in ('dormant', 'lost')"}


def catalogue(rules):
    return TagCatalogue.model_validate(
        {"tags": {name: {"description": name, "rule": rule} for name, rule in rules.items()}}
    )


@pytest.fixture(scope="module")
def shop():
    return datasets.load("simulated", customers=400, seed=3)


def same(store, again):
    pd.testing.assert_frame_equal(store.frame(), again.frame())


@pytest.mark.soak("days of tags that are refreshed", DAYS)
@pytest.mark.parametrize("rules", [RULES, RULES | DAILY], ids=["by the calendar", "some of any day"])
def test_a_refresh_over_random_days_is_a_build_of_each(shop, rules):
    rng, made = np.random.default_rng(soak.SEED), catalogue(rules)
    store = TagStore.build(shop, DAY, made)
    moved = 0
    for _ in range(DAYS):
        day = store.as_of + timedelta(days=int(rng.integers(1, 5)))
        before, (store, why) = store, store.refresh(shop, day)
        same(store, TagStore.build(shop, day, made))
        moved += int((before.counts() != store.counts()).any(axis=1).sum())
        assert why.corrected == 0
        assert why.for_all == (() if rules is RULES else ("cadence_gap_share", "lifecycle_stage"))
    assert moved >= DAYS


def test_most_moves_of_a_quiet_day_are_of_the_calendar(shop):
    """Without them, customers who did nothing would keep a tag that is not true any more."""
    lines = shop.pandas("order_lines")
    quiet = replace(shop.to("pandas"), order_lines=lines[lines["ordered_at"] < pd.Timestamp(DAY)])
    store = TagStore.build(quiet, DAY, catalogue(RULES))
    after, why = store.refresh(quiet, DAY + timedelta(days=7))
    assert why.by_calendar > 0
    assert (store.counts() != after.counts()).any(axis=None)
    same(after, TagStore.build(quiet, DAY + timedelta(days=7), catalogue(RULES)))


def test_a_corrected_row_a_new_and_a_departed_customer_are_seen(shop):
    made = catalogue(RULES)
    frames = {name: shop.pandas(name) for name in OF_CUSTOMERS}
    lines = frames["order_lines"]
    old = lines["ordered_at"] < pd.Timestamp(DAY - timedelta(days=120))
    ids = lines.loc[old, "customer_id"].unique()[:3]
    changed = old & lines["customer_id"].eq(ids[0])
    corrected = {
        **frames,
        "order_lines": lines.assign(coupon_cents=lines["coupon_cents"].where(~changed, 500)),
    }
    pandas = shop.to("pandas")
    before, after = (
        replace(pandas, **{name: frame[frame["customer_id"] != left] for name, frame in each.items()})
        for each, left in ((frames, ids[1]), (corrected, ids[2]))
    )
    store = TagStore.build(before, DAY, made)
    next_day, why = store.refresh(after, DAY)
    assert why.corrected == 3
    same(next_day, TagStore.build(after, DAY, made))
    with pytest.raises(InputError, match="is not among"):
        next_day.tags_of(ids[2])


def test_scores_are_taken_from_their_tables_for_everybody(shop):
    made = TagCatalogue.model_validate({"tags": {
        "risk": {"description": "risk", "enter": "p_churn >= 0.6", "leave": "p_churn < 0.5"},
        "keep": {"description": "keep", "rule": "risk and weekly"},
        "weekly": {"description": "weekly", "rule": "rfm_orders_28d >= 1"},
    }})  # fmt: skip
    ids = shop.pandas("customers")["customer_id"]
    rng = np.random.default_rng(0)
    first, second = (pd.DataFrame({"p_churn": rng.random(400)}, index=pd.Index(ids)) for _ in range(2))
    store = TagStore.build(shop, DAY, made, [first])
    after, why = store.refresh(shop, DAY + timedelta(days=1), [second])
    known = after.frame().index
    had = first.loc[known, "p_churn"] >= 0.6
    expected = (second.loc[known, "p_churn"] >= 0.6) | (had & ~(second.loc[known, "p_churn"] < 0.5))
    assert (after.frame()["tag_risk"] == expected).all()
    assert why.for_all == ("p_churn",)
    with pytest.raises(InputError, match="p_churn stand in several of the features and score tables"):
        TagStore.build(shop, DAY, made, [first, second])
    with pytest.raises(InputError, match="lies before it"):
        store.refresh(shop, DAY - timedelta(days=1), [first])


def test_what_is_known_of_columns_is_true_of_the_groups():
    facts = [Fact(name, ">", (5.0,)) for name in ("rfm_orders", "price_coupon_share", "timing_night_share")]
    assert ages_that_move(facts) == (set(), set())
    facts = [Fact("rfm_lines_84d", ">", (5.0,)), Fact("rfm_days_since_order", "between", (3.0, 9.0))]
    assert ages_that_move(facts) == ({84.0, 3.0, 9.0}, set())
    unknown = [
        Fact("trend_orders_28d", ">", (1.0,)),
        Fact("p_churn", ">", (0.5,)),
        Fact("own_x", "=", (1.0,)),
    ]
    assert ages_that_move(unknown) == (set(), {"trend_orders_28d", "p_churn", "own_x"})


@pytest.mark.parametrize("name", ["tags/grocer", "tags/simulated"])
def test_committed_catalogues_are_whole(name):
    tags = load_catalogue(name).tags
    assert len(tags) >= 55
    assert all(tag.owner and tag.description and tag.valid_days for tag in tags.values())


def test_the_command_makes_the_tags_of_a_day_and_of_the_next_one(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CRM_ML_DATA", str(tmp_path))
    few = ["--set", "data.options.customers=300", "--out", str(tmp_path / "tags")]
    assert main(["tags/simulated", "--as-of", "2024-06-01", *few, "--audience", "weekly or not quiet"]) == 0
    first = capsys.readouterr().out
    assert "customers: weekly or not quiet" in first
    (day,) = (tmp_path / "tags" / "simulated").glob("2024-06-01-*/")
    again = [*few, "--previous", str(day)]
    assert main(["tags/simulated", "--as-of", "2024-06-02", *again]) == 0
    assert "looked at again:" in capsys.readouterr().out
    (after,) = (tmp_path / "tags" / "simulated").glob("2024-06-02-*/")
    assert (
        main(["tags/simulated", "--as-of", "2024-06-02", *again]) == 0
    )  # the same bytes, under the same name
    built = TagStore.build(
        datasets.load("simulated", customers=300, seed=0), date(2024, 6, 2), load_catalogue("tags/simulated")
    )
    memory = {"tag_vip", "tag_in_rhythm"}
    same_columns = [name for name in built.frame() if name not in memory]
    pd.testing.assert_frame_equal(TagStore.load(after).frame()[same_columns], built.frame()[same_columns])
    page = after.with_suffix(".html").read_text()
    assert "who got or lost it since 2024-06-01" in page
    capsys.readouterr()
    assert main(["tags/simulated", *few]) == 2
    assert "give the day of the tags as --as-of" in capsys.readouterr().err
