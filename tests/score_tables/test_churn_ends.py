"""A list of another end of a relationship: whom it scores, and what comes true of it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from app_world import app_tables, terms_that_end, who_logged_in
from soak import sample
from third_party import third_party

import crm_ml
from crm_ml.learning.realised.realise import LabelReach
from crm_ml.models.relationship_ends import Renewal, Silence
from crm_ml.score_tables import churn
from crm_ml.tables.config_file import load_config

PROJECT = Path(__file__).resolve().parents[2]
EXPORT = PROJECT / ".." / "shared" / "cases" / "exports" / "app_events.csv.gz"
DAY = "2024-06-01"
DETAILS = {
    "silence": {"target": {"silence": {"kinds": ["login"]}}, "horizon_days": 7, "active_within_days": 14},
    "renewal": {
        "target": {"renewal": {"kinds": ["term"], "grace_days": 5}},
        "horizon_days": 19,
        "active_within_days": 35,
    },
}


@pytest.fixture
def no_store_warnings():
    with third_party():
        yield


@pytest.mark.parametrize("end", list(DETAILS))
def test_outcomes_are_known_as_far_as_events_reach(end):
    tables = app_tables(users=60)
    version = SimpleNamespace(details=DETAILS[end])
    label = churn.label(version, {}, datetime.fromisoformat(DAY).replace(tzinfo=UTC))
    outcomes = label.outcome(tables)
    days = DETAILS[end]["horizon_days"]
    if end == "silence":
        active, later = who_logged_in(tables, DAY, -14, 0), who_logged_in(tables, DAY, 0, days)
    else:
        active, later = terms_that_end(tables, DAY, days - 5, 5)
    assert set(outcomes.index) == active
    assert set(outcomes.index[outcomes == 0]) == active & later
    assert 0 < outcomes.sum() < len(outcomes)
    scores = SimpleNamespace(label=label, day=DAY)
    assert LabelReach(datetime(2024, 9, 1).date()).why_not(scores, tables) == ""
    late = churn.label(version, {}, datetime(2024, 7, 18, tzinfo=UTC))
    scores = SimpleNamespace(label=late, day="2024-07-18")
    assert "the data end on 2024-07-19" in LabelReach(datetime(2024, 9, 1).date()).why_not(scores, tables)


@pytest.mark.rota("from files to a list", 2)
@pytest.mark.usefixtures("no_store_warnings")
@pytest.mark.parametrize("orders", sample("an app with orders and without", [True, False], 1))
def test_an_app_without_orders_ends_with_a_model_that_scores_whom_it_is_about(orders):
    tables = app_tables(users=300, orders=orders)
    model = crm_ml.fit(
        "churn", tables, silence={"kinds": ["login"]}, horizon_days=7, active_within_days=14, replicates=100,
        settings={"model": {"name": "logistic"}, "largest_ece": 0.2},
    )  # fmt: skip
    assert model.holds
    shown = model.evaluation.frame.set_index(["model", "metric"])["value"]
    assert {"event_recency_rule", "event_cadence_rule", "logistic"} < set(shown.index.get_level_values(0))
    assert shown["model", "auc"] > 0.85
    scored = model.predict()
    as_of = model.config.register_as.as_of
    assert set(scored.index) == who_logged_in(tables, str(as_of), -14, 0)
    assert model.source().where == "event_rhythm_days_since < 14"
    assert "days since the last such event" in str(model.explain(scored.index[0]))
    assert model.config.target.end == Silence(kinds=("login",))


@pytest.mark.rota("from files to a list", 2)
@pytest.mark.slow
@pytest.mark.usefixtures("no_store_warnings")
@pytest.mark.skipif(not EXPORT.is_file(), reason=f"{EXPORT.name} is not there")
def test_the_app_export_ends_with_a_model_of_silence_as_its_page_says(tmp_path, monkeypatch):
    page = (PROJECT / "docs/how_to/ends_of_a_relationship.md").read_text(encoding="utf-8")
    mapping = page.partition("```yaml\nname: app")[2].partition("```")[0]
    events = pd.read_csv(EXPORT)
    some = events[events["user_id"].str[-1].isin(list("01234567"))]
    (tmp_path / "data/own").mkdir(parents=True)
    some.to_csv(tmp_path / "data/own/app_events.csv.gz", index=False)
    (tmp_path / "configs/data").mkdir(parents=True)
    (tmp_path / "configs/data/app.yaml").write_text(f"name: app{mapping}", encoding="utf-8")
    monkeypatch.setenv("CRM_ML_DATA", str(tmp_path / "cleaned"))
    tables = load_config(tmp_path / "configs/data/app.yaml")
    kinds = ["session_start", "level_up", "purchase"]
    assert tables.pandas("events")["kind"].value_counts().to_dict() == some["event"].value_counts().to_dict()
    model = crm_ml.fit(
        "churn", tables, silence={"kinds": kinds}, replicates=100, settings={"model": {"name": "logistic"}}
    )
    shown = model.evaluation.frame.set_index(["model", "metric"])["value"]
    assert shown["model", "auc"] > shown["event_recency_rule", "auc"] + 0.03
    assert "horizon of 28, activity within 56" in page
    assert (model.config.target.horizon_days, model.config.target.active_within_days) == (28, 56)
    today = pd.Timestamp(model.config.register_as.as_of, tz="UTC")
    days = (pd.to_datetime(some["timestamp"]) - today).dt.days
    assert set(model.predict().index) == set(some.loc[(days >= -56) & (days < 0), "user_id"])


@pytest.mark.rota("from files to a list", 2)
@pytest.mark.slow
@pytest.mark.usefixtures("no_store_warnings")
def test_renewals_end_with_a_model_that_scores_whose_term_ends():
    tables = app_tables(users=1_200)
    model = crm_ml.fit(
        "churn", tables, renewal={"kinds": ["term"], "grace_days": 5}, horizon_days=19, replicates=100,
        settings={"model": {"name": "logistic"}, "largest_ece": 0.2},
    )  # fmt: skip
    target = model.config.target
    assert target.end == Renewal(kinds=("term",), grace_days=5)
    assert timedelta(days=30) <= target.active_within < timedelta(days=42)
    shown = model.evaluation.frame.set_index(["model", "metric"])["value"]
    assert min(shown["model", "auc"], shown["renewals_rule", "auc"]) > 0.55
    ends, _ = terms_that_end(tables, str(model.config.register_as.as_of), 14, 5)
    assert set(model.predict().index) == ends
