"""experiments/002_clv/results.py on the CDNOW sample: what it writes, keeps and judges."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import scripts

from crm_ml.evaluation.significance import Evaluation

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "experiments" / "002_clv"
FEW = {
    "candidates": "[{purchases: beta_geo}, {purchases: modified_beta_geo, first_purchase: true}]",
    "challenger": "null",
    "split.validation": "[1997-06-11, 1997-07-09]",
    "replicates": "100",
}
SETS = [part for key, value in FEW.items() for part in ("--set", f"{key}={value}")]


@pytest.fixture
def results(monkeypatch):
    """The script, under a name that no other experiment has."""
    monkeypatch.chdir(ROOT)
    return scripts.load("002_clv/results.py", monkeypatch)


def between(folder, marker):
    text = (folder / "README.md").read_text(encoding="utf-8")
    return re.search(f"<!-- {marker} -->\n(.*?)\n<!-- end of {marker} -->", text, re.S)[1]


@pytest.mark.rota("scripts of experiments", 1)
def test_it_writes_tables_and_keeps_each_look_once(results, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CRM_ML_DATA", str(tmp_path / "data"))
    shutil.copy(FOLDER / "README.md", tmp_path / "README.md")
    command = ["--only", "cdnow_sample", "--folder", str(tmp_path), *SETS]
    assert results.main(command) == 0
    first = (tmp_path / "README.md").read_bytes()
    assert results.main(command) == 0
    assert (tmp_path / "README.md").read_bytes() == first
    found = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))["cdnow_sample"]
    assert len(found["looks"]) == 1
    assert results.main([*command, "--set", "seed=3"]) == 0
    kept = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))["cdnow_sample"]
    assert [look["figures"] for look in kept["looks"]] == [found["looks"][0]["figures"]]
    capsys.readouterr()

    rules = ["zeros", "past_count", "recency_rule"]
    models = ["model", "beta_geo", "modified_beta_geo, first purchase", *rules]
    for kind in ("value", "purchases"):
        assert list(found[kind]) == models
        rows = between(tmp_path, f"cdnow_sample {kind}").splitlines()[2:]
        assert [row.split(" | ")[0].removeprefix("| ") for row in rows] == models
    assert found["outcomes"]["purchases"] == 1882
    assert found["purchases"]["past_count"]["rmse"]["value"] == pytest.approx(1.971, abs=5e-4)
    assert found["value"]["beta_geo"]["rmse"]["value"] == pytest.approx(72.30, abs=5e-3)
    assert found["choice"]["base"] == "modified_beta_geo, first purchase"
    assert "Chosen: modified_beta_geo, first purchase; tilt" in between(tmp_path, "cdnow_sample facts")


def test_targets_are_judged_by_the_values(results):
    def judged(**values):
        rows = {("model", name, "pooled"): np.full(20, value) for name, value in values.items()}
        return Evaluation(rows, ("model",), tuple(values))

    good = {"rmse": 71.99, "normalised_gini": 0.69, "total_error": -0.1}
    assert [row[2] for row in results.targets(judged(**good))] == ["met"] * 3
    bad = {"rmse": 72.0, "normalised_gini": 0.6899, "total_error": 0.101}
    assert [row[2] for row in results.targets(judged(**bad))] == ["**missed**"] * 3


def test_an_absent_file_of_online_retail_is_an_error_in_words(results, tmp_path, capsys):
    shutil.copy(FOLDER / "README.md", tmp_path / "README.md")
    command = ["--only", "online_retail", "--online-retail", str(tmp_path / "none.parquet")]
    assert results.main([*command, "--folder", str(tmp_path)]) == 2
    assert "error:" in capsys.readouterr().err
