"""Checks that every feature group passes; groups are discovered, so a new one is checked at once."""

import copy
from pathlib import Path

import narwhals as nw
import numpy as np
import pandas as pd
import pytest
from histories import DAY, MIDNIGHT, World, poison, random_world

from crm_ml import features
from crm_ml.customer_hash import customer_folds
from crm_ml.errors import ConfigError, InputError
from crm_ml.features import SnapshotConstants
from crm_ml.features.group_sums import GroupSums, SharedSums, Sum
from crm_ml.features.order_totals import ORDERS
from crm_ml.features.past import Past
from crm_ml.tables import Tables
from crm_ml.tables.engine import connect

GROUPS = sorted(features.groups())
ENGINES = ("duckdb", "pandas", "polars")
# 5 s after midnight, so that no boundary of a day is also one of the snapshot
WORLD = random_world(11, 60, MIDNIGHT + 5)
NAMES = [row["customer_id"] for row in WORLD.rows["customers"]]
PARTS = {"one": {NAMES[8]}, "half": set(np.array(NAMES)[customer_folds(NAMES, 2) == 0])}
WHOLE = SnapshotConstants.of(WORLD.tables("polars"))
MONEY = ("paid_cents", "discount_cents", "coupon_cents")
IDS = ("customer_id", "order_id", "item_id", "campaign_id", "event_id")


@pytest.fixture(scope="module")
def tables():
    return WORLD.tables()


def compute(world: World, engine: str = "duckdb") -> pd.DataFrame:
    return features.matrix(world.tables(engine), world.snapshot(), GROUPS)


def written(tables, folder: Path) -> bytes:
    features.write(tables, WORLD.snapshot(), folder / "features.parquet", GROUPS)
    return (folder / "features.parquet").read_bytes()


@pytest.fixture(scope="module")
def file(tables, tmp_path_factory) -> bytes:
    """The file of all groups."""
    return written(tables, tmp_path_factory.mktemp("written"))


@pytest.fixture(scope="module")
def whole() -> dict[str, pd.DataFrame]:
    """The features of all groups by engine."""
    return {engine: compute(WORLD, engine) for engine in ENGINES}


@pytest.fixture(scope="module")
def poisoned():
    return poison(WORLD).tables("polars")


@pytest.fixture(scope="module")
def other_engines():
    return {engine: WORLD.tables(engine) for engine in ("pandas", "polars")}


@pytest.fixture(scope="module", params=GROUPS)
def group(request):
    return request.param


@pytest.fixture(scope="module")
def delivered(tables, group) -> pd.DataFrame:
    return features.matrix(tables, WORLD.snapshot(), [group])


def test_delivers_one_finite_row_a_customer(delivered, group):
    assert len(delivered) > 40
    assert delivered.index.is_unique
    assert delivered.index.is_monotonic_increasing
    assert not np.isinf(delivered.select_dtypes("number").to_numpy()).any()
    assert delivered.columns.is_unique
    declared = features.groups()[group].COLUMNS
    if group != "attributes":
        assert set(delivered.columns) == set(declared)
    filled = [name for name, value in declared.items() if value is not None]
    assert not delivered[filled].isna().any().any()


def test_does_not_know_the_future(file, tmp_path):
    assert written(poison(WORLD).tables(), tmp_path) == file


def test_the_poison_would_be_seen_a_day_later(other_engines, poisoned, group):
    later = WORLD.snapshot().shifted(2)
    clean = features.matrix(other_engines["polars"], later, [group])
    assert not features.matrix(poisoned, later, [group]).equals(clean)


def test_order_of_rows_does_not_matter(file, tmp_path):
    assert written(WORLD.shuffled(3).tables(), tmp_path) == file


@pytest.fixture(scope="module")
def many_lines() -> dict[str, str]:
    """SQL of tables that are large enough for DuckDB to share them between two threads."""
    times = "1470000000 + (hash(i // 3) % 40000000)::BIGINT AS epoch"
    return {
        "customers": "SELECT 'c' || i AS customer_id, i % 3 AS tier FROM range(3000) t(i)",
        "order_lines": "SELECT 'c' || (i // 3) % 3000 AS customer_id, 'o' || i // 3 AS order_id,"
        " 'i' || hash(i) % 500 AS item_id, epoch AS ordered_at_epoch_s,"
        " 1 AS quantity, (hash(i, 1) % 9999)::BIGINT AS paid_cents,"
        " (hash(i, 2) % 99)::BIGINT AS discount_cents, (i % 2)::BIGINT AS coupon_cents"
        f" FROM (SELECT i, {times} FROM range(250000) t(i))",
        "items": "SELECT 'i' || i AS item_id, 'd' || i % 9 AS department, 'k' || i % 50 AS category"
        " FROM range(500) t(i)",
        "touches": "SELECT 'k' || i % 9 AS campaign_id, 'c' || i % 3000 AS customer_id,"
        " 1470000000 + (hash(i) % 40000000)::BIGINT AS sent_at_epoch_s FROM range(200000) t(i)",
    }


def test_one_and_two_threads_give_the_same_bytes(many_lines, tmp_path):
    found = set()
    for threads in (1, 2):
        connection = connect(threads)
        for name, query in many_lines.items():
            connection.execute(f"CREATE TABLE {name} AS {query}")
        tables = Tables(**{name: connection.table(name) for name in many_lines})
        features.write(tables, WORLD.snapshot(), tmp_path / "features.parquet")
        found.add((tmp_path / "features.parquet").read_bytes())
    assert len(found) == 1
    assert len(pd.read_parquet(tmp_path / "features.parquet")) == 3000


def test_groups_share_a_sum_only_where_it_is_one_and_the_same():
    shared = SharedSums(Past(WORLD.tables("polars"), [WORLD.snapshot()]))
    shared.add("own", GroupSums({"orders": ORDERS["orders"]}, {}))
    with pytest.raises(ConfigError, match="features: other has another sum orders than a group before it"):
        shared.add("other", GroupSums({"orders": Sum("sales", nw.col("lines"))}, {}))


@pytest.mark.parametrize("engine", ["pandas", "polars"])
def test_engines_agree(delivered, other_engines, group, engine):
    found = features.matrix(other_engines[engine], WORLD.snapshot(), [group])
    pd.testing.assert_frame_equal(found, delivered, check_exact=False, rtol=1e-12, atol=0)
    whole = [name for name in delivered.select_dtypes("number") if (delivered[name].dropna() % 1 == 0).all()]
    pd.testing.assert_frame_equal(found[whole], delivered[whole], check_exact=True)


@pytest.mark.parametrize("engine", ["pandas", "polars"])
def test_leaves_frames_alone(other_engines, group, engine):
    tables = other_engines[engine]
    before = {name: copy.deepcopy(getattr(tables, name)) for name in tables.names}
    features.matrix(tables, WORLD.snapshot(), [group])
    assert all(getattr(tables, name).equals(frame) for name, frame in before.items())


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("part", list(PARTS))
def test_a_part_of_the_customers_has_the_features_that_it_has_among_all(whole, engine, part):
    alone = features.matrix(WORLD.of(PARTS[part]).tables(engine), WORLD.snapshot(), GROUPS, WHOLE)
    expected = whole[engine].loc[whole[engine].index.isin(PARTS[part])]
    assert len(alone)
    pd.testing.assert_frame_equal(alone, expected, check_exact=True)


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 8, 64])
def test_customers_dealt_into_parts_have_the_features_that_they_have_among_all(whole, count):
    folds = customer_folds(NAMES, count)
    for number in {*sorted(set(folds))[:2], min(set(range(count)) - set(folds), default=0)}:
        part = set(np.array(NAMES)[folds == number])
        alone = features.matrix(WORLD.of(part).shuffled(count).tables(), WORLD.snapshot(), GROUPS, WHOLE)
        expected = whole["duckdb"].loc[whole["duckdb"].index.isin(part)]
        pd.testing.assert_frame_equal(alone, expected, check_exact=True)


def test_without_the_constants_of_all_a_part_would_have_others():
    alone, among_all = (
        features.matrix(WORLD.of(PARTS["one"]).tables(), WORLD.snapshot(), ["habit"], constants)
        for constants in (None, WHOLE)
    )
    assert not alone.equals(among_all)


def test_constants_of_other_tables_are_refused(tables):
    with pytest.raises(InputError, match=r"give SnapshotConstants\.of the tables with all customers"):
        features.matrix(tables, WORLD.snapshot(), ["habit"], SnapshotConstants(WORLD.as_of - 9))
    assert SnapshotConstants(WORLD.as_of).history_days(WORLD.snapshot()) == 1
    assert SnapshotConstants(None).history_days(WORLD.snapshot()) == 1
    assert SnapshotConstants(WORLD.as_of - 28 * DAY).history_days(WORLD.snapshot()) == 28


def test_renamed_ids_keep_their_features(whole):
    def renamed(_: str, row: dict) -> dict:
        return row | {name: f"é{row[name][::-1]}" for name in IDS if name in row}

    found = compute(WORLD.mapped(renamed))
    found.index = [name[:0:-1] for name in found.index]
    expected = whole["duckdb"].rename_axis(None)
    pd.testing.assert_frame_equal(
        found.loc[expected.index], expected, check_exact=True, check_index_type=False
    )


def test_money_in_another_unit_scales_cents_alone(whole):
    def dearer(_: str, row: dict) -> dict:
        return row | {name: row[name] * 100 for name in MONEY if name in row}

    found, expected = compute(WORLD.mapped(dearer)), whole["duckdb"].copy()
    cents = [name for name in expected.columns if "cents" in name]
    expected[cents] *= 100
    pd.testing.assert_frame_equal(found, expected, check_exact=False, rtol=1e-12, atol=0)


def test_nothing_is_left_in_the_engine():
    tables = WORLD.tables()
    features.matrix(tables, WORLD.snapshot(), ["rfm"])

    def derived() -> list[tuple[str]]:
        query = "SELECT table_name FROM duckdb_tables() WHERE temporary ORDER BY ALL"
        return tables.order_lines.query("lines", query).fetchall()

    first = derived()
    assert len(first) == 1  # the whole orders, which all snapshots share
    features.matrix(tables, WORLD.snapshot().shifted(-7))
    assert derived() == first
    with pytest.raises(ConfigError, match="rfm has no option days; it has large_order_lines"):
        features.matrix(tables, WORLD.snapshot(), {"cadence": {}, "rfm": {"days": 1}})
    assert derived() == first
