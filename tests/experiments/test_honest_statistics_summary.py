"""The first table of experiment 9 is what its script makes of the files of the other scripts."""

import json
import shutil

import pytest
import scripts

FOLDER = scripts.EXPERIMENTS / "009_honest_statistics"


@pytest.fixture
def folder(tmp_path):
    """The README and the results of the experiment."""
    for path in (FOLDER / "README.md", *FOLDER.glob("*.json")):
        shutil.copy(path, tmp_path)
    return tmp_path


def test_the_committed_table_is_what_the_results_say_and_a_worse_result_is_missed(folder, monkeypatch):
    summary = scripts.load("009_honest_statistics/summary.py", monkeypatch)
    readme = folder / "README.md"
    committed = readme.read_text()
    assert summary.main(["--folder", str(folder)]) == 0
    assert readme.read_text() == committed
    assert "| fair draws refused, of all and of the worst kind |" in committed

    results = json.loads((folder / "broken_experiments.json").read_text())
    kind = next(iter(results["fair"]))
    results["fair"][kind]["refused"] = results["fair"][kind]["draws"]
    (folder / "broken_experiments.json").write_text(json.dumps(results))
    assert summary.main(["--folder", str(folder)]) == 0
    (line,) = [line for line in readme.read_text().splitlines() if line.startswith("| fair draws refused")]
    assert line.endswith("| **missed** |")
