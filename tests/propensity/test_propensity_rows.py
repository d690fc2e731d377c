"""Who was sent what and answered it, and the features of an action, counted by hand on a few rows."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from crm_ml import features
from crm_ml.errors import InputError
from crm_ml.propensity.action_features import COLUMNS, HISTORY, OVERLAP, action_features
from crm_ml.propensity.campaign_responses import answers, sent_campaigns
from crm_ml.propensity.covered_items import Covers
from crm_ml.propensity.occasion import Occasion
from crm_ml.propensity.occasion_rows import labelled_rows
from crm_ml.propensity.purchases import category_occasions, purchases_in
from crm_ml.snapshots import Snapshot
from crm_ml.tables import Tables

ENGINES = ("duckdb", "polars")


def at(day, hour=12):
    return int(datetime(2024, 1, 1, hour, tzinfo=UTC).timestamp()) + (day - 1) * 86_400


def lines(*rows):
    columns = ("customer_id", "item_id", "ordered_at_epoch_s", "paid_cents", "coupon_cents")
    found = pd.DataFrame(rows, columns=columns)
    found["order_id"] = [f"o{i}" for i in range(len(found))]
    return found.assign(quantity=1, discount_cents=0)


def frames():
    """Two mailings of kind A and one of kind B; Ada answers the first, Bob the last, Eve nothing."""
    return {
        "customers": pd.DataFrame({"customer_id": ["ada", "bob", "eve", "zoe"]}),
        "items": pd.DataFrame({"item_id": list("pqrs"), "category": ["x", "x", "y", None]}),
        "order_lines": lines(
            ("ada", "p", at(2), 100, 20),
            ("ada", "q", at(3), 200, 0),
            ("ada", "p", at(40), 300, 0),
            ("ada", "r", at(41), 400, 0),
            ("bob", "r", at(5), 500, 50),
            ("bob", "s", at(6), 600, 0),
            ("eve", "p", at(100), 700, 0),
            ("ada", "p", at(101), 800, 80),
        ),
        "campaigns": pd.DataFrame(
            {
                "campaign_id": ["1", "2", "3"],
                "kind": ["A", "B", "A"],
                "starts_at_epoch_s": [at(10, 0), at(20, 0), at(100, 0)],
                "ends_at_epoch_s": [at(19), at(30), at(120)],
            }
        ),
        "offers": pd.DataFrame(
            {
                "campaign_id": ["1", "3", "3", "3"],
                "offer_id": ["u", "v", "v", "w"],
                "item_id": ["r", "p", "q", "r"],
            }
        ),
        "touches": pd.DataFrame(
            {
                "campaign_id": ["1", "1", "2", "3", "3", "3"],
                "customer_id": ["ada", "bob", "bob", "ada", "bob", "eve"],
                "sent_at_epoch_s": [at(10), at(10), at(20), at(100), at(100), at(101)],
            }
        ),
        "responses": pd.DataFrame(
            {
                "campaign_id": ["1", "1", "2", "3", "3"],
                "customer_id": ["ada", "ada", "bob", "bob", "ada"],
                "responded_at_epoch_s": [at(12), at(13), at(31), at(120, 23), at(121)],
                "kind": ["redemption", "redemption", "redemption", "redemption", "redemption"],
            }
        ),
    }


def shop(engine="duckdb", **changes):
    return Tables(**(frames() | changes)).to(engine)


def third():
    return next(one for one in sent_campaigns(shop()) if one.campaign_id == "3")


def test_an_occasion_is_a_campaign_and_a_day_it_was_sent_on():
    found = sent_campaigns(shop())
    told = [(one.name, one.kind, one.as_of, one.label_ends_at) for one in found]
    day = [datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=number - 1) for number in range(140)]
    assert told == [
        ("2024-01-10 campaign 1", "A", day[10], day[20]),
        ("2024-01-20 campaign 2", "B", day[20], day[31]),
        ("2024-04-09 campaign 3", "A", day[100], day[121]),
        ("2024-04-10 campaign 3", "A", day[101], day[121]),
    ]
    assert [one.campaign_id for one in sent_campaigns(shop(), ["B"])] == ["2"]
    with pytest.raises(InputError, match="touches: none of a campaign of kind C"):
        sent_campaigns(shop(), ["C"])


def test_a_campaign_that_was_sent_after_its_end_is_refused():
    late = frames()["campaigns"]
    late.loc[1, "ends_at_epoch_s"] = at(19)
    with pytest.raises(InputError, match=r"1 of 3 campaigns were sent after their end; mend campaigns"):
        sent_campaigns(shop(campaigns=late))


@pytest.mark.parametrize("engine", ENGINES)
def test_only_answers_of_the_campaign_within_its_window_count(engine):
    tables = shop(engine)
    labels = {one.name: answers(tables, one).to_dict() for one in sent_campaigns(tables)}
    assert labels == {
        "2024-01-10 campaign 1": {"ada": 1, "bob": 0},
        "2024-01-20 campaign 2": {"bob": 0},  # a day too late
        "2024-04-09 campaign 3": {"ada": 0, "bob": 1},
        "2024-04-10 campaign 3": {"eve": 0},
    }
    assert answers(tables, third(), ["view"]).sum() == 0


@pytest.mark.parametrize("engine", ENGINES)
def test_features_of_an_action_are_counted_by_hand(engine):
    people = pd.Index(["ada", "bob", "eve", "zoe"], name="customer_id")
    found = action_features(shop(engine), third(), people)
    assert list(found.columns) == list(COLUMNS)
    assert found.loc["ada"].to_dict() == {
        "action_kind": "A",
        "action_days": 21.0,
        "action_offers": 2.0,
        "action_items": 3.0,
        "history_sent": 1.0,
        "history_answered": 1.0,
        "history_answers": 2.0,
        "history_days_since_answer": 86.0,  # from noon of day 13 to the midnight before day 100
        "overlap_lines": 4.0,
        "overlap_lines_84d": 2.0,
        "overlap_items": 3.0,
        "overlap_offers": 2.0,
        "overlap_offers_84d": 2.0,
        "overlap_offers_coupon": 1.0,
        "overlap_coupon_lines": 1.0,
        "overlap_paid_cents_84d": 700.0,
        "overlap_share": 1.0,
        "overlap_days_since": 58.0,
    }
    bob = found.loc["bob"]
    assert bob[list(HISTORY)].tolist()[:3] == [1, 0, 0]  # of kind A alone
    assert np.isnan(bob["history_days_since_answer"])
    assert bob["overlap_share"] == 0.5
    nobody = found.loc[["eve", "zoe"], [*HISTORY, *OVERLAP]]
    assert (nobody.fillna(0) == 0).all(axis=None)
    assert nobody[["overlap_share", "overlap_days_since", "history_days_since_answer"]].isna().all(axis=None)


@pytest.mark.parametrize("engine", ENGINES)
def test_features_of_an_action_know_nothing_of_its_day_and_after(engine):
    one, people = third(), pd.Index(["ada", "bob", "eve"], name="customer_id")
    whole, known = shop(engine), one.snapshot.known(shop(engine))
    assert len(known.pandas("order_lines")) < len(whole.pandas("order_lines"))
    both = [action_features(tables, one, people) for tables in (whole, known)]
    pd.testing.assert_frame_equal(*both, check_exact=True)


@pytest.mark.parametrize("lacking", [{"offers": None}, {"touches": None, "responses": None}])
def test_what_the_tables_lack_is_missing(lacking):
    people = pd.Index(["ada"], name="customer_id")
    found = action_features(shop(**lacking), third(), people).loc["ada"]
    parts = (OVERLAP, HISTORY) if "offers" in lacking else (HISTORY, OVERLAP)
    assert found[list(parts[0])].isna().all()
    assert found[list(parts[1])].notna().all()


def test_a_category_or_an_item_is_an_offer_of_its_own():
    snapshot = Snapshot(datetime(2024, 4, 9, tzinfo=UTC), timedelta(days=7))
    people = pd.Index(["ada", "bob"], name="customer_id")
    for covers, offers, items, shares in (
        (Covers("category", ("x", "y")), 2, 3, [1.0, 0.5]),
        (Covers("item", ("r", "s")), 2, 2, [0.25, 1.0]),
    ):
        found = action_features(shop(), Occasion("n", "A", snapshot, covers), people)
        assert found["action_offers"].tolist() == [offers] * 2
        assert found["action_items"].tolist() == [items] * 2
        assert found["overlap_share"].tolist() == shares
    with pytest.raises(InputError, match="items: no category nope, zz; take some that stand in the table"):
        Covers("category", ("x", "zz", "nope")).check(shop())
    with pytest.raises(InputError, match="items: no item t"):
        Covers("item", ("t",)).check(shop())


def test_a_purchase_in_a_category_is_one_within_the_window():
    snapshot = Snapshot(datetime(2024, 2, 8, tzinfo=UTC), timedelta(days=3))  # day 39: days 39, 40, 41
    found = {
        one.kind: purchases_in(shop(), one, timedelta(days=60)).to_dict()
        for one in category_occasions(snapshot, ["x", "y"])
    }
    assert found == {"x": {"ada": 1, "bob": 0}, "y": {"ada": 1, "bob": 0}}
    [only] = category_occasions(snapshot, ["x"])
    assert purchases_in(shop(), only, timedelta(days=20)).to_dict() == {}
    late = category_occasions(Snapshot(datetime(2024, 4, 20, tzinfo=UTC), timedelta(days=3)), ["x"])
    with pytest.raises(InputError, match="2024-04-2"):
        purchases_in(shop(), late[0], timedelta(days=60))


def many(n=400):
    """Customers of whom those who had bought what is on offer answer."""
    rng = np.random.default_rng(0)
    ids = [f"c{i:03d}" for i in range(n)]
    buys = rng.random(n) < 0.5
    touches = pd.DataFrame({"campaign_id": "3", "customer_id": ids, "sent_at_epoch_s": at(100)})
    answered = [name for name, bought in zip(ids, buys, strict=True) if bought]
    return shop(
        customers=pd.DataFrame({"customer_id": ids}),
        order_lines=lines(
            *[(name, "p" if b else "s", at(50), 100, 0) for name, b in zip(ids, buys, strict=True)]
        ),
        touches=touches,
        responses=pd.DataFrame(
            {
                "campaign_id": "3",
                "customer_id": answered,
                "responded_at_epoch_s": at(110),
                "kind": "redemption",
            }
        ),
    )


def test_labelled_rows_join_the_customer_and_the_action_at_each_occasion():
    tables = many()
    found = labelled_rows(tables, sent_campaigns(tables), answers, {"rfm": {}})
    assert found.X.index.names == ["occasion", "customer_id"]
    assert (found.X["overlap_share"] == found.y).all()
    snapshot = third().snapshot
    known = features.matrix(tables, snapshot, {"rfm": {}})
    assert set(found.X.columns) == set(known.columns) | set(COLUMNS)
    one = found.X.droplevel("occasion")[list(known.columns)]
    pd.testing.assert_frame_equal(one, known.reindex(one.index), check_exact=True)


def test_too_few_answers_and_no_occasions_are_refused():
    with pytest.raises(InputError, match=r"answers at 4 occasions .*take a longer window, more campaigns"):
        labelled_rows(shop(), sent_campaigns(shop()), answers, {"rfm": {}})
    with pytest.raises(InputError, match="no occasions to label rows at"):
        labelled_rows(shop(), [], answers)
