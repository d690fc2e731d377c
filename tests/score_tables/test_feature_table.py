"""The feature table of a day: a matrix of the store in the work folder, or written there alone."""

import logging
from datetime import timedelta

import pandas as pd
import pytest
import score_world
from score_world import AS_OF

from crm_ml import features
from crm_ml.errors import ConfigError, IntegrityError
from crm_ml.features import feature_groups, matrix_cache
from crm_ml.score_tables.feature_table import features_of
from crm_ml.snapshots import Snapshot, as_utc

SNAPSHOT = Snapshot(as_utc(AS_OF), timedelta(days=1))
GROUPS = {"rfm": {}, "lifecycle": {"new_within_days": 14}}


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    return score_world.tables(tmp_path_factory.mktemp("tables"))


@pytest.fixture(autouse=True)
def few(monkeypatch):
    """Two groups stand for all, and are counted when they are computed."""
    known, real, written = features.groups(), features.write, []
    monkeypatch.setattr(feature_groups, "groups", lambda: {name: known[name] for name in GROUPS})
    monkeypatch.setattr(features, "write", lambda *given: written.append(given) or real(*given))
    return written


@pytest.fixture
def data(tmp_path, monkeypatch):
    monkeypatch.setenv("CRM_ML_DATA", str(tmp_path / "data"))
    monkeypatch.delenv(matrix_cache.SWITCH, raising=False)
    return tmp_path / "data"


def made(work, tables, given=GROUPS):
    return features_of(work, tables, SNAPSHOT, given)


def test_the_stage_is_a_link_to_the_matrix_that_training_reads(tables, data, tmp_path, few):
    path = made(tmp_path / "work", tables)
    [stored] = data.glob("features/*/matrix.parquet")
    assert path.samefile(stored)
    matrix = features.matrix(tables, SNAPSHOT, GROUPS)
    pd.testing.assert_frame_equal(pd.read_parquet(path).set_index("customer_id"), matrix, check_exact=True)
    assert made(tmp_path / "other", tables).samefile(stored)
    assert len(few) == 1


def test_the_stage_stays_when_the_store_is_emptied(tables, data, tmp_path, few):
    path = made(tmp_path / "work", tables)
    [stored] = data.glob("features/*/matrix.parquet")
    for file in stored.parent.iterdir():
        file.unlink()
    stored.parent.rmdir()
    assert made(tmp_path / "work", tables) == path
    assert len(few) == 1


@pytest.mark.usefixtures("data")
def test_a_damaged_stage_is_refused_and_made_again_once_it_is_removed(tables, tmp_path, few):
    path = made(tmp_path / "work", tables)
    whole = path.read_bytes()
    path.write_bytes(whole[:-9] + b"x" * 9)
    with pytest.raises(IntegrityError, match=r"features\.parquet has changed"):
        made(tmp_path / "work", tables)
    for file in path.parent.iterdir():
        file.unlink()
    path.parent.rmdir()
    assert made(tmp_path / "work", tables).read_bytes() == whole  # not from the store: it has the damage too
    assert len(few) == 2


def test_without_the_store_the_stage_has_the_same_name_and_bytes(tables, data, tmp_path, monkeypatch, few):
    stored = made(tmp_path / "work", tables)
    monkeypatch.setenv(matrix_cache.SWITCH, "off")
    path = made(tmp_path / "other", tables)
    assert path.parent.name == stored.parent.name
    assert path.read_bytes() == stored.read_bytes()
    assert path.stat().st_nlink == 1
    assert len(few) == 2
    assert made(tmp_path / "other", tables) == path
    assert len(few) == 2
    assert len(list((data / "features").iterdir())) == 1


def test_where_nothing_can_be_stored_the_stage_is_written_alone(tables, data, tmp_path, caplog, few):
    data.mkdir()
    (data / "features").write_text("in the way")
    with caplog.at_level(logging.WARNING):
        path = made(tmp_path / "work", tables)
    assert len(pd.read_parquet(path)) > 100
    assert len(few) == 1
    assert "features are not kept" in caplog.text


def test_where_links_are_impossible_the_matrix_is_copied(tables, data, tmp_path, monkeypatch, few):
    def refuse(*_):
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr("os.link", refuse)
    path = made(tmp_path / "work", tables)
    [stored] = data.glob("features/*/matrix.parquet")
    assert not path.samefile(stored)
    assert path.read_bytes() == stored.read_bytes()
    assert len(few) == 1


@pytest.mark.usefixtures("data")
def test_every_engine_has_a_matrix_of_its_own_and_all_the_same_stage(tables, tmp_path, few):
    names = {made(tmp_path / engine, tables.to(engine)).parent.name for engine in ("duckdb", "polars")}
    assert len(names) == 1
    assert len(few) == 2


@pytest.mark.usefixtures("data")
def test_the_stage_follows_tables_day_and_options(tables, tmp_path):
    work = tmp_path / "work"
    paths = [
        made(work, tables),
        made(work, tables.identified("0" * 64)),
        features_of(work, tables, SNAPSHOT.shifted(-1), GROUPS),
        made(work, tables, {"lifecycle": {"new_within_days": 15}}),
    ]
    assert len(set(paths)) == 4
    assert made(work, tables, {"lifecycle": {"new_within_days": 14}}) == paths[0]


@pytest.mark.usefixtures("data")
def test_a_group_that_does_not_exist_is_named(tables, tmp_path):
    with pytest.raises(ConfigError, match="features: 'weather' is no group"):
        made(tmp_path / "work", tables, {"weather": {}})
