"""What was bought before a day and after it, counted on a few lines."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from crm_ml.errors import InputError
from crm_ml.recommend.recommendation_task import task_of
from crm_ml.recommend.recommenders import RECOMMENDERS, create
from crm_ml.snapshots import Snapshot
from crm_ml.tables import Tables

DAY = 86_400
AS_OF = datetime(2024, 5, 1, tzinfo=UTC)
NOW = int(AS_OF.timestamp())
SNAPSHOT = Snapshot(AS_OF, timedelta(days=7))


def shop(engine="duckdb", **changes):
    rows = [
        ("a", "x", -9 * DAY, None), ("a", "x", -2 * DAY, None), ("a", "y", -2 * DAY, None),
        ("b", "x", -1, None),
        ("b", "y", -3 * DAY, "o0"), ("a", "z", 0, None), ("a", "x", DAY, None), ("b", "y", 7 * DAY - 1, None),
        ("b", "x", 7 * DAY, None), ("c", "x", DAY, None), ("a", "y", DAY, "o1"),
    ]  # fmt: skip
    lines = pd.DataFrame(rows, columns=["customer_id", "item_id", "ordered_at_epoch_s", "refund_of"])
    lines["ordered_at_epoch_s"] += NOW
    lines = lines.assign(order_id=[f"o{i}" for i in range(len(lines))], quantity=1, paid_cents=100,
                         discount_cents=0, coupon_cents=0)  # fmt: skip
    items = pd.DataFrame({"item_id": ["x", "y", "z"], "category": ["p", "q", None], "department": "d"})
    frames = {"customers": pd.DataFrame({"customer_id": list("abc")}), "order_lines": lines, "items": items}
    return Tables(**(frames | changes)).to(engine)


def pairs(task):
    coo = task.relevant.tocoo()
    return {(task.data.customers[r], task.data.items[i]) for r, i in zip(*coo.coords, strict=True)}


@pytest.mark.parametrize("engine", ["duckdb", "polars"])
def test_events_lie_before_the_day_and_relevant_items_within_the_window(engine):
    task = task_of(shop(engine), SNAPSHOT)
    assert task.data.customers.tolist() == ["a", "b"]
    assert task.data.items.tolist() == ["x", "y"]
    assert len(task.data.at) == 4
    assert (task.data.days > 0).all()
    assert pairs(task) == {("a", "x"), ("b", "y")}
    assert task.categories == {"x": "p", "y": "q", "z": ""}
    assert task_of(shop(engine), SNAPSHOT, after=False).relevant is None


def test_rare_items_are_neither_recommended_nor_relevant():
    task = task_of(shop(), SNAPSHOT, least_events=3)
    assert task.data.items.tolist() == ["x"]
    assert pairs(task) == {("a", "x")}
    with pytest.raises(InputError, match="no item_id has 4 purchases before 2024-05-01"):
        task_of(shop(), SNAPSHOT, least_events=4)


def test_a_category_stands_for_its_items():
    task = task_of(shop(), SNAPSHOT, level="category")
    assert task.data.items.tolist() == ["p", "q"]
    assert pairs(task) == {("a", "p"), ("b", "q")}
    with pytest.raises(InputError, match="no items to take a category from"):
        task_of(shop(items=None), SNAPSHOT, level="category")


def test_rows_after_the_day_change_no_event():
    both = [task_of(one, SNAPSHOT, after=False).data for one in (shop(), SNAPSHOT.known(shop()))]
    for name in ("customers", "items", "customer", "item", "at", "quantity"):
        assert (getattr(both[0], name) == getattr(both[1], name)).all()


def test_what_lies_after_the_day_changes_no_recommended_byte():
    rng = np.random.default_rng(0)
    n = 4_000
    lines = pd.DataFrame(
        {
            "customer_id": [f"c{one:02d}" for one in rng.integers(0, 60, n)],
            "item_id": [f"i{one:02d}" for one in rng.integers(0, 30, n)],
            "ordered_at_epoch_s": NOW + rng.integers(-120 * DAY, 30 * DAY, n),
            "order_id": [f"o{one}" for one in range(n)],
            "quantity": rng.integers(1, 4, n),
            "paid_cents": 100, "discount_cents": 0, "coupon_cents": 0,
        }
    )  # fmt: skip
    later = (lines["ordered_at_epoch_s"] >= NOW).to_numpy()
    shuffled = lines.copy()
    for column in ("customer_id", "item_id", "quantity"):
        shuffled.loc[later, column] = rng.permutation(lines.loc[later, column])
    people = pd.DataFrame({"customer_id": sorted(lines["customer_id"].unique())})
    tasks = [
        task_of(Tables(customers=people, order_lines=one).to("duckdb"), SNAPSHOT)
        for one in (lines, shuffled.sample(frac=1, random_state=1))
    ]
    assert (tasks[0].relevant != tasks[1].relevant).nnz > 50  # the future did change
    small = {
        "two_heads": {"windows": 2, "rounds": 10, "candidates": 10, "l2": 5.0},
        "bpr": {"iterations": 20},
    }
    for name in RECOMMENDERS:
        lists = [
            create(name, **small.get(name, {})).fit(task.data).recommend(people["customer_id"], 5, False)
            for task in tasks
        ]
        pd.testing.assert_frame_equal(*lists, check_exact=True)
