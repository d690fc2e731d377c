"""experiments/010_cleaning on a small shop: the shares that it must reach, and that it sees what is wrong."""

import importlib
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest
import scripts
from soak import drawn, sample

FOLDER = Path(__file__).parents[2] / "experiments" / "010_cleaning"
QUICK, SLOW = ("text", "whole"), ("european", "offsets", "epochs", "typed")
STRICT = {"text": 0.78, "whole": 0.84}  # set aside counts as lost: some 25 kinds of 1 % each


@pytest.fixture(name="results")
def loaded(monkeypatch, tmp_path):
    monkeypatch.setenv("CRM_ML_DATA", str(tmp_path / "data"))
    return scripts.load("010_cleaning/results.py", monkeypatch)


def planted(results, dialect, classes, customers=400):
    exports = results.CleanExports(results.truths(customers, 1), 1)
    return exports.run(results.DIALECTS[dialect], results.names_of(dialect, classes))


@pytest.mark.parametrize("dialect", [*QUICK, *sample("dialects with faults", SLOW, 1)])
def test_cells_are_right_at_the_end(results, dialect):
    run = planted(results, dialect, results.KNOWABLE)
    assert run.refused == ""
    assert run.cells.share >= results.TARGET
    assert run.cells.strict >= STRICT.get(dialect, 0.8)
    assert run.unplanted_wrong == 0
    outcomes = run.outcomes.values()
    assert sum(outcome.silently_wrong + outcome.told_wrong for outcome in outcomes) == 0
    assert len(run.outcomes) == len(results.names_of(dialect, results.KNOWABLE)) > 3
    handled = sum(outcome.repaired + outcome.aside for outcome in outcomes)
    assert handled >= 0.95 * sum(outcome.planted for outcome in outcomes)  # for the right reason


def test_what_nobody_can_know_is_seen_as_wrong(results):
    run = planted(results, "text", ("unknowable",))
    wrong = {name: o.told_wrong + o.silently_wrong for name, o in run.outcomes.items()}
    assert wrong["hundred times the amount"] == run.outcomes["hundred times the amount"].silently_wrong > 0
    assert wrong["amount of a billion"] == run.outcomes["amount of a billion"].told_wrong > 0
    assert 0.9 < run.cells.share < results.TARGET


@pytest.mark.parametrize("dialect", sample("dialects without faults", (*QUICK, *SLOW), 1))
def test_a_clean_export_is_clean(results, dialect):
    run = planted(results, dialect, ())
    assert (run.cells.share, run.cells.strict, run.unplanted_aside) == (1, 1, {})


@pytest.mark.slow
@pytest.mark.soak("faults of files", 1)
def test_faults_of_files_are_read_right_or_refused(results):
    exports = results.CleanExports(results.truths(150, 1), 1)
    for name in drawn("faults of files", list(results.FILES), 8):
        fault = results.FILES[name]
        wanted = "wrong" if fault.expected == "unknowable" else fault.expected
        assert results.run_file(exports, fault)["outcome"] == wanted, name


def test_the_committed_figures_reach_the_target(results, tmp_path):
    """The tables follow from results.json, and no fault that can be known is wrong in them."""
    kept = importlib.import_module("study").saved(FOLDER / "results.json", {})
    shutil.copy(FOLDER / "README.md", tmp_path)
    results.write(kept, tmp_path)
    assert (tmp_path / "README.md").read_bytes() == (FOLDER / "README.md").read_bytes()
    assert set(kept["kinds"]) == set(results.FAULTS)
    runs = [run["knowable"] for run in kept["together"].values()]
    runs += [run for name, by in kept["kinds"].items() for run in by.values()
             if results.FAULTS[name].expected in results.KNOWABLE]  # fmt: skip
    assert min(results.share(run["cells"]) for run in runs) >= results.TARGET
    assert not re.search(r"\*\*accepted\*\*", (tmp_path / "README.md").read_text(encoding="utf-8"))


def test_a_row_is_judged_by_all_of_its_cells(monkeypatch):
    judge = scripts.load("010_cleaning/cleaning_judge.py", monkeypatch)
    truth = pd.DataFrame({"tag": ["a", "a", "b", "c"], "paid": [1, 2, 3, 4], "id": ["x", "y", "z", "w"]})
    accepted = pd.DataFrame({"tag": ["a", "b", "d"], "paid": [2, 9, 7], "id": ["y", "z", "v"]})
    matched = judge._matched(truth, accepted, ["paid", "id"])
    judged = judge._counted(matched, {"c"}, 2, {})
    assert judged.cells == judge.Cells(right=3, aside=2, wrong=5)
