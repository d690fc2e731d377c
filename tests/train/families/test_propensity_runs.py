"""What a run of propensity leaves in the store, and what it refuses."""

import math

import pandas as pd
import pytest
from run_store import facts, files, first, folder, overall, version_folder
from small_runs import metrics_of_probabilities

from crm_ml import tracking
from crm_ml.config import load_run
from crm_ml.errors import ConfigError, InputError, LeakError
from crm_ml.storage.manifest import verify
from crm_ml.train import experiment

COUPON, CATEGORY = "propensity/coupon", "propensity/category"
FEW = {
    "features": "{rfm: {}, campaign: {}}",
    "leave_out": "[]",
    "split.test_from": "2017-11-15",
    "split.earliest": "2017-09-25",
}
pytestmark = pytest.mark.xdist_group("store")


@pytest.fixture
def client(store):
    assert store.exit_code == 0
    return tracking.connect()


@pytest.mark.parametrize("name", [COUPON, pytest.param(CATEGORY, marks=pytest.mark.slow)])
def test_a_run_names_every_metric_beside_its_baselines(store, client, name):
    metrics = store.metrics[name]
    assert set(metrics) == metrics_of_probabilities([part.name for part in load_run(name).baselines])
    assert all(math.isfinite(value) for value in metrics.values())
    run = first(client, name)
    assert overall(run) == pytest.approx(metrics)
    wanted = {f"plots/{plot}.png" for plot in ("calibration", "gains")}
    assert wanted | {"tables/metrics.csv", "tables/differences.csv", "facts.json"} <= files(run)
    for one in wanted:
        assert (folder(run) / one).read_bytes().startswith(b"\x89PNG")


def test_overlap_makes_answers_far_easier_to_tell_than_recency_does(store):
    metrics = store.metrics[COUPON]
    assert metrics["test.auc"] > metrics["baseline.recency_rule.auc"] + 0.1
    assert metrics["test.auc"] > metrics["baseline.shrunk_rate.auc"]


def test_every_campaign_is_scored_by_a_model_of_campaigns_that_had_ended(client):
    told = facts(first(client, COUPON))
    assert told["folds"][0]["test"] == "2017-10-30 campaign 18"
    assert len(told["folds"]) == 5
    for one in told["folds"]:
        assert one["training_labels_end"] <= one["as_of"]
        assert max(one["training"]) < one["test"]
    assert told["final"]["training_labels_end"] <= "2018-01-01"
    assert {"overlap_lines", "history_sent", "action_kind"} <= set(told["features"])


def test_the_manifest_says_what_scoring_needs(client):
    manifest = verify(version_folder(client, "propensity", 1))
    assert manifest["family"] == "propensity"
    assert manifest["kinds"] == ["Type A", "Type B", "Type C"]
    assert manifest["labels_end"] <= "2018-01-01"
    assert manifest["target"]["of"] == "answers"
    assert set(manifest["features"]) == {"campaign", "price", "rfm"}


@pytest.mark.slow
def test_the_predictions_of_a_category_run_are_of_active_households(client):
    category = verify(version_folder(client, "propensity_category", 1))
    assert category["kinds"] == sorted(load_run(CATEGORY).target.categories)
    told = facts(first(client, CATEGORY))
    days = {one["as_of"] for one in told["folds"]}
    assert days == {"2017-11-22"} < {str(day) for day in load_run(CATEGORY).split.test}
    written = pd.read_csv(folder(first(client, CATEGORY)) / "tables/metrics.csv")
    assert set(written["model"]) >= {"model", "logistic"}


@pytest.mark.slow  # test_reproduce does so for fewer customers
def test_a_second_run_repeats_the_first_to_the_bit(store, client):
    done = experiment.run(COUPON, store.settings(COUPON))
    assert done.outcome.facts["predictions_sha256"] == facts(first(client, COUPON))["predictions_sha256"]
    assert done.outcome.metrics == pytest.approx(store.metrics[COUPON], abs=0)


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"target.kinds": "[Type Z]"}, InputError, "touches: none of a campaign of kind Type Z"),
        (
            {"split.test_from": "2018-01-05", "split.test_until": "2018-01-06"},
            InputError,
            "no campaign was sent",
        ),
        ({"split.earliest": "2017-11-10"}, InputError, "no campaign had ended before 2017-11-15 campaign 19"),
        ({"split.open_windows": "false"}, InputError, "but the data end on 2018-01-01"),
        ({"target.responses": "[view]"}, InputError, "answers at .* take a longer window, more campaigns"),
        ({"target.purpose": "marketing"}, ConfigError, "consent"),
        ({"leave_out": "[overlaps_*]"}, ConfigError, r"overlaps_\* match no feature"),
    ],
)
def test_what_can_not_be_predicted_is_refused_by_name_and_registers_nothing(
    store, client, settings, error, words
):
    before = len(client.search_model_versions("name='propensity'"))
    with pytest.raises(error, match=words):
        experiment.run(COUPON, store.settings(COUPON, **FEW | settings))
    assert len(client.search_model_versions("name='propensity'")) == before


def test_a_feature_that_knows_the_answer_stops_the_run(store, monkeypatch):
    from crm_ml.propensity import occasion_rows as rows

    honest = rows.features_of

    def leaking(tables, wanted):
        from crm_ml.propensity.campaign_responses import answers

        return [
            X.assign(overlap_lines=answers(tables, occasion).reindex(X.index).astype(float))
            for (occasion, *_), X in zip(wanted, honest(tables, wanted), strict=True)
        ]

    monkeypatch.setattr(rows, "features_of", leaking)
    with pytest.raises(LeakError, match="overlap_lines"):
        experiment.run(COUPON, store.settings(COUPON, **FEW))


def test_labels_and_splits_that_do_not_fit_are_refused():
    with pytest.raises(ConfigError, match="answers by campaign"):
        load_run(COUPON, ["split={test: [2017-10-25], training_snapshots: 2, every_days: 28}"])
    with pytest.raises(ConfigError, match=r"test_until|before"):
        load_run(COUPON, ["split.test_from=2017-12-10", "split.test_until=2017-12-01"])
