"""Configs: every mistake at once, overrides, and paths that stay inside."""

import shutil
from datetime import date, timedelta
from pathlib import Path

import pytest
import yaml

from crm_ml.config import ChurnRun, ClvRun, Defaults, load, load_run
from crm_ml.errors import ConfigError
from crm_ml.storage.paths import project_root

PROJECT = Path(__file__).resolve().parents[2]
CHURN = sorted(path.stem for path in (PROJECT / "configs/churn").glob("*.yaml"))
CLV = sorted(path.stem for path in (PROJECT / "configs/clv").glob("*.yaml"))
TARGET = {"horizon_days": 28, "active_within_days": 56}
SPLIT = {"test": ["2017-08-30"], "training_snapshots": 3}
SMALLEST = {
    "family": "churn",
    "data": {"name": "complete_journey"},
    "target": TARGET,
    "split": SPLIT,
    "model": {"name": "gradient_boosting"},
    "baselines": [{"name": "recency_rule"}],
    "register_as": {"name": "churn", "as_of": "2018-01-01"},
}


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project whose one run is the smallest; write another content with `write`."""
    (tmp_path / "configs/churn").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    write(tmp_path, SMALLEST)
    return tmp_path


def write(project, content):
    (project / "configs/churn/small.yaml").write_text(yaml.safe_dump(content))


@pytest.mark.parametrize("name", CHURN)
def test_every_committed_run_is_a_config_with_baselines(name, monkeypatch):
    monkeypatch.chdir(PROJECT)
    run = load_run(f"churn/{name}")
    assert isinstance(run, ChurnRun)
    assert run.baselines
    assert run.register_as.as_of >= max(run.split.test)


@pytest.mark.parametrize("name", CLV)
def test_every_committed_run_of_value_tests_after_what_chooses(name, monkeypatch):
    monkeypatch.chdir(PROJECT)
    run = load_run(f"clv/{name}")
    assert isinstance(run, ClvRun)
    ends = [day + timedelta(days=run.window_days(day)) for day in run.split.validation]
    assert max(ends) <= run.split.test
    test_ends = run.split.test + timedelta(days=run.window_days(run.split.test))
    assert run.window_days(run.split.test) == run.target.horizon_days
    assert run.register_as.as_of >= test_ends
    assert len(run.candidates) >= 2


def test_the_default_runs_exist(monkeypatch):
    monkeypatch.chdir(PROJECT)
    names = load(PROJECT / "configs/default.yaml", Defaults).runs
    assert {"churn/lightgbm", "clv/bg_nbd"} <= set(names)
    assert {load_run(name).family for name in names} == {"churn", "clv", "propensity", "recommend", "uplift"}


@pytest.mark.usefixtures("project")
def test_the_smallest_run_and_its_defaults():
    run = load_run("churn/small")
    assert run.split.test == (date(2017, 8, 30),)
    assert run.split.every_days == 7
    assert (run.calibration.methods, run.leave_out, run.allow_leaks, run.features) == ((), (), (), None)
    assert run.target.active_within == timedelta(days=56)
    snapshot = run.target.snapshot(run.split.test[0])
    assert (snapshot.label_ends_at - snapshot.as_of).days == 28
    with pytest.raises(ValueError, match="frozen"):
        run.seed = 3


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"sed": 1}, "sed: Extra inputs are not permitted"),
        ({"seed": "1"}, "seed: Input should be a valid integer"),
        ({"seed": 1.0}, "seed: Input should be a valid integer"),
        ({"family": "clv"}, "family: Input should be 'churn'"),
        ({"replicates": 99}, "replicates: Input should be greater than or equal to 100"),
        ({"target": TARGET | {"horizon_days": 0}}, "target.horizon_days: Input should be greater"),
        ({"target": TARGET | {"horizon_days": True}}, "target.horizon_days: Input should be a valid"),
        ({"split": SPLIT | {"test": []}}, "split.test: Tuple should have at least 1 item"),
        (
            {"split": SPLIT | {"test": ["2017-02-30"]}},
            "split.test[0]: Input should be a valid date",
        ),
        ({"split": SPLIT | {"test": ["2017-09-27", "2017-08-30"]}}, "split.test: test days must ascend"),
        ({"split": SPLIT | {"test": ["2017-08-30", "2017-08-30"]}}, "split.test: test days must ascend"),
        ({"baselines": [{"name": "logistic"}] * 2}, "baselines: each baseline may stand once"),
        ({"largest_ece": 1.5}, "largest_ece: Input should be less than 1"),
        ({"data": {"name": "cdnow", "ends_at": "soon"}}, "data.ends_at: Input should be a valid date"),
        ({"baselines": []}, "baselines: Tuple should have at least 1 item"),
        ({"model": {"name": "../boosting"}}, "model.name: String should match"),
        ({"model": {"name": "logistic", "options": {"strength": [1]}}}, "model.options.strength"),
        ({"register_as": {"name": "a/b", "as_of": "2018-01-01"}}, "register_as.name: String should match"),
        (
            {"calibration": {"methods": ["beta"]}},
            "calibration.methods[0]: Input should be 'platt'",
        ),
    ],
)
def test_a_mistake_is_named_with_its_place(project, change, words):
    write(project, SMALLEST | change)
    with pytest.raises(ConfigError) as caught:
        load_run("churn/small")
    assert words in str(caught.value)
    assert str(caught.value).startswith("small.yaml: ")


def test_all_mistakes_stand_in_one_message(project):
    write(project, SMALLEST | {"sed": 1, "seed": "one", "split": {"every_days": 0}})
    with pytest.raises(ConfigError) as caught:
        load_run("churn/small")
    message = str(caught.value)
    assert message.startswith("small.yaml: 5 mistakes\n")
    for place in ("sed", "seed", "split.every_days", "split.test", "split.training_snapshots"):
        assert f"\n  {place}: " in message


@pytest.mark.parametrize("content", ["[1, 2]", "text", "", "3"])
def test_a_file_that_is_no_mapping_is_refused_with_and_without_overrides(project, content):
    (project / "configs/churn/small.yaml").write_text(content)
    for overrides in ((), ("seed=1",)):
        with pytest.raises(ConfigError, match=r"small\.yaml|seed"):
            load_run("churn/small", overrides)


def test_another_name_drops_the_options_of_the_model_in_the_file():
    committed = load_run("churn/lightgbm").model.options
    assert committed
    assert load_run("churn/lightgbm", ["model.name=logistic"]).model.options == {}
    options = load_run("churn/lightgbm", ["model.options={strength: 2.0}", "model.name=logistic"])
    assert options.model.options == {"strength": 2.0}
    assert load_run("churn/lightgbm", ["model.name=blend"]).model.options == committed


@pytest.mark.usefixtures("project")
def test_overrides_reach_into_mappings_with_values_of_yaml():
    run = load_run(
        "churn/small",
        [
            "seed=5",
            "seed=6",
            "model.options.rounds=20",
            "model.options.learning_rate=0.1",
            "split.test=[2017-09-27, 2017-10-25]",
            "calibration.methods=[platt]",
            "features={rfm: {}, lifecycle: {new_within_days: 14}}",
            "split.earliest=2017-04-01",
            "data.path=a=b",
        ],
    )
    assert run.seed == 6
    assert run.model.options["rounds"] == 20
    assert run.model.options["learning_rate"] == 0.1
    assert run.split.test == (date(2017, 9, 27), date(2017, 10, 25))
    assert run.split.training_snapshots == 3
    assert run.calibration.methods == ("platt",)
    assert run.features == {"rfm": {}, "lifecycle": {"new_within_days": 14}}
    assert run.split.earliest == date(2017, 4, 1)
    assert run.data.path == "a=b"


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("seed", "--set seed: write it as key=value"),
        ("sed=1", "sed: Extra inputs are not permitted"),
        ("split.tests=[2017-01-01]", "split.tests: Extra inputs are not permitted"),
        ("family.deep=1", "family.deep is no key of this file"),
        ("=1", "Extra inputs are not permitted"),
        ("seed=", "seed: Input should be a valid integer"),
        ("split.test=[2017-01-01", "is no YAML"),
        ("seed=!!python/object/apply:os.getcwd []", "is no YAML"),
        ("split.test=2017-01-01", "split.test: Input should be a valid tuple"),
    ],
)
@pytest.mark.usefixtures("project")
def test_an_override_that_can_not_be_meant_is_refused(override, words):
    with pytest.raises(ConfigError) as caught:
        load_run("churn/small", [override])
    assert words in str(caught.value)


@pytest.mark.parametrize("name", ["../secret", "churn/../../secret", "/etc/passwd", "churn/link"])
def test_no_name_leaves_the_folder_of_configs(project, name):
    shutil.copy(project / "configs/churn/small.yaml", project / "secret.yaml")
    (project / "configs/churn/link.yaml").symlink_to(project / "secret.yaml")
    with pytest.raises(ConfigError, match="lies outside configs/"):
        load_run(name)


@pytest.mark.parametrize("name", ["churn/smal", "churn", "small", ""])
@pytest.mark.usefixtures("project")
def test_an_unknown_run_lists_the_known_ones(name):
    with pytest.raises(ConfigError, match="no run of that name; there are churn/small"):
        load_run(name)


def test_a_file_outside_a_family_is_no_run(project):
    (project / "configs/default.yaml").write_text("runs: [churn/small]")
    with pytest.raises(ConfigError, match="'default' is no family; there are churn"):
        load_run("default")


def test_a_key_that_stands_twice_is_refused(project):
    path = project / "configs/churn/small.yaml"
    path.write_text(path.read_text() + "\nseed: 1\nseed: 2\n")
    with pytest.raises(ConfigError, match="seed stands twice"):
        load_run("churn/small")


def test_overrides_do_not_stay_in_the_file(project):
    before = (project / "configs/churn/small.yaml").read_bytes()
    load_run("churn/small", ["seed=9"])
    assert (project / "configs/churn/small.yaml").read_bytes() == before
    assert load_run("churn/small").seed == 0
    assert project_root() == project
