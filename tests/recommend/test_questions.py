"""What goes together, what comes next, and whom an item is for."""

import numpy as np
import pandas as pd
import pytest

from crm_ml.errors import InputError
from crm_ml.recommend import ItemKNN, NextItem, PersonalFrequency, audience, bought_together


def _events(rows):
    return pd.DataFrame(rows, columns=["customer_id", "item_id", "occurred_at"])


def _random(seed=0, customers=80, items=12, n=2_000):
    rng = np.random.default_rng(seed)
    people, things = rng.integers(0, customers, n), rng.integers(0, items, n)
    at = rng.integers(0, 40, n)
    return _events(zip([f"c{one}" for one in people], [f"i{one:02d}" for one in things], at, strict=True))


def test_bought_together_has_the_lift_of_counting_by_hand_and_a_floor():
    events = _random(customers=20, n=3_000)
    baskets = events.drop_duplicates().groupby(["customer_id", "occurred_at"])["item_id"].agg(set)
    table = bought_together(events, least=55, k=3)
    for row in table.itertuples():
        one = baskets.map(lambda held, row=row: row.item_id in held)
        other = baskets.map(lambda held, row=row: row.with_item_id in held)
        assert row.baskets == (one & other).sum() >= 55
        assert row.support == pytest.approx((one & other).mean())
        assert row.confidence == pytest.approx((one & other).sum() / one.sum())
        assert row.lift == pytest.approx(row.confidence / other.mean())
        assert row.lift > 1
    assert table.groupby("item_id")["lift"].apply(lambda lifts: lifts.is_monotonic_decreasing).all()
    assert (
        table.groupby("item_id")["rank"].agg(list).map(lambda ranks: ranks == [1, 2, 3][: len(ranks)])
    ).all()
    everything = bought_together(events, least=1, k=99)
    assert (everything["baskets"] < 55).any()  # the floor left something out
    assert set(map(tuple, table[["item_id", "with_item_id"]].to_numpy())) < set(
        map(tuple, everything[["item_id", "with_item_id"]].to_numpy())
    )


def test_bought_together_is_refused_where_nothing_is():
    with pytest.raises(InputError, match="no two items share 500 of"):
        bought_together(_random(), least=500)
    with pytest.raises(InputError, match="least is 0 and k is 3; give at least 1 of each"):
        bought_together(_random(), least=0, k=3)


def test_an_audience_is_the_order_of_all_scores_of_the_item():
    model = ItemKNN(half_life_days=10).fit(_random(n=300))
    table = audience(model, "i03", k=20)
    rows = np.arange(len(model.customers_))
    scores = pd.Series(model.scores(rows)[:, 3], model.customers_)
    had = set(_random(n=300).query("item_id == 'i03'")["customer_id"])
    wanted = scores[~scores.index.isin(had) & np.isfinite(scores)]
    wanted = wanted.reset_index().sort_values([0, "index"], ascending=[False, True]).head(20)
    assert table["customer_id"].tolist() == wanted["index"].tolist()
    assert table["score"].tolist() == wanted[0].tolist()
    assert table["reason"].str.startswith("goes with").all()
    some = audience(model, "i03", k=99, exclude_seen=False, customers=["c3", "c5", "who"])
    assert set(some["customer_id"]) == {"c3", "c5"}


def test_an_audience_that_can_not_be_found_is_refused():
    model = PersonalFrequency().fit(_random())
    with pytest.raises(InputError, match=r"item 'x' is none of the 12 items that were fitted"):
        audience(model, "x")
    with pytest.raises(InputError, match="none of 2 customers is among those that were fitted"):
        audience(model, "i03", customers=["who", "else"])
    alone = PersonalFrequency().fit(_events([("a", "x", 1), ("b", "y", 2)]))
    with pytest.raises(InputError, match="item 'x': none of 2 customers has a score of PersonalFrequency"):
        audience(alone, "x")
    with pytest.raises(InputError, match="k is 0"):
        audience(model, "i03", k=0)


def test_next_item_counts_what_followed_with_its_distance():
    events = _events([("a", "x", 1), ("a", "y", 2), ("a", "z", 3), ("b", "x", 1), ("b", "z", 2)])
    model = NextItem(decay=0.5, backward=0.25, from_power=1.0, to_power=0.0, shrink=0.0, half_life=1.0)
    model.fit(events)
    similar = model.similar_.toarray()
    followed = np.array([[0, 1, 1.5], [0, 0, 1], [0, 0, 0]])  # x-z: .5 of the first past and 1 of the second
    np.testing.assert_allclose(similar, (followed + 0.25 * followed.T) / np.array([[2], [1], [2]]))
    np.testing.assert_allclose(model.own_.toarray(), [[0.25, 0.5, 1], [0.5, 0, 1]])
    scores = model.scores(np.array([1]))[0]
    assert scores[1] == pytest.approx(0.5 * similar[0, 1] + similar[2, 1])


def test_a_window_ends_what_followed():
    events = _events([("a", item, at) for at, item in enumerate("wxyz")])
    near = NextItem(window=1, backward=0.0).fit(events).similar_.toarray()
    assert (near > 0).sum() == 3
    assert (NextItem(window=9, backward=0.0).fit(events).similar_.toarray() > 0).sum() == 6
