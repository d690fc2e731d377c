"""Lists at their edges: customers without a past, more places than items, items that do not exist."""

import numpy as np
import pandas as pd
import pytest

from crm_ml.errors import InputError
from crm_ml.recommend import Popularity
from crm_ml.recommend.top_k import top_k

DAY = pd.Timestamp("2024-06-01", tz="UTC")
BOUGHT = [("a", "x", 1), ("a", "x", 2), ("b", "x", 3), ("b", "y", 60), ("c", "y", 61), ("a", "y", 62),
          ("c", "y", 70), ("c", "z", 100)]  # fmt: skip


def events():
    rows = [(customer, item, DAY - pd.Timedelta(days=days)) for customer, item, days in BOUGHT]
    return pd.DataFrame(rows, columns=["customer_id", "item_id", "occurred_at"])


@pytest.mark.parametrize(("days", "order"), [(28, "xyz"), (90, "yxz"), (1e-3, "xyz")])
def test_customers_without_a_past_get_the_order_of_the_same_days(days, order):
    """Within 28 days x was bought three times; within 90 days y four times; on the last day x once."""
    model = Popularity(days=days).fit(events())
    assert "".join(model.recommend(["new"], 3)["item_id"]) == order
    assert "".join(model.recommend(["a"], 3, exclude_seen=False)["item_id"]) == order


@pytest.mark.parametrize("days", [0, -1, float("nan")])
def test_days_that_are_none_are_refused(days):
    with pytest.raises(InputError, match="popularity: days is"):
        Popularity(days=days).fit(events())


def test_more_places_than_items_stay_empty_and_none_is_refused():
    assert top_k(np.array([[0.5, 0.9]]), 4)[0].tolist() == [[1, 0, -1, -1]]
    assert len(Popularity().fit(events()).recommend(["new"], 50)) == 3
    for k in (0, -1):
        with pytest.raises(InputError, match=f"k is {k}"):
            top_k(np.array([[0.5, 0.9]]), k)


def test_allowed_items_that_do_not_exist_have_no_effect_and_none_is_refused():
    model = Popularity().fit(events())
    assert model.recommend(["new"], 3, allowed_items=["y", "nope"])["item_id"].tolist() == ["y"]
    for nothing in (["nope"], []):
        with pytest.raises(ValueError, match=r"allowed_items: none of .* is among 3 items"):
            model.recommend(["new"], 3, allowed_items=nothing)
