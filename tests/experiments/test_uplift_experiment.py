"""The scripts of experiments/004_uplift and the simulator's measurement on few rows: what they write."""

import importlib
import json
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import small_data

from crm_ml.errors import ConfigError

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "experiments" / "004_uplift"
FEW = ["--set", "replicates=100", "--set", "split.halves=2"]
NAMES = (
    "choose", "effect_intervals", "effect_study", "nie_wager", "nie_wager_settings", "policy_trees",
    "results", "uplift_rates", "uplift_truth", "study",
)  # fmt: skip


@pytest.fixture
def scripts(monkeypatch, tmp_path):
    """Import scripts of the experiment by name, with none of another experiment in the way."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("CRM_ML_DATA", str(tmp_path / "data"))
    monkeypatch.syspath_prepend(FOLDER)
    for name in NAMES:
        monkeypatch.delitem(sys.modules, name, raising=False)
    yield importlib.import_module
    for name in NAMES:
        sys.modules.pop(name, None)


@pytest.fixture
def folder(tmp_path):
    shutil.copy(FOLDER / "README.md", tmp_path / "README.md")
    return tmp_path


def between(folder, marker):
    text = (folder / "README.md").read_text(encoding="utf-8")
    return re.search(f"<!-- {marker} -->\n(.*?)\n<!-- end of {marker} -->", text, re.S)[1]


def few_trees(study, monkeypatch):
    """Keep one candidate of lines and the response model of lines."""
    kept = {name: study.CANDIDATES[name] for name in ("T learner, lines", study.RESPONSE_LINES)}
    monkeypatch.setattr(study, "CANDIDATES", kept)
    model = study.Part(name="t_learner", options={"base": "logistic"})
    real = study.settings
    monkeypatch.setattr(study, "settings", lambda *a: real(*a).model_copy(update={"model": model}))
    monkeypatch.setattr(study, "committed", lambda _config: "T learner, lines")


def test_results_stand_beside_both_controls_and_a_look_is_kept_once(scripts, folder, monkeypatch):
    study = scripts("effect_study")
    few_trees(study, monkeypatch)
    path = small_data.few_of_hillstrom(folder / "file")
    results = scripts("results")
    command = ["--only", "hillstrom", "--folder", str(folder), *FEW, "--set", f"data.path={path}"]
    assert results.main(command) == 0
    table = between(folder, "hillstrom womens")
    assert "**T learner, lines**" in table
    for control in ("random order", "response model of the run", "response model, lines"):
        assert f"| {control} |" in table
    assert "Women, Qini at least 0.058" in between(folder, "hillstrom targets")
    first = (folder / "README.md").read_bytes()
    assert results.main(command) == 0
    assert (folder / "README.md").read_bytes() == first
    kept = json.loads((folder / "results.json").read_text())
    assert len(kept["looks"]) == 1
    assert set(kept["runs"]["hillstrom"]["arms"]) == {"mens", "womens"}


def test_rules_are_told_in_money(scripts, folder, monkeypatch):
    study = scripts("effect_study")
    few_trees(study, monkeypatch)
    path = small_data.few_of_starbucks(folder / "file")
    results = scripts("results")
    assert (
        results.main(["--only", "starbucks", "--folder", str(folder), *FEW, "--set", f"data.path={path}"])
        == 0
    )
    assert between(folder, "starbucks policies").count("\n") == 5
    assert between(folder, "starbucks rates").count("\n") == 4


def test_the_truth_of_the_simulated_shop_stands_beside_the_learners(scripts, folder, monkeypatch):
    study = scripts("effect_study")
    few_trees(study, monkeypatch)
    results = scripts("results")
    few = ["--set", "replicates=100", "--set", "data.options.customers=1000"]
    assert results.main(["--only", "simulated", "--folder", str(folder), *few]) == 0
    assert "**T learner, lines**" in between(folder, "simulated truth")


def test_candidates_are_compared_inside_training_halves_alone(scripts, folder, monkeypatch):
    study = scripts("effect_study")
    few_trees(study, monkeypatch)
    monkeypatch.setattr(study, "FULL_TREES", {})
    path = small_data.few_of_hillstrom(folder / "file")
    choose = scripts("choose")
    monkeypatch.setattr(choose, "REPLICATES", 100)
    config = choose.settings("uplift/hillstrom", [*FEW[1::2], f"data.path={path}"])
    from rich.progress import Progress

    rows, halves, _ = study.rows_of(config, Progress(disable=True))
    for half in halves:
        parts = study.inner_folds(half, list(rows.customer_id), 3)
        assert sum(part.test.astype(int) for part in parts).tolist() == half.training.astype(int).tolist()
        assert not any((part.training & half.test).any() for part in parts)
    command = ["--only", "hillstrom", "--folder", str(folder), *FEW, "--set", f"data.path={path}"]
    assert choose.main(command) == 0
    assert "| T learner, lines |" in between(folder, "hillstrom validation")


def test_every_learner_stands_beside_a_constant_effect(scripts, folder, monkeypatch):
    study = scripts("effect_study")
    few_trees(study, monkeypatch)
    script = scripts("nie_wager")
    assert script.main(["--draws", "2", "--rows", "300", "--folder", str(folder)]) == 0
    table = between(folder, "nie_wager")
    assert "| T learner, lines |" in table
    assert "| constant effect |" in table


@pytest.mark.parametrize("setting", ["A", "B", "C", "D"])
def test_the_settings_of_nie_and_wager_are_what_they_say(setting, scripts):
    simulate = scripts("nie_wager_settings").simulate
    rows = simulate(setting, 200_000, np.random.default_rng(1))
    assert rows.treatment.mean() == pytest.approx(rows.probability.mean(), abs=0.005)
    inverse = rows.treatment / rows.probability - (1 - rows.treatment) / (1 - rows.probability)
    assert (inverse * rows.y).mean() == pytest.approx(rows.effect.mean(), abs=0.05)
    if setting == "C":
        assert set(rows.effect) == {1.0}
    with pytest.raises(ConfigError, match="setting 'E' with 6 dimensions"):
        simulate("E", 10, np.random.default_rng(0))


def test_a_file_that_is_absent_is_told(scripts, folder, capsys):
    results = scripts("results")
    command = ["--only", "hillstrom", "--folder", str(folder), "--set", "data.path=/no/such.csv"]
    assert results.main(command) == 2
    assert "error: " in capsys.readouterr().err


def test_the_simulator_is_measured_beside_lines_of_hashes(folder, monkeypatch):
    shutil.copy(ROOT / "experiments" / "performance" / "README.md", folder / "README.md")
    monkeypatch.syspath_prepend(ROOT / "experiments" / "performance")
    monkeypatch.setattr(
        sys, "argv", ["simulator.py", "--customers", "500", "--readme", str(folder / "README.md")]
    )
    importlib.import_module("simulator").main()
    content = json.loads((folder / "simulator.json").read_text())
    assert content["lines"] > 2_000
    assert all(run["cpu_s"] > 0 for run in content["runs"].values())
    assert "| ratio |" in between(folder, "simulator")


@pytest.mark.usefixtures("scripts")
def test_a_policy_tree_is_the_best_of_all_there_are():
    trees = importlib.import_module("policy_trees")
    rng = np.random.default_rng(0)
    bins, scores = rng.integers(0, 4, (200, 2)), rng.normal(0, 1, (200, 3))
    scores[:, 1] += np.where((bins[:, 0] <= 1) != (bins[:, 1] <= 2), 2, -2)

    def best(rows, depth):
        if depth == 0:
            return scores[rows].sum(axis=0).max()
        sides = [rows & (bins[:, f] <= cut) for f in range(2) for cut in range(-1, 4)]
        return max(best(side, depth - 1) + best(rows & ~side, depth - 1) for side in sides)

    for depth in (1, 2):
        chosen = trees.best_tree(bins, scores, depth).choose(bins)
        reached = scores[np.arange(200), chosen].sum()
        assert reached == pytest.approx(best(np.ones(200, dtype=bool), depth))


@pytest.mark.usefixtures("scripts")
def test_intervals_of_single_effects_are_counted(tmp_path, capsys):
    shutil.copy(FOLDER / "README.md", tmp_path)
    script = importlib.import_module("effect_intervals")
    draw = script.two_steps(2)
    script.SETTINGS = {"two steps, 2 features": (draw, 400)}
    script.RESAMPLED = ()
    assert script.main(["--folder", str(tmp_path), "--draws", "2", "--shops", "0"]) == 0
    content = json.loads((tmp_path / "effect_intervals.json").read_text())
    (figures,) = content.values()
    assert 0.7 < figures["coverage"] <= 1
    assert "| two steps, 2 features | forest | 2 |" in (tmp_path / "README.md").read_text()
    capsys.readouterr()
