"""experiments/performance/runs.py on one small run: what it measures, and the table that it writes."""

import json
import sys

import pytest
import scripts
from small_data import few_households
from small_runs import home, settings

from crm_ml.churn import snapshot_rows
from crm_ml.train import experiment


@pytest.fixture
def script(monkeypatch):
    """The script, whose cases run in this process; what it puts in place of functions is put back."""
    loaded = scripts.load("performance/runs.py", monkeypatch)
    for module, name in ((experiment, "execute"), (experiment, "load_tables"), (snapshot_rows, "matrix")):
        monkeypatch.setattr(module, name, getattr(module, name))
    return loaded


@pytest.mark.slow
def test_it_measures_a_run_and_writes_its_table(script, tmp_path, monkeypatch, capsys):
    readme = tmp_path / "README.md"
    readme.write_text("<!-- runs -->\n<!-- end of runs -->\n", encoding="utf-8")
    with home(tmp_path):
        found = script.run_once(
            "churn/lightgbm", settings("churn/lightgbm", few_households(tmp_path / "few", 60))
        )
    parts = {name.rpartition("_wall_s")[0] for name in found if name.endswith("_wall_s")}
    assert parts == {"run", "execute", "tables", "features", "tracking"}
    assert all(value > 0 for value in found.values())
    inside = found["execute_wall_s"] + found["tables_wall_s"] + found["tracking_wall_s"]
    assert inside == pytest.approx(found["run_wall_s"])
    assert found["features_wall_s"] < found["execute_wall_s"]

    asked = []

    def case(name, _overrides, folder):
        if len(asked) == len(script.RUNS) + 1:  # the backtest computes its features
            with pytest.raises(FileNotFoundError):
                (tmp_path / folder / "data/features").stat()
        else:
            (tmp_path / folder / "data/features").mkdir(parents=True, exist_ok=True)
        asked.append(name)
        return found

    monkeypatch.setattr(script, "case", case)
    monkeypatch.setattr(script, "seconds", lambda _: 0.5)
    monkeypatch.setattr(sys, "argv", ["runs.py", "--readme", str(readme)])
    script.main()
    assert asked == [*script.RUNS, "churn/lightgbm", "churn/lightgbm"]
    written = readme.read_text(encoding="utf-8")
    assert "| `import crm_ml` | 0.50 | 0.3 | **missed** |" in written
    assert "| `python -m crm_ml.train --help` | 0.50 | 1.5 | met |" in written
    assert all(f"| tracking of {name}, s of " in written for name in script.RUNS)
    kept = json.loads((tmp_path / "runs.json").read_text(encoding="utf-8"))
    assert kept["second"] == found
    assert "backtest over twelve monthly snapshots" in capsys.readouterr().out
