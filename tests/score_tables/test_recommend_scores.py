"""Rows that carry the customer's own items: which, at what probability, why, and what the row is worth."""

import math
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import ClassVar

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import score_world
from score_world import AS_OF, action, catalog, churn_source, contents, settings

from crm_ml import features, tracking
from crm_ml.errors import ConfigError, InputError, IntegrityError
from crm_ml.lists import read_list
from crm_ml.models import model_folder
from crm_ml.recommend import PersonalFrequency
from crm_ml.recommend.recommendation_task import task_of
from crm_ml.recommend.serving import Serving
from crm_ml.score import batch
from crm_ml.score_tables import recommend as item_lists
from crm_ml.score_tables.champion_set import Champions, champions
from crm_ml.score_tables.feature_table import features_of
from crm_ml.score_tables.joined import score_day
from crm_ml.score_tables.recommend import RecommendSource, write_items
from crm_ml.score_tables.source import Output, ScoringDay
from crm_ml.snapshots import Snapshot, as_utc
from crm_ml.storage.manifest import fingerprint, verify

SNAPSHOT = Snapshot(as_utc(AS_OF), timedelta(days=1))


@dataclass(kw_only=True, eq=False)
class Chances(PersonalFrequency):
    """Own frequency, pressed into probabilities."""

    gives_probabilities: ClassVar[bool] = True

    def _scores(self, rows):
        found = super()._scores(rows)
        return np.where(found > 0, 1 - np.exp(-np.abs(found)), -np.inf)


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    return score_world.tables(tmp_path_factory.mktemp("tables"))


def _fitted(tables, snapshot=SNAPSHOT, kind=Chances):
    task = task_of(tables, snapshot, after=False)
    return kind().fit(task.data, task.categories)


def _source(kind=Chances, at=None):
    def fitted(tables, snapshot):
        return _fitted(tables, snapshot, kind)

    calibrated = kind.gives_probabilities
    return RecommendSource(name="recommend", sums="cd" * 32, calibrated=calibrated, at=at or fitted)


def _basket(**fields):
    recommend = {"items": 2, **fields.pop("recommend", {})}
    fields = {"score": "p_items", "cost_cents": 5, "margin_cents": 300, "assumed_effect": 0.3, **fields}
    return action("basket", channel="push", recommend=recommend, **fields)


def _run(tables, *actions, sources=None):
    champions = Champions([_source()] if sources is None else sources)
    return batch.run(settings(daily_cap=None), catalog(*actions), tables, champions)


def test_a_row_carries_the_customers_items_and_is_worth_what_they_are_expected_to_bring(project, tables):
    booklet = action("booklet", cost_cents=1, margin_cents=150, assumed_effect=0.3, item_ids=("i1", "i2"))
    outcome = _run(tables, _basket(), booklet)
    assert outcome.drift["without_profile"] == ["recommend"]
    rows = read_list(project / "data/lists/test")
    baskets = rows[rows["action_id"] == "basket"]
    assert len(baskets) > 50
    model = _fitted(tables)
    wanted = model.recommend(baskets["customer_id"].tolist(), 2, exclude_seen=False)
    for row, (_, own) in zip(baskets.itertuples(), wanted.groupby("customer_id"), strict=True):
        assert list(row.item_ids) == own["item_id"].tolist()
        assert list(row.item_reasons) == own["reason"].tolist()
        np.testing.assert_array_equal(np.array(row.item_p, dtype=float), own["score"].to_numpy())
        assert row.expected_value_cents == math.floor(own["score"].sum() * 0.3 * 300 + 0.5) - 5
        assert row.value_basis == "p_items x assumed effect"
        assert list(row.reason_codes) == [f"p_items={own['score'].sum():.3g}"]
    others = rows[rows["action_id"] == "booklet"]
    assert len(others) > 0
    assert {tuple(one) for one in others["item_ids"]} == {("i1", "i2")}
    assert not any(len(one) for one in others["item_p"])
    assert "recommend@cdcdcdcdcdcd" in rows["model_versions"].iloc[0]


def test_items_may_also_be_what_an_action_shows_that_another_score_values(project, tables):
    shown = _basket(score="p_churn", eligible="rfm_days_since_order >= 20", recommend={"repeats": False})
    _run(tables, shown, sources=[churn_source(), _source(PersonalFrequency)])
    rows = read_list(project / "data/lists/test")
    had = score_world.frames()["order_lines"].groupby("customer_id")["item_id"].agg(set)
    assert all(not set(row.item_ids) & had[row.customer_id] for row in rows.itertuples())
    assert rows["item_ids"].map(len).max() == 2
    reasons = {text for one in rows["item_reasons"] for text in one}
    assert reasons == {"popular, for want of a score"}
    assert np.isnan(np.concatenate(rows["item_p"].to_list()).astype(float)).all()
    assert rows["reason_codes"].iloc[0][0].startswith("rfm_days_since_order=")


def test_rules_and_segments_of_an_action_hold(project, tables):
    rules = {
        "out_of_stock": ["i2"],
        "block": [{"categories": ["b"], "segments": ["active"]}],
    }
    _run(tables, _basket(recommend={"rules": rules, "segment": "lifecycle_stage"}))
    rows = read_list(project / "data/lists/test").set_index("customer_id")
    stage = features.matrix(tables, SNAPSHOT).loc[rows.index, "lifecycle_stage"]
    active = rows[(stage == "active").to_numpy()]
    assert len(active) > 5
    assert {item for one in active["item_ids"] for item in one} == {"i1"}
    assert {item for one in rows["item_ids"] for item in one} == {"i1", "i3"}
    with pytest.raises(InputError, match="rules name categories that no item has: z"):
        _run(tables, _basket(recommend={"rules": {"block": [{"categories": ["z"]}]}}))
    with pytest.raises(InputError, match="segment: the feature table has no column colour"):
        _run(tables, _basket(recommend={"segment": "colour"}))


def test_an_interrupted_run_goes_on_where_it_stopped(tmp_path, tables, monkeypatch):
    monkeypatch.setattr(item_lists, "CHUNK_ROWS", 25)
    people = tmp_path / "people.parquet"
    pq.write_table(
        pa.table({"customer_id": sorted(score_world.frames()["customers"]["customer_id"])}), people
    )
    serving = _fitted(tables).serving(3, exclude_seen=False)
    again = Output(tmp_path / "again.parquet", tmp_path / "parts")
    rows = write_items(people, serving, Output(tmp_path / "whole.parquet", tmp_path / "other"))
    assert rows == 120
    asked, real = [], type(serving).blocks

    def failing(self, wanted):
        asked.append(wanted[0])
        if len(asked) == 3:
            raise KeyboardInterrupt
        return real(self, wanted)

    monkeypatch.setattr(type(serving), "blocks", failing)
    with pytest.raises(KeyboardInterrupt):
        write_items(people, serving, again)
    assert sorted(path.name for path in (tmp_path / "parts").iterdir()) == ["00000", "00001"]
    write_items(people, serving, again)
    assert len(asked) == 3 + 3  # three parts were left
    assert (tmp_path / "again.parquet").read_bytes() == (tmp_path / "whole.parquet").read_bytes()
    damaged = tmp_path / "parts/00001/rows.parquet"
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"x")
    with pytest.raises(IntegrityError, match=r"rows\.parquet has changed"):
        write_items(people, serving, again)


def test_parts_of_an_interrupted_table_are_taken_up_again_by_the_next_run(tmp_path, tables, monkeypatch):
    monkeypatch.setattr(item_lists, "CHUNK_ROWS", 25)
    work, actions = tmp_path / "work", catalog(_basket()).action_channels(SNAPSHOT.as_of)
    day = ScoringDay(tables, SNAPSHOT, features_of(work, tables, SNAPSHOT, {}))
    asked, stops_at, real = [], [3], Serving.blocks

    def failing(self, wanted):
        asked.append(wanted[0])
        if len(asked) in stops_at:
            raise KeyboardInterrupt
        return real(self, wanted)

    monkeypatch.setattr(Serving, "blocks", failing)
    with pytest.raises(KeyboardInterrupt):
        score_day(work, day, [_source()], actions)
    [parts] = work.glob("parts-recommend-basket-*")
    assert sorted(path.name for path in parts.iterdir()) == ["00000", "00001"]
    assert not list(work.glob("recommend-basket-*"))
    stops_at.clear()
    other = replace(_source(), sums="ef" * 32)
    for source, left in ((other, 5), (_source(), 3)):  # another model takes up none of the parts
        asked.clear()
        [table] = score_day(work, day, [source], actions).tables
        assert len(asked) == left
    [whole] = score_day(tmp_path / "whole", day, [_source()], actions).tables
    assert table.path.read_bytes() == whole.path.read_bytes()
    assert not list(work.glob("parts-*"))


def test_the_table_of_items_is_kept_and_its_parts_are_not(project, tables):
    _run(tables, _basket())
    work = project / "data/scores"
    kept = contents(work)
    assert any(name.startswith("recommend-basket-") for name in kept)
    assert not list(work.glob("parts-*"))
    for path in (project / "data/lists/test").rglob("*"):
        if path.is_file():
            path.unlink()
    for path in sorted((project / "data/lists/test").iterdir(), reverse=True):
        path.rmdir()
    _run(tables, _basket(), sources=[_source(at=lambda *_: pytest.fail("fitted again"))])
    assert contents(work) == kept


@pytest.mark.usefixtures("project")
def test_what_does_not_fit_the_models_is_refused(tables):
    with pytest.raises(ConfigError, match="basket: recommend needs a model of recommend in the settings"):
        _run(tables, _basket(), sources=[])
    with pytest.raises(ConfigError, match="basket: score p_items needs probabilities; recommend gives none"):
        _run(tables, _basket(), sources=[_source(PersonalFrequency)])
    with pytest.raises(ValueError, match="score: p_items needs recommend"):
        action("basket", score="p_items")
    with pytest.raises(ValueError, match="item_ids and recommend exclude each other"):
        _basket(item_ids=("i1",))


def test_the_champion_takes_in_what_was_bought_since(tmp_path, tables, monkeypatch):
    earlier = Snapshot(as_utc("2024-05-01"), timedelta(days=1))
    target = {"level": "item_id", "least_events": 1, "k": 5, "purpose": None}
    folders = {name: tmp_path / name for name in ("recommend", "by_category")}
    old = _fitted(tables, earlier, PersonalFrequency)
    model_folder.save(old, folders["recommend"], "recommend", labels_end="2024-05-01", target=target)
    by_category = {**target, "level": "category"}
    model_folder.save(old, folders["by_category"], "recommend", labels_end="2024-05-01", target=by_category)
    monkeypatch.setattr(
        tracking,
        "champion",
        lambda name, _alias: tracking.ModelVersion(
            name, "1", folders[name], fingerprint(folders[name]), verify(folders[name])
        ),
    )
    [found] = champions({"recommend": "recommend@champion"}, AS_OF).sources
    assert not found.calibrated
    people = list(old.customers_)
    fresh = _fitted(tables, SNAPSHOT, PersonalFrequency).recommend(people, 3, exclude_seen=False)
    pd.testing.assert_frame_equal(
        found.at(tables, SNAPSHOT).recommend(people, 3, exclude_seen=False), fresh, check_exact=True
    )
    assert not fresh.equals(old.recommend(people, 3, exclude_seen=False))
    with pytest.raises(InputError, match="by_category: it recommends by category"):
        champions({"recommend": "by_category@champion"}, AS_OF)


def test_purchases_of_who_refused_the_purpose_are_not_taken_in(tmp_path, monkeypatch):
    people = score_world.frames()["customers"]["customer_id"]
    said = pd.DataFrame({"customer_id": people, "purpose": "training", "channel": None})
    said = said.assign(granted=[number % 2 == 0 for number in range(len(said))], changed_at_epoch_s=1)
    tables = score_world.tables(tmp_path / "tables", consents=said.astype({"channel": "string"}))
    target = {"level": "item_id", "least_events": 1, "k": 5, "purpose": "training"}
    folder = tmp_path / "recommend"
    model_folder.save(
        _fitted(tables, kind=PersonalFrequency), folder, "recommend", labels_end="2024-05-01", target=target
    )
    version = tracking.ModelVersion("recommend", "1", folder, fingerprint(folder), verify(folder))
    monkeypatch.setattr(tracking, "champion", lambda *_: version)
    [source] = champions({"recommend": "recommend@champion"}, AS_OF).sources
    known = source.at(tables, SNAPSHOT).customers_
    assert set(known) <= set(people[::2])
    assert len(known) > 50
