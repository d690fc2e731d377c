"""Who makes an event of a kind: labels by plain pandas, the scores of such a model, and what comes true."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pandas as pd
import pytest
from app_world import app_tables, who_logged_in
from pydantic import ValidationError
from third_party import third_party

import crm_ml
from crm_ml.config import PropensityRun
from crm_ml.errors import InputError
from crm_ml.learning.list_outcomes import answered
from crm_ml.propensity.event_occasions import event_occasions, events_in
from crm_ml.score_tables import propensity
from crm_ml.snapshots import DAY_S, Snapshot
from crm_ml.tables.bundle import to_pandas

SNAPSHOT = Snapshot("2024-06-01", timedelta(days=14))
WITHIN = timedelta(days=28)
RUN = {
    "family": "propensity",
    "data": {"name": "complete_journey"},
    "target": {"of": "events", "kinds": ["term"], "horizon_days": 14, "active_within_days": 28},
    "split": {"test": ["2024-06-01"], "training_snapshots": 2},
    "model": {"name": "logistic"},
    "baselines": [{"name": "event_recency_rule"}],
    "register_as": {"name": "app", "as_of": "2024-07-01"},
}


@pytest.fixture
def no_store_warnings():
    with third_party():
        yield


@pytest.fixture(scope="module")
def tables():
    return app_tables(users=60)


def who(tables, kinds, first, last):
    events = tables.pandas("events")
    days = (events["occurred_at_epoch_s"] - SNAPSHOT.epoch_s) / DAY_S
    return set(events.loc[events["kind"].isin(kinds) & (days >= first) & (days < last), "customer_id"])


def test_labels_agree_with_pandas_and_say_what_is_wrong(tables):
    term, login = event_occasions(SNAPSHOT, ["term", "login"])
    active = who(tables, ["term", "login"], -28, 0)
    for occasion, kind in ((term, "term"), (login, "login")):
        happened = events_in(tables, occasion, WITHIN)
        assert set(happened.index) == active
        assert set(happened.index[happened == 1]) == active & who(tables, [kind], 0, 14)
    assert set(happened.index[happened == 1]) <= who_logged_in(tables, "2024-06-01", 0, 14)
    with pytest.raises(InputError, match="no event of kind lesson; there are login, term"):
        events_in(tables, event_occasions(SNAPSHOT, ["lesson"])[0], WITHIN)
    late = event_occasions(SNAPSHOT.shifted(40), ["term"])[0]
    with pytest.raises(InputError, match="the day after the last event"):
        events_in(tables, late, WITHIN)


def test_groups_follow_from_the_kinds():
    run = PropensityRun.model_validate(RUN | {"features": {"rfm": {}}})
    assert run.target.predicts.endswith("makes an event of kind term in time")
    assert run.groups == {"rfm": {}, "event_rhythm": {"kinds": ["term"]}}
    with pytest.raises(ValidationError, match="follows from the target"):
        PropensityRun.model_validate(RUN | {"features": {"event_rhythm": {}}})


def test_what_comes_true_and_who_answered_are_the_events(tables):
    answer = {"kind": "term", "days": 14, "by": "event", "names": ["term"]}
    version = SimpleNamespace(details={"target": RUN["target"]})
    label = propensity.label(version, {"ingredients": {"action": answer}}, datetime(2024, 6, 1, tzinfo=UTC))
    assert label.table == "events"
    occasion = event_occasions(SNAPSHOT, ["term"])[0]
    pd.testing.assert_series_equal(label.outcome(tables), events_in(tables, occasion, WITHIN))
    action = SimpleNamespace(
        action_id="a", value=SimpleNamespace(answer=propensity.Answer.model_validate(answer, strict=False))
    )  # fmt: skip
    assert set(to_pandas(answered(tables, action, SNAPSHOT))["customer_id"]) == who(tables, ["term"], 0, 14)


@pytest.mark.slow
@pytest.mark.usefixtures("no_store_warnings")
def test_a_model_of_events_scores_everybody_for_each_kind():
    app = app_tables(users=300)
    model = crm_ml.fit(
        "propensity", app, kinds=["term"], horizon_days=14, active_within_days=28, replicates=100,
        settings={"model": {"name": "logistic"}, "largest_ece": 0.2},
    )  # fmt: skip
    assert model.holds
    shown = model.evaluation.frame.set_index(["model", "metric"])["value"]
    assert shown["model", "auc"] > max(shown["event_recency_rule", "auc"], shown["event_cadence_rule", "auc"])
    scored = model.predict()
    assert set(scored["action"]) == {"term"}
    assert len(scored) == 300
