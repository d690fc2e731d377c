"""experiments/002_clv/interval_coverage.py with few simulations: what it writes, and what it counts."""

import dataclasses
import doctest
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import scripts

from crm_ml.clv import ModifiedBetaGeo

FOLDER = Path(__file__).parents[2] / "experiments" / "002_clv"
SMALL = ["--simulations", "2", "--bootstrap-simulations", "2", "--customers", "400"]


@pytest.fixture
def coverage(monkeypatch):
    """The script, under a name that is not the one of the package coverage."""
    return scripts.load("002_clv/interval_coverage.py", monkeypatch)


@pytest.fixture
def fits(coverage):
    """What it fits."""
    return sys.modules[coverage.simulate_and_fit.__module__]


@pytest.fixture
def table(coverage):
    """What it counts and writes."""
    return sys.modules[coverage.report.__module__]


FEW_REPLICATES = """
import dataclasses
import sys

sys.path.insert(0, {folder!r})
import coverage_fits

for name, study in coverage_fits.STUDIES.items():
    coverage_fits.STUDIES[name] = dataclasses.replace(study, replicates=min(study.replicates, 20))
"""


@pytest.mark.rota("scripts of experiments", 1)
@pytest.mark.slow
def test_it_writes_every_quantity_and_repeats_itself_on_two_processes(
    coverage, fits, monkeypatch, tmp_path, capsys
):
    once, again = tmp_path / "once", tmp_path / "again"
    for folder in (once, again):
        folder.mkdir()
        (folder / "README.md").write_text("<!-- coverage -->\n<!-- end of coverage -->\n", encoding="utf-8")
    for name, study in fits.STUDIES.items():
        few = dataclasses.replace(study, replicates=min(study.replicates, 20))
        monkeypatch.setitem(fits.STUDIES, name, few)
    assert coverage.main([*SMALL, "--folder", str(once), "--processes", "1"]) == 0
    script = tmp_path / "few.py"  # the processes of the pool begin with it too
    ending = "from interval_coverage import main\n\nif __name__ == '__main__':\n    sys.exit(main())\n"
    script.write_text(FEW_REPLICATES.format(folder=str(FOLDER)) + ending, encoding="utf-8")
    subprocess.run(
        [sys.executable, str(script), *SMALL, "--folder", str(again)], check=True, capture_output=True
    )
    for name in ("coverage.json", "README.md"):
        assert (once / name).read_bytes() == (again / name).read_bytes()
    rows = json.loads((once / "coverage.json").read_text(encoding="utf-8"))["rows"]
    asked = {name: [row["quantity"] for row in rows if row["model"] == name] for name in coverage.STUDIES}
    for name, study in coverage.STUDIES.items():
        assert set(study.truth) < set(asked[name]), name
    assert "expected purchases" in asked["Pareto/NBD"]
    assert "expected value" in asked["Pareto/NBD"]
    assert "expected spend" in asked["Gamma-Gamma, bootstrap"]
    for row in rows:
        assert ("wald_coverage" in row) == (row["interval"] == "profile"), row
        assert row["coverage"] + row["truth_below"] + row["truth_above"] == pytest.approx(1, abs=1e-4)
        low, high = row["coverage_interval"]
        assert low <= row["coverage"] <= high
    assert "| BG/NBD | alpha | 4.414 |" in (once / "README.md").read_text(encoding="utf-8")
    assert "Recovery of simulated parameters" in capsys.readouterr().out


def test_an_interval_is_counted_by_its_side_and_a_missing_one_holds_nothing(fits, table):
    study = fits.STUDIES["Gamma-Gamma"]
    ends = {"holds": (5.0, 7.0), "below": (7.0, 8.0), "above": (5.0, 6.0), "none": (np.nan, np.nan)}

    def simulation(low, high):
        at = {name: fits.Estimate(6.0, 0.0, 1e9, 0.1, np.log(6.0), "Wald") for name in fits.truths(study)}
        return at | {"p": fits.Estimate(6.0, low, high, 0.1, np.log(6.0), "profile", wald=(5.0, np.inf))}

    found = [simulation(*each) for each in ends.values()] + [{}]
    rows = {row["quantity"]: row for row in table.summarise("name", study, found)}
    row = rows["p"]
    assert (row["coverage"], row["truth_below"], row["truth_above"]) == (0.2, 0.2, 0.2)
    assert (row["without_interval"], row["without_end"], row["simulations"]) == (2, 0, 5)
    assert (row["wald_coverage"], row["wald_without_interval"], row["wald_without_end"]) == (0.8, 1, 4)
    assert row["bias_of_log"] == pytest.approx(np.log(6.0 / 6.25), abs=1e-6)
    assert "wald_coverage" not in rows["q"]


def test_too_few_intervals_are_no_result(fits, table):
    with pytest.raises(SystemExit, match="only 0 simulations"):
        table.summarise("name", fits.STUDIES["BG/NBD"], [{}, {}])


@pytest.mark.parametrize("name", ["BG/NBD", "MBG/NBD", "Pareto/NBD"])
def test_simulated_customers_buy_as_often_as_the_formula_of_a_new_customer_says(fits, name):
    study = fits.STUDIES[name]
    first = study.model is ModifiedBetaGeo
    summary = fits.simulate(study.truth, first, 40_000, np.random.default_rng(4))
    expected = np.mean(fits.known(study).expected_since_first(np.linspace(27, 39, 201)))
    error = summary["frequency"].std() / np.sqrt(len(summary))
    assert abs(summary["frequency"].mean() - expected) < 4 * error
    assert (summary["recency"] <= summary["T"]).all()
    assert ((summary["frequency"] == 0) == (summary["recency"] == 0)).all()


def test_simulated_spend_has_the_mean_of_the_model(fits):
    summary = fits.simulate(fits.STUDIES["BG/NBD"].truth, False, 40_000, np.random.default_rng(5))
    paid = summary.loc[summary["frequency"] > 0, "monetary_value"]
    mean = fits.SPEND["p"] * fits.SPEND["v"] / (fits.SPEND["q"] - 1)
    assert abs(paid.mean() - mean) < 4 * paid.std() / np.sqrt(len(paid))
    assert (summary.loc[summary["frequency"] == 0, "monetary_value"] == 0).all()


def test_truths_are_those_of_the_published_example(fits):
    found = fits.truths(fits.STUDIES["BG/NBD"])
    assert found["expected purchases"] == pytest.approx(1.226, abs=5e-4)  # Fader, Hardie and Lee (2005)
    assert found["expected value"] == pytest.approx(found["expected purchases"] * 26.84, rel=1e-3)


def test_examples_hold(table):
    assert doctest.testmod(table) == doctest.TestResults(failed=0, attempted=1)
