"""experiments/005_recommend/results.py on a few households: what it writes, and that a look is kept once."""

import json
import re
import shutil
from pathlib import Path

import pytest
import scripts
import small_data

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "experiments" / "005_recommend"
SETS = {
    "replicates": "100",
    "target.least_events": "25",
    "model.options": "{windows: 2, rounds: 10, own: 30, candidates: 10, num_threads: 1}",
    "baselines": "[{name: popularity}, {name: personal_frequency}]",
}


@pytest.fixture
def results(monkeypatch):
    monkeypatch.chdir(ROOT)
    return scripts.load("005_recommend/results.py", monkeypatch)


def between(folder, marker):
    text = (folder / "README.md").read_text(encoding="utf-8")
    return re.search(f"<!-- {marker} -->\n(.*?)\n<!-- end of {marker} -->", text, re.S)[1]


@pytest.mark.slow
def test_it_writes_tables_with_baselines_and_counts_looks(results, tmp_path, monkeypatch):
    monkeypatch.setenv("CRM_ML_DATA", str(tmp_path / "data"))
    path = small_data.few_households(tmp_path / "households")
    shutil.copy(FOLDER / "README.md", tmp_path / "README.md")
    given = {**SETS, "data.path": str(path)}
    command = [
        "--only",
        "items",
        "--folder",
        str(tmp_path),
        *(part for one in given.items() for part in ("--set", "=".join(one))),
    ]
    assert results.main(command) == 0
    for marker in ("all items", "new items"):
        table = between(tmp_path, marker)
        assert {line.split(" | ")[0] for line in table.splitlines()[2:]} == {
            "| model", "| popularity", "| personal_frequency"
        }  # fmt: skip
    assert between(tmp_path, "targets of items").count("\n") == 4
    first = (tmp_path / "README.md").read_bytes()
    assert results.main(command) == 0
    assert (tmp_path / "README.md").read_bytes() == first
    assert len(json.loads((tmp_path / "results.json").read_text())["looks"]) == 1
    assert results.main([*command, "--set", "data.path=/no/such"]) == 2
