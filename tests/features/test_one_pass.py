"""Features of many snapshots in one pass are to the bit those of each alone, whatever the snapshots are."""

import random
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import product
from types import ModuleType

import narwhals as nw
import pandas as pd
import pytest
from histories import DAY, MIDNIGHT, TIMES, World, random_world
from soak import sample

from crm_ml import features
from crm_ml.errors import ConfigError
from crm_ml.features import assembly, feature_groups, past
from crm_ml.snapshots import Snapshot

WORLD = random_world(21, 40, MIDNIGHT + 5)
NAMED = ["behaviour", "event_rhythm", "occasions", "renewal"]  # computed only where they are named
YEARS = 18_000 * DAY  # from 1970 to when the two buy
HORIZON = timedelta(days=28)


def at(epoch_s: int, horizon: timedelta = HORIZON) -> Snapshot:
    return Snapshot(datetime.fromtimestamp(epoch_s, UTC), horizon)


def drawn(seed: int, count: int) -> list[Snapshot]:
    """Moments of rows themselves, one second beside them, midnights, and any others, in any order."""
    draw = random.Random(seed)
    times = [row[column] for name, column in TIMES.items() for row in WORLD.rows[name]]
    near = [draw.choice(times) + draw.choice([-1, 0, 1]) for _ in range(count // 2)]
    return [at(moment) for moment in [*near, *(MIDNIGHT - draw.randrange(500) * DAY for _ in near)]]


def alone(tables, snapshots, groups=None) -> list[pd.DataFrame]:
    return [features.matrix(tables, snapshot, groups) for snapshot in snapshots]


def check_equal(together, one_by_one) -> None:
    together = list(together)
    assert len(together) == len(one_by_one)
    for left, right in zip(together, one_by_one, strict=True):
        pd.testing.assert_frame_equal(left, right, check_exact=True)


OTHERS = ("duckdb", "pandas")  # take several times as long as Polars on so few rows
tables_of = cache(WORLD.tables)


@pytest.fixture(scope="module", params=["polars", *sample("engines of one pass", OTHERS, 1)])
def tables(request):
    return tables_of(request.param)


SNAPSHOTS = {
    "any moments": drawn(1, 4),
    "the newest first": [at(MIDNIGHT - week * 7 * DAY) for week in range(3)],
    "equal ones": [at(MIDNIGHT), at(MIDNIGHT - DAY), at(MIDNIGHT), at(MIDNIGHT, timedelta(days=7))],
    "before any row": [at(0), at(MIDNIGHT), at(1)],
    "only before any row": [at(0), at(DAY)],
    "hours of one day": [at(MIDNIGHT + hour * 3600) for hour in (0, 7, 24)],
}


MOMENTS = [*product(["polars"], SNAPSHOTS), ("duckdb", "the newest first")]
DRAWN = [case for case in product(OTHERS, SNAPSHOTS) if case not in MOMENTS]


@pytest.mark.parametrize("case", [*MOMENTS, *sample("moments of one pass", DRAWN, 3)], ids="-".join)
def test_together_is_what_each_is_alone(case):
    tables, snapshots = tables_of(case[0]), SNAPSHOTS[case[1]]
    check_equal(features.matrices(tables, snapshots), alone(tables, snapshots))


def test_groups_that_are_named_are_together_what_each_is_alone(tables):
    snapshots = SNAPSHOTS["any moments"]
    check_equal(features.matrices(tables, snapshots, NAMED), alone(tables, snapshots, NAMED))


def test_no_snapshot_has_no_matrix(tables):
    assert list(features.matrices(tables, [])) == []


def test_customers_who_come_later_are_in_later_matrices_alone(tables):
    early, late = features.matrices(tables, [at(MIDNIGHT - 300 * DAY), at(MIDNIGHT + 60 * DAY)])
    assert set(early.index) < set(late.index)


def test_later_rows_change_no_earlier_matrix():
    def moved(name: str, row: dict) -> dict:
        at_column = TIMES.get(name)
        later = at_column is not None and row[at_column] >= MIDNIGHT
        return row | {at_column: MIDNIGHT + 900 * DAY} if later else row

    snapshots = [at(MIDNIGHT - 90 * DAY), at(MIDNIGHT), at(MIDNIGHT + 30 * DAY)]
    changed = list(features.matrices(WORLD.mapped(moved).tables(), snapshots))
    check_equal(changed[:2], list(features.matrices(WORLD.tables(), snapshots))[:2])


def test_passes_that_divide_the_snapshots_change_nothing(tables, monkeypatch):
    whole = list(features.matrices(tables, SNAPSHOTS["any moments"]))
    customers = len(WORLD.rows["customers"])
    monkeypatch.setattr(past, "_CUSTOMERS", 2 * customers + 1)
    passes = []
    real = assembly.assembled
    monkeypatch.setattr(assembly, "assembled", lambda *given: passes.append(len(given[1])) or real(*given))
    check_equal(features.matrices(tables, SNAPSHOTS["any moments"]), whole)
    assert passes == [2, 2]


def group_of_one_snapshot() -> ModuleType:
    group = ModuleType("own")
    group.COLUMNS = {"own_orders": 0}

    def compute(tables, snapshot, *, times=1):
        orders = snapshot.past(tables.frame("orders"), at="ordered_at")
        counts = orders.group_by("customer_id").agg(nw.len().alias("orders"))
        return counts.select("customer_id", own_orders=nw.col("orders") * times)

    group.compute = compute
    return group


def test_a_group_that_knows_one_snapshot_stands_beside_those_that_know_several(tables, monkeypatch):
    known = feature_groups.groups() | {"own": group_of_one_snapshot()}
    monkeypatch.setattr(feature_groups, "groups", lambda: known)
    wanted = {"own": {"times": 3}, "rfm": {}}
    snapshots = SNAPSHOTS["equal ones"]
    together = list(features.matrices(tables, snapshots, wanted))
    check_equal(together, alone(tables, snapshots, wanted))
    sales = [features.matrix(tables, snapshot, ["rfm"]) for snapshot in snapshots]
    for left, right in zip(together, sales, strict=True):
        assert left.index.equals(right.index)
        assert left.columns[0] == "own_orders"
        assert (left["own_orders"] >= 3 * right["rfm_orders"]).all()


@pytest.mark.parametrize("engine", ["polars", *OTHERS])
def test_a_column_that_is_not_there_is_one_error_with_the_group_and_the_columns_there_are(
    engine, monkeypatch
):
    single, several = ModuleType("single"), ModuleType("several")
    single.COLUMNS, several.COLUMNS = {"most": 0}, {"most": 0}
    most = nw.col("pries").max().alias("most")
    single.compute = lambda tables, _: tables.frame("orders").group_by("customer_id").agg(most)
    several.compute_each = lambda known: known.orders.group_by("row").agg(most)
    monkeypatch.setattr(feature_groups, "groups", lambda: {"single": single, "several": several})
    for name, title in (("single", "orders: customer_id, order_id"), ("several", "past.orders: ordered_at")):
        with pytest.raises(ConfigError, match=rf"features: {name}: .*pries.*; there are\n  {title}"):
            features.matrix(tables_of(engine), at(MIDNIGHT), [name])


def world_of_two() -> World:
    """Ada buys twice; Bob answers a campaign before anything else is known of him."""
    rows = {name: [] for name in WORLD.rows} | {
        "customers": [
            {"customer_id": name, "registered_at": None, "tier": None, "children": None}
            for name in ("ada", "bob")
        ],
        "order_lines": [
            WORLD.rows["order_lines"][0]
            | {"customer_id": "ada", "order_id": f"o{n}", "ordered_at": YEARS + n * DAY}
            for n in (10, 20)
        ],
        "campaigns": [WORLD.rows["campaigns"][0] | {"campaign_id": "k"}],
        "touches": [{"campaign_id": "k", "customer_id": "bob", "sent_at": YEARS + 15 * DAY}],
        "responses": [
            {"campaign_id": "k", "customer_id": "bob", "responded_at": YEARS + 5 * DAY, "kind": "redemption"}
        ],
    }
    return World(rows, YEARS + 30 * DAY)


@pytest.mark.parametrize("engine", ["duckdb", "polars", "pandas"])
def test_a_response_alone_does_not_make_a_customer_known_but_counts_later(engine):
    tables = world_of_two().tables(engine, without=("items", "events"))
    days = [at(YEARS + n * DAY + 1) for n in (7, 12, 16)]
    early, middle, late = features.matrices(tables, days, ["campaign", "rfm"])
    assert [list(X.index) for X in (early, middle, late)] == [[], ["ada"], ["ada", "bob"]]
    assert late.loc["bob", "campaign_answered"] == 1
    assert late.loc["bob", "rfm_orders"] == 0
