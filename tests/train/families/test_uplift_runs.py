"""What a run of uplift leaves in the store: controls beside every number, verdicts, and what it refuses."""

import math

import numpy as np
import pandas as pd
import pytest
import small_data
from run_store import facts, files, first, folder, overall, runs, version_folder

from crm_ml import tracking
from crm_ml.config import load_run
from crm_ml.errors import ConfigError, InputError, LeakError
from crm_ml.models import model_folder
from crm_ml.storage.manifest import verify
from crm_ml.train import experiment
from crm_ml.train.families.uplift import policy_values
from crm_ml.uplift import uplift_pyfunc

HILLSTROM, SPEND, STARBUCKS, SIMULATED = (
    "uplift/hillstrom", "uplift/hillstrom_spend", "uplift/starbucks", "uplift/simulated"
)  # fmt: skip
pytestmark = pytest.mark.xdist_group("store")


@pytest.fixture
def client(store):
    assert store.exit_code == 0
    return tracking.connect()


def gates(run):
    return {one["name"]: one for one in facts(run, "gates")}


@pytest.mark.parametrize(
    "name", [HILLSTROM, pytest.param(SPEND, marks=pytest.mark.slow), STARBUCKS, SIMULATED]
)
def test_both_controls_stand_beside_every_metric_of_every_arm(store, client, name):
    metrics = store.metrics[name]
    assert all(math.isfinite(value) for value in metrics.values())
    told = {key.removeprefix("test.") for key in metrics if key.startswith("test.")}
    assert len(told) >= 9
    for control in ("random", "response"):
        for kind in ("baseline", "difference"):
            found = {
                key.removeprefix(f"{kind}.{control}.")
                for key in metrics
                if key.startswith(f"{kind}.{control}.")
            }
            assert found == told, (kind, control)
    for key in told:
        if not key.endswith((".low", ".high")):
            low, high = metrics[f"test.{key}.low"], metrics[f"test.{key}.high"]
            assert low <= high
            difference = metrics[f"test.{key}"] - metrics[f"baseline.response.{key}"]
            assert metrics[f"difference.response.{key}"] == pytest.approx(difference)
    assert overall(first(client, name)) == pytest.approx(metrics)


@pytest.mark.parametrize(("name", "arms"), [(HILLSTROM, ["mens", "womens"]), (STARBUCKS, ["promotion"])])
def test_a_run_leaves_pictures_and_tables_of_every_arm(client, name, arms):
    run = first(client, name)
    plots = {f"plots/{plot}_{arm}.png" for plot in ("qini", "tenths") for arm in arms}
    tables = {f"tables/{one}.csv" for one in ("metrics", "differences", "balance", "tenths")}
    assert plots | tables <= files(run)
    assert ("tables/policies.csv" in files(run)) == (load_run(name).worth is not None)
    for one in plots:
        assert (folder(run) / one).read_bytes().startswith(b"\x89PNG")
    tenths = pd.read_csv(folder(run) / "tables/tenths.csv")
    assert set(tenths.get("arm", pd.Series(arms))) == set(arms)


def test_the_verdict_decides_what_is_promoted_and_what_scoring_may_use(store, client):
    for name in store.of("uplift"):
        run = first(client, name)
        verified = facts(run)["verified_arms"]
        assert (run.data.tags["promoted"] == "true") == bool(verified)
        manifest = verify(version_folder(client, load_run(name).register_as.name, 1))
        assert manifest["verified_arms"] == verified
        assert set(verified) <= set(manifest["arms"])
        verdicts = facts(run)["verdicts"]
        assert {arm for arm, one in verdicts.items() if one["decision"] == "target by uplift"} == set(
            verified
        )


def test_a_simulated_campaign_is_predicted_by_those_whose_windows_had_ended(client):
    told = facts(first(client, SIMULATED))
    assert len(told["trials"]) == 8
    assert told["trials"] == sorted(told["trials"])
    manifest = verify(version_folder(client, "uplift", 1))
    assert manifest["last_trial"] < manifest["labels_end"] <= "2024-12-29"
    assert "attribute_invited_by" not in manifest["columns"]


def test_the_registered_model_scores_a_frame(client):
    learner = model_folder.load(version_folder(client, "uplift_starbucks", 1))
    assert learner.arms_ == ("promotion",)
    columns = verify(version_folder(client, "uplift_starbucks", 1))["columns"]
    frame = pd.DataFrame({name: np.arange(5.0) for name in columns})
    found = model_folder.PyfuncModel(learner, uplift_pyfunc.score).predict(frame)
    assert list(found.columns) == ["uplift_promotion"]
    assert np.isfinite(found).all(axis=None)


def test_a_second_run_repeats_the_first_to_the_bit(store, client):
    experiment.run(STARBUCKS, store.settings(STARBUCKS))
    new, old = runs(client, STARBUCKS)[0], first(client, STARBUCKS)
    assert new.data.metrics == old.data.metrics
    pair = [verify(version_folder(client, "uplift_starbucks", version))["files"] for version in (1, 2)]
    assert pair[0] == pair[1]


def test_rules_are_valued_on_test_rows_and_response_treats_as_many_as_uplift(client):
    table = pd.read_csv(folder(first(client, STARBUCKS)) / "tables/policies.csv").set_index("policy")
    assert list(table.index) == ["treat none", "all: promotion", "by response", "by uplift"]
    assert table.loc["treat none", ["difference", "treated"]].tolist() == [0, 0]
    assert table.loc["all: promotion", "treated"] == 1
    assert table.loc["by response", "treated"] == pytest.approx(table.loc["by uplift", "treated"])
    assert (table["low"] <= table["value"]).all()


def test_a_rule_by_response_takes_the_best_rows_and_their_best_arm():
    net = np.array([[1.0, 5.0], [7.0, 2.0], [0.0, 0.5], [3.0, 3.0]])
    assert policy_values._by_response(net, 2).tolist() == [2, 1, 0, 0]
    assert policy_values._by_response(net, 4).tolist() == [2, 1, 2, 1]


@pytest.mark.parametrize(
    ("name", "settings", "error", "words"),
    [
        (
            HILLSTROM,
            {"arms": "[women]"},
            ConfigError,
            "arms: women not in assignments; there are control, mens",
        ),
        (HILLSTROM, {"target.control": "nobody"}, InputError, "no row of the control 'nobody' among arms"),
        (HILLSTROM, {"target.kind": "call"}, InputError, "y is the same for all rows of an arm"),
        (HILLSTROM, {"leave_out": "[attributes_*]"}, ConfigError, r"attributes_\* match no feature"),
        (SIMULATED, {"split": "{halves: 2}"}, InputError, "8 trials from .* split them by date"),
        (
            SIMULATED,
            {"split.test_from": "2025-02-01", "split.test_until": "2025-03-01"},
            InputError,
            "no trial was",
        ),
        (SIMULATED, {"target.purpose": "null"}, ConfigError, "consent"),
        (SIMULATED, {"target.purpose": "profiling"}, InputError, "nobody allows 'profiling' on"),
        (SIMULATED, {"register_as.as_of": "2024-01-01"}, InputError, "no trial had ended by"),
    ],
)
def test_what_can_not_be_learned_is_refused_by_name_and_registers_nothing(
    store, client, name, settings, error, words
):
    registered = load_run(name).register_as.name
    before = len(client.search_model_versions(f"name='{registered}'"))
    with pytest.raises(error, match=words):
        experiment.run(name, store.settings(name, **settings))
    assert len(client.search_model_versions(f"name='{registered}'")) == before


def test_a_file_whose_arms_follow_from_a_column_stops_the_run(store, client, tmp_path):
    path = small_data.few_of_starbucks(tmp_path / "file")
    file = pd.read_csv(path)
    file["V4"] = (file["Promotion"] == "Yes").astype(int)
    file.to_csv(path, index=False)
    settings = [one for one in store.settings(STARBUCKS) if not one.startswith("data.path=")]
    before = len(client.search_model_versions("name='uplift_starbucks'"))
    with pytest.raises(LeakError, match=r"the arm follows from a feature: attribute_v4|attribute_V4"):
        experiment.run(STARBUCKS, [*settings, f"data.path={path}"])
    assert len(client.search_model_versions("name='uplift_starbucks'")) == before


@pytest.mark.parametrize(
    ("treated", "words"), [(0, "touches: has no rows"), (10, "an arm needs at least 30 rows: promotion has ")]
)
def test_a_file_of_one_arm_stops_the_run(store, tmp_path, treated, words):
    path = small_data.few_of_starbucks(tmp_path / "file")
    file = pd.read_csv(path)
    promoted = file.index[file["Promotion"] == "Yes"]
    file.drop(promoted[treated:]).to_csv(path, index=False)
    settings = [one for one in store.settings(STARBUCKS) if not one.startswith("data.path=")]
    with pytest.raises(InputError, match=words):
        experiment.run(STARBUCKS, [*settings, f"data.path={path}"])


def test_a_draw_that_lost_rows_is_not_promoted_whatever_its_verdict(store, client, tmp_path):
    path = small_data.few_of_hillstrom(tmp_path / "file")
    file = pd.read_csv(path)
    treated = file[file["segment"] == "Womens E-Mail"]
    file.drop(treated.index[: len(treated) // 4]).to_csv(path, index=False)
    settings = [one for one in store.settings(HILLSTROM) if not one.startswith("data.path=")]
    experiment.run(HILLSTROM, [*settings, f"data.path={path}"])
    run = runs(client, HILLSTROM)[0]
    assert not gates(run)["arms as declared"]["passed"]
    assert facts(run)["verified_arms"] == []
    assert run.data.tags["promoted"] == "false"
