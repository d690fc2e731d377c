"""Kept feature matrices: the same bytes as computed, and never those of other inputs, code or options."""

import dataclasses
import logging
from datetime import timedelta

import pandas as pd
import pytest
from changed_code import changed_modules
from histories import MIDNIGHT, random_world

from crm_ml import features
from crm_ml.errors import ConfigError
from crm_ml.features import assembly, matrix_cache
from crm_ml.snapshots import Snapshot

WORLD = random_world(5, 40, MIDNIGHT + 5)
GROUPS = {"rfm": {}, "lifecycle": {"new_within_days": 14}, "preference": {}}


@pytest.fixture(autouse=True)
def data(tmp_path, monkeypatch):
    monkeypatch.setenv("CRM_ML_DATA", str(tmp_path))
    monkeypatch.delenv(matrix_cache.SWITCH, raising=False)
    return tmp_path / "features"


@pytest.fixture
def computed(monkeypatch):
    """Count how often features are computed."""
    calls = []
    assembled = assembly.assembled
    monkeypatch.setattr(assembly, "assembled", lambda *given: calls.append(given) or assembled(*given))
    return calls


@pytest.fixture(scope="module")
def tables():
    return WORLD.tables("polars").identified("a" * 64)


def matrix(tables, groups=GROUPS, snapshot=None):
    return features.matrix(tables, snapshot or WORLD.snapshot(), groups)


def test_what_is_read_back_is_what_was_computed_to_the_type(tables, computed, data):
    first = matrix(tables, groups=None)
    pd.testing.assert_frame_equal(matrix(tables, groups=None), first, check_exact=True)
    assert len(computed) == 1
    assert len(set(first.dtypes)) > 1
    pd.testing.assert_frame_equal(matrix(tables.identified(""), groups=None), first, check_exact=True)
    assert len(computed) == 2
    assert len(list(data.iterdir())) == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda tables: matrix(tables.identified("b" * 64)),
        lambda tables: matrix(dataclasses.replace(tables, customers=tables.customers)),
        lambda tables: matrix(WORLD.snapshot().known(tables)),
        lambda tables: matrix(tables.to("duckdb")),
        lambda tables: matrix(tables, {**GROUPS, "lifecycle": {"new_within_days": 15}}),
        lambda tables: matrix(tables, dict(reversed(GROUPS.items()))),
        lambda tables: matrix(tables, {"rfm": {}}),
        lambda tables: matrix(tables, snapshot=WORLD.snapshot().shifted(-1)),
        lambda tables: matrix(tables, snapshot=Snapshot(WORLD.snapshot().as_of, timedelta(days=9))),
    ],
)
def test_other_tables_snapshots_groups_and_options_are_computed(tables, computed, change):
    matrix(tables)
    change(tables)
    assert len(computed) == 2
    matrix(tables)
    assert len(computed) == 2


@pytest.mark.parametrize(
    ("changed", "times"),
    [("crm_ml.features.cadence", 1), ("crm_ml.features.rfm", 2), ("crm_ml.snapshots", 2)],
)
def test_changed_code_of_a_wanted_group_is_computed_and_of_another_group_is_not(
    tables, computed, monkeypatch, changed, times
):
    matrix(tables)
    changed_modules(monkeypatch).add(changed)
    matrix(tables)
    matrix(tables)
    assert len(computed) == times


def test_what_a_killed_process_left_is_removed(tables, data):
    (data / ".killed.0.tmp").mkdir(parents=True)
    matrix(tables)
    assert [one.name.startswith(".") for one in data.iterdir()] == [False]


def test_a_damaged_folder_is_computed_again(tables, computed, data, caplog):
    first = matrix(tables)
    file = next(data.glob("*/matrix.parquet"))
    file.write_bytes(file.read_bytes()[:-9] + b"x" * 9)
    with caplog.at_level(logging.WARNING):
        pd.testing.assert_frame_equal(matrix(tables), first)
    assert "matrix.parquet has changed" in caplog.text
    matrix(tables)
    assert len(computed) == 2


def test_the_switch_computes_each_time_and_keeps_nothing(tables, computed, data, monkeypatch):
    monkeypatch.setenv(matrix_cache.SWITCH, "off")
    matrix(tables)
    matrix(tables)
    assert len(computed) == 2
    assert not data.exists()


def test_the_least_recently_used_go_first(tables, computed, data, monkeypatch):
    days = [WORLD.snapshot().shifted(-back) for back in range(3)]
    for day in days[:2]:
        matrix(tables, snapshot=day)
    matrix(tables, snapshot=days[0])
    size = max(sum(path.stat().st_size for path in one.iterdir()) for one in data.iterdir())
    monkeypatch.setenv(matrix_cache.LIMIT, str(2.5 * size / 1e9))
    matrix(tables, snapshot=days[2])
    assert len(list(data.iterdir())) == 2
    for day, times in ((days[0], 3), (days[2], 3), (days[1], 4)):
        matrix(tables, snapshot=day)
        assert len(computed) == times


def test_a_limit_that_is_no_number_is_refused(tables, monkeypatch):
    monkeypatch.setenv(matrix_cache.LIMIT, "five")
    with pytest.raises(ConfigError, match="CRM_ML_CACHE_GB is 'five'; give a number of gigabytes"):
        matrix(tables)


def test_where_nothing_can_be_written_features_are_computed(tables, computed, data, caplog):
    data.write_text("in the way")
    with caplog.at_level(logging.WARNING):
        assert len(matrix(tables)) == len(matrix(tables))
    assert len(computed) == 2
    assert "features are not kept" in caplog.text
