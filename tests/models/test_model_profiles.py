"""The profile that every registered model carries."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
import run_store

from crm_ml import tracking
from crm_ml.models import model_profiles
from crm_ml.models.model_profiles import Known, Seen, of_seen
from crm_ml.monitoring.bins import Texts
from crm_ml.monitoring.training_profile import PROFILE_FILE, Profile
from crm_ml.snapshots import Snapshot
from crm_ml.storage.manifest import verify

FAMILIES = {"churn": "p_churn", "propensity": "p_response", "uplift": "uplift_", "clv": "clv_cents"}


def occasion(day, kind):
    return Seen(datetime(2024, 1, day, tzinfo=UTC), pd.DataFrame(), kind)


def test_the_newest_two_moments_of_each_kind_are_kept():
    days = {"a": (1, 2, 3), "b": (4, 2, 1)}
    given = [occasion(day, kind) for kind, found in days.items() for day in found]
    known = Known.newest(given, lambda one: one.group)
    assert sorted(one.day for one in known.wanted) == [2, 3, 4]
    frame = pd.DataFrame({"f": [1.0, 2.0]}, index=["ada", "bob"])
    for day in (1, 2, 3):
        known.keep(Snapshot(datetime(2024, 1, day, tzinfo=UTC), timedelta(days=1)), frame)
    assert known.customers == {"2024-01-02": 2, "2024-01-03": 2}
    allowed = known.allowed(["bob"])
    assert [list(one.index) for one in allowed.frames.values()] == [["bob"], ["bob"]]
    assert allowed.customers == known.customers
    assert known.allowed(None) is known


def test_of_many_customers_a_hash_of_their_ids_draws_a_part(monkeypatch):
    monkeypatch.setattr(model_profiles, "MOST_CUSTOMERS", 100)
    frame = pd.DataFrame({"f": np.arange(1_000.0)}, index=[f"c{number}" for number in range(1_000)])
    kept = []
    for rows in (frame, frame[::-1]):
        known = Known(frozenset({datetime(2024, 1, 1, tzinfo=UTC)}))
        known.keep(Snapshot(datetime(2024, 1, 1, tzinfo=UTC), timedelta(days=1)), rows)
        assert known.customers == {"2024-01-01": 1_000}
        kept.append(set(next(iter(known.frames.values())).index))
    assert kept[0] == kept[1]
    assert 60 < len(kept[0]) < 140


def test_scores_are_by_kind_and_features_by_day():
    draw = np.random.default_rng(0)
    seen = []
    for day, kind in ((1, "mail"), (1, "push"), (15, "mail")):
        X = pd.DataFrame({"f": draw.random(200), "action_days": 7.0})
        seen.append(Seen(datetime(2024, 1, day, tzinfo=UTC), X, kind))

    def predict(X):
        return {"p_response": X["f"].to_numpy() / 2}

    found = of_seen(seen, predict, {"2024-01-15": 210}, ["action_days"])
    assert [(one.name, sum(one.counts)) for one in found.features] == [("f", 400)]
    sums = {(one.name, one.group): sum(one.counts) for one in found.scores}
    assert sums == {("p_response", "mail"): 400, ("p_response", "push"): 200}
    assert found.rates["p_response mail"]["2024-01-15"] == pytest.approx(seen[2].X["f"].mean() / 2)
    assert list(found.rates["p_response push"]) == ["2024-01-01"]


@pytest.mark.xdist_group("store")
def test_every_registered_model_carries_its_profile_without_an_id(store):
    client = tracking.connect()
    found = pd.read_parquet(store.households / "transactions.parquet", columns=["household_id"])
    ids = {str(one) for one in found["household_id"].unique() if len(str(one)) > 2}  # 1 is a size
    assert len(ids) > 100
    checked, texts = set(), 0
    for one in client.search_registered_models():
        for version in client.search_model_versions(f"name='{one.name}'"):
            folder = run_store.version_folder(client, one.name, version.version)
            manifest = verify(folder)
            if manifest["family"] not in FAMILIES:
                continue
            checked.add(manifest["family"])
            assert PROFILE_FILE in manifest["files"]
            profile = Profile.read(folder)
            assert any(score.name.startswith(FAMILIES[manifest["family"]]) for score in profile.scores)
            assert min(profile.customers.values()) > 0
            known = {column.name for column in profile.features}
            if manifest["family"] == "churn":
                run = client.get_run(version.run_id)
                assert known == set(run_store.facts(run)["features"])
            assert "customer_id" not in (folder / PROFILE_FILE).read_text()
            kept = [one.bins.levels for one in profile.features if isinstance(one.bins, Texts)]
            assert ids.isdisjoint(level for levels in kept for level in levels)
            texts += len(kept)
            assert profile.labelled == (("p_churn",) if manifest["family"] == "churn" else ())
            if manifest["family"] == "clv":
                assert known == {"frequency", "recency", "T", "monetary_value"}
                assert profile.rates == {}
    assert checked == set(FAMILIES)
    assert texts > 0
