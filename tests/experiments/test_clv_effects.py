"""Experiments of covariates and priors with few worlds: what they write, and that known effects come back."""

import json
from pathlib import Path

import numpy as np
import pytest
import scripts

FOLDER = Path(__file__).parents[2] / "experiments" / "002_clv"
STUDIES = {  # of each script the marker in the README, its result, and rows of it
    "covariate_coverage": ("covariates", 14),
    "timeline_coverage": ("timelines", 7),
    "small_cohorts": ("priors", 16),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", STUDIES)
def test_a_study_writes_its_table_and_repeats_itself(name, monkeypatch, tmp_path):
    script, (marker, rows) = scripts.load(f"002_clv/{name}.py", monkeypatch), STUDIES[name]
    monkeypatch.setattr(script, "CUSTOMERS", 300, raising=False)
    if name == "small_cohorts":
        monkeypatch.setattr(script, "SIZES", (50, 60, 70, 80))
    texts = []
    for folder in (tmp_path / "once", tmp_path / "again"):
        folder.mkdir()
        readme = folder / "README.md"
        readme.write_text(f"<!-- {marker} -->\n<!-- end of {marker} -->\n", encoding="utf-8")
        assert script.main(["--folder", str(folder), "--worlds", "2"]) == 0
        texts.append((readme.read_text("utf-8"), (folder / f"{name}.json").read_text("utf-8")))
    assert texts[0] == texts[1]
    assert texts[0][0].count("\n| ") == rows + 2  # with header and line
    assert len(json.loads(texts[0][1])["rows"]) == rows


@pytest.mark.parametrize("name", STUDIES)
def test_committed_counts_stand_in_the_readme(name, monkeypatch):
    script, marker = scripts.load(f"002_clv/{name}.py", monkeypatch), STUDIES[name][0]
    content = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    table = (FOLDER / "README.md").read_text("utf-8").partition(f"<!-- {marker} -->")[2]
    table = table.partition(f"<!-- end of {marker} -->")[0]
    assert content["worlds"] == script.WORLDS
    assert f"{content['worlds']:,} " in table
    assert table.count("\n| ") == len(content["rows"]) + 2
    if "coverage" in name:
        assert all(row["coverage"] >= content["target"] for row in content["rows"])


def test_known_effects_over_time_are_recovered(monkeypatch):
    """A sample of the worlds that are counted."""
    script = scripts.load("002_clv/timeline_coverage.py", monkeypatch)
    line = script.simulate(2_000, np.random.default_rng(7))
    fit = script.DynamicParetoNBD(["season", "mailed"], ["season"]).fit(line)
    for name, value in (script.TRUTH | script.EFFECTS).items():
        low, high = fit.confidence_intervals(0.999)[name]
        assert low < value < high, name
    assert fit.standard_errors_["purchases.season"] < 0.05
