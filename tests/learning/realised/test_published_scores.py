"""Which score tables of lists have labels, and their outcomes, of answers and of lifetime value."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import value_shop
from published_list import publish_list

from crm_ml.clv.clv_model import ClvModel
from crm_ml.clv.valuation_terms import Terms
from crm_ml.clv.value_calibration import NO_TILT
from crm_ml.learning.realised import realised_metrics as module
from crm_ml.learning.realised.labels import labelled
from crm_ml.learning.realised.published_scores import published_tables
from crm_ml.learning.realised.realise import LabelReach, promised_metrics, realise
from crm_ml.learning.realised.realised_metrics import MOST_CUSTOMERS, judge
from crm_ml.models import model_folder
from crm_ml.score_tables.clv import ClvSource
from crm_ml.score_tables.joined import score_day
from crm_ml.score_tables.source import ScoringDay
from crm_ml.snapshots import DAY_S, Snapshot, as_utc
from crm_ml.storage.manifest import fingerprint, verify
from crm_ml.storage.stage_cache import stage
from crm_ml.tables import Tables
from crm_ml.tracking import ModelVersion

AS_OF = date(2024, 8, 1)
START_S = value_shop.second(AS_OF)


@pytest.fixture(scope="module")
def lines():
    return value_shop.lines(300, seed=2, days=330)


def published_values(folder, lines):
    """Values of a day by a model whose horizon is sixty days, published as a scoring run does."""
    summary = value_shop.summary(lines)
    model = ClvModel.of(
        value_shop.valuer(lines), Terms(timedelta(days=60), 0.1, 0.25), summary, NO_TILT, None
    )
    model_folder.save(model, folder / "model", "clv", labels_end="2024-08-01", time_unit="D")
    version = ModelVersion(
        "clv", "1", folder / "model", fingerprint(folder / "model"), verify(folder / "model")
    )
    tables = value_shop.shop(lines).identified("ab" * 32)
    day = ScoringDay(tables, Snapshot(as_utc(AS_OF), timedelta(days=1)), folder / "features.parquet")
    source = ClvSource(name="clv", sums=version.content, model=model)
    scores = score_day(folder / "work", day, [source], [])
    stages = {"clv": scores.tables[0].path.parent.name}
    publish_list(folder / "lists", "2024-08-01", {"clv": version.content}, stages, ["c1"])
    return version, tables


def only(folder, version):
    """Return the one score table of the lists, and what its labels are."""
    [published], silent, unreadable = published_tables(folder / "lists", folder / "work")
    assert (silent, unreadable) == ([], [])
    return labelled(published, version)


def test_expected_purchases_are_judged_by_the_days_with_a_purchase(tmp_path, lines):
    version, tables = published_values(tmp_path, lines)
    one = only(tmp_path, version)
    for today, told in ((29, "the labels of 2024-08-01 end on 2024-09-30, after 2024-09-29"), (30, "")):
        assert LabelReach(date(2024, 9, today)).why_not(one, tables) == told
    assert (one.day, one.what, one.label.is_probability) == ("2024-08-01", "clv", False)
    inside = lines[lines["ordered_at_epoch_s"].between(START_S, START_S + 60 * DAY_S - 1)]
    days = (inside["ordered_at_epoch_s"] // DAY_S).groupby(inside["customer_id"]).nunique()
    rows = one.rows(tables)
    past = set(lines.loc[lines["ordered_at_epoch_s"] < START_S, "customer_id"])
    assert set(rows.index) == past
    pd.testing.assert_series_equal(
        rows["outcome"], days.reindex(rows.index, fill_value=0), check_names=False, check_dtype=False
    )
    found = judge(one, tables)
    expected = rows["score"].sum() / days.reindex(rows.index, fill_value=0).sum() - 1
    assert found["total_error"] == pytest.approx(expected)
    assert found["normalised_gini.low"] < found["normalised_gini"] < found["normalised_gini.high"]
    assert "base_rate" not in found


def of_categories(folder, **target):
    details = {"family": "propensity", "target": {"of": "purchases", "active_within_days": 30} | target}
    return ModelVersion("propensity", "1", folder, "cd" * 32, details)


def published_answers(work, ids, p, by="category", names=("beer",)):
    def features(path):
        pq.write_table(pa.table({"customer_id": ids}), path)

    def fill(path):
        pq.write_table(pa.table({"customer_id": ids, "p_response": p}), path)

    made = stage(work, "features", {"as_of": "2024-08-01T00:00:00+00:00"}, features)
    action = {"kind": "beer", "days": 14, "by": by, "names": list(names)}
    found = stage(
        work, "propensity-tasting", {"action": action, "features": made.parent.name, "model": "cd" * 32}, fill
    )
    stages = {"propensity": {"tasting": found.parent.name}}
    publish_list(work.parent / "lists", "2024-08-01", {"propensity": "cd" * 32}, stages, ids[:40])


def test_answers_of_categories_are_purchases_of_active_customers(tmp_path):
    draw = np.random.default_rng(0)
    ids = [f"c{number:03d}" for number in range(120)]
    bought, active = draw.random(120) < 0.4, draw.random(120) < 0.8
    rows = [
        (name, "wine", START_S - (5 if was else 50) * DAY_S) for name, was in zip(ids, active, strict=True)
    ]
    rows += [
        (name, "ale" if did else "wine", START_S + 3 * DAY_S) for name, did in zip(ids, bought, strict=True)
    ]
    rows += [(name, "ale", START_S + 14 * DAY_S) for name in ids]  # a day too late
    lines = pd.DataFrame(rows, columns=["customer_id", "item_id", "ordered_at_epoch_s"])
    lines["order_id"] = [f"o{number}" for number in range(len(lines))]
    lines = lines.assign(quantity=1, paid_cents=100, discount_cents=0, coupon_cents=0)
    items = pd.DataFrame({"item_id": ["ale", "wine"], "category": ["beer", "wine"], "department": "drinks"})
    tables = Tables(customers=pd.DataFrame({"customer_id": ids}), order_lines=lines, items=items)
    published_answers(tmp_path / "work", ids, draw.random(120))
    one = only(tmp_path, of_categories(tmp_path))
    assert (one.what, one.label.is_probability) == ("propensity-tasting", True)
    assert f"{one.label.window.label_ends_at:%Y-%m-%d}" == "2024-08-15"
    judged = one.rows(tables)
    assert list(judged.index) == [name for name, was in zip(ids, active, strict=True) if was]
    assert judged["outcome"].tolist() == bought[active].astype(int).tolist()
    found = judge(one, tables)
    assert found["base_rate"] == pytest.approx(bought[active].mean())
    assert found["contacted"] == active[:40].sum()
    assert found["mean_outcome_contacted"] == pytest.approx(bought[:40][active[:40]].mean())


def test_answers_to_a_campaign_have_no_labels_of_everybody(tmp_path):
    published_answers(tmp_path / "work", ["c1", "c2"], [0.1, 0.2], by="campaign", names=("18",))
    assert only(tmp_path, of_categories(tmp_path)).startswith("only who was contacted can answer a campaign")


@pytest.mark.parametrize(
    ("family", "words"), [("uplift", "no customer shows both"), ("recommend", "of items under")]
)
def test_effects_and_items_say_why_they_are_not_judged(tmp_path, family, words):
    name = published_stage(tmp_path / "work", family)
    scores = {family: {"tasting": name} if family == "recommend" else name, "features": "features-1"}
    publish_list(tmp_path / "lists", "2024-08-01", {family: "cd" * 32}, scores)
    assert words in only(tmp_path, of_categories(tmp_path))


def published_stage(work, name):
    made = stage(work, name, {"model": "cd" * 32}, lambda path: path.write_bytes(b""))
    return made.parent.name


def test_tables_of_a_list_of_another_version_are_left_out_with_the_reason(tmp_path, monkeypatch):
    """Before lists named families, their manifests named what a table was for."""
    stages = {
        name: published_stage(tmp_path / "work", name) for name in ("clv", "uplift", "tasting", "basket")
    }
    scores = {
        "features": "features-1",
        "value": stages["clv"],
        "effects": stages["uplift"],
        "responses": {"tasting": stages["tasting"]},
        "items": {"basket": stages["basket"]},
    }
    publish_list(tmp_path / "lists", "2024-08-01", {"clv": "cd" * 32}, scores)
    version = of_categories(tmp_path)
    monkeypatch.setattr("crm_ml.learning.realised.model_versions.Versions.find", lambda *_: version)
    report = realise(tmp_path / "lists", tmp_path / "work", None, LabelReach(date(2024, 9, 1)))
    assert (report.judged, report.failures) == ([], [])
    told = "no family {} has score tables; the list was made by another version"
    assert dict(report.left_out) == {
        ("value", told.format("value")): 1,
        ("effects", told.format("effects")): 1,
        ("tasting", told.format("responses")): 1,
        ("basket", told.format("items")): 1,
    }


def test_a_promise_is_of_the_same_task_alone(tmp_path, lines):
    class Run:
        params, metrics = {"target.horizon_days": "60"}, {"test.purchases_total_error": 0.1, "test.rmse": 2.0}

    value = only(tmp_path, published_values(tmp_path, lines)[0])
    assert promised_metrics(Run, value) == ({"total_error": 0.1}, "")
    Run.params = {"target.horizon_days": "91"}
    told = "training promised nothing of 60 days: its test window has 91"
    assert promised_metrics(Run, value) == ({}, told)
    published_answers(tmp_path / "answers/work", ["c1"], [0.5])
    promised, unlike = promised_metrics(Run, only(tmp_path / "answers", of_categories(tmp_path)))
    assert promised == {}
    assert "of many together" in unlike


def test_of_many_customers_a_part_is_judged_that_a_hash_has_drawn(tmp_path, lines, monkeypatch):
    version, tables = published_values(tmp_path, lines)
    assert MOST_CUSTOMERS >= 10_000
    one = only(tmp_path, version)
    whole = judge(one, tables)
    monkeypatch.setattr(module, "MOST_CUSTOMERS", 100)
    part = judge(one, tables)
    assert 60 < part["rows"] < 150 < whole["rows"]
    assert judge(one, tables) == part
