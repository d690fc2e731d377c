"""experiments/009_honest_statistics/defaults.py on a small table: what it reads, leaves out and writes."""

import json

import numpy as np
import pandas as pd
import pytest
import scripts


@pytest.fixture
def script(monkeypatch):
    return scripts.load("009_honest_statistics/defaults.py", monkeypatch)


@pytest.fixture
def folder(tmp_path):
    """A Telco table whose churn follows one charge, and a README with the markers."""
    rng = np.random.default_rng(0)
    charges = rng.uniform(0, 100, 600)
    table = pd.DataFrame({"customerID": [f"c{n}" for n in range(600)], "MonthlyCharges": charges})
    table["TotalCharges"] = [" " if n % 50 == 0 else f"{charge}" for n, charge in enumerate(charges)]
    table["Churn"] = np.where(rng.uniform(0, 100, 600) < charges, "Yes", "No")
    (tmp_path / "telco_churn").mkdir()
    table.to_csv(tmp_path / "telco_churn" / "Telco-Customer-Churn.csv", index=False)
    (tmp_path / "README.md").write_text("<!-- defaults -->\n<!-- end of defaults -->\n")
    return tmp_path


def test_tables_that_are_missing_are_named_and_the_others_judged(script, folder, capsys):
    command = ["--data", str(folder), "--folder", str(folder), "--only", "telco", "--only", "sparkify"]
    assert script.main(command) == 0
    assert "left out: sparkify, for there is no sparkify/train.parquet" in capsys.readouterr().out
    results = json.loads((folder / "defaults.json").read_text())
    assert set(results) == {"telco"}
    assert results["telco"]["models"]["blend"]["chosen"] == "regularised"
    assert results["telco"]["models"]["plain LightGBM"]["difference"] == ""
    assert "| telco | 600, 2, 0." in (folder / "README.md").read_text()


def test_a_moved_column_changes_no_figure(script, folder, monkeypatch):
    telco = script.FILES["telco"]
    monkeypatch.setitem(script.FILES, "telco, a column moved", telco)
    (X, y, test), (moved, *_) = (script.read(name, folder) for name in ("telco", "telco, a column moved"))
    assert list(moved) == [*X.columns[1:], X.columns[0]]
    first, second = (script.judged((frame, y, test)) for frame in (X, moved))
    assert first[0].interval("blend", "log_loss") == second[0].interval("blend", "log_loss")
