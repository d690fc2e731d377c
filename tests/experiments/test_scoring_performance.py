"""experiments/performance/scoring.py on few rows: its table, and that a row must score the same alone."""

import json
import shutil
import sys
from pathlib import Path

import pytest
import scripts

README = Path(__file__).parents[2] / "experiments" / "performance" / "README.md"


@pytest.fixture
def script(monkeypatch):
    return scripts.load("performance/scoring.py", monkeypatch)


@pytest.mark.slow
def test_the_table_states_the_ratio_for_every_size(script, tmp_path, monkeypatch):
    readme = tmp_path / "README.md"
    shutil.copy(README, readme)
    arguments = ["--rows", "1", "20", "--training", "400", "--rounds", "3", "--readme", str(readme)]
    monkeypatch.setattr(sys, "argv", ["scoring.py", *arguments])
    script.main()
    spent = json.loads((tmp_path / "scoring.json").read_text(encoding="utf-8"))["seconds"]
    table = readme.read_text(encoding="utf-8").split("<!-- scoring -->")[1].split("<!-- end")[0]
    table = table.partition("| a score table of churn |")[0] + table[table.rindex("60 numbers") :]
    rows = [[cell.strip() for cell in line.split("|")] for line in table.splitlines() if line.startswith("|")]
    assert [row[1] for row in rows[2:]] == ["1", "20"]
    for row in rows[2:]:
        each = spent[row[1]]
        assert row[4] == f"{each['crm_ml'] / each['lightgbm']:.2f}"
    assert "60 numbers and 9 texts, 3 trees" in table


def test_a_row_that_scores_otherwise_alone_is_no_measurement(script):
    class ByBatch:
        """Scores that follow the size of the frame."""

        def __init__(self, model):
            self.model = model.model

        def expected(self, X):
            return self.model.expected(X) + len(X)

    with pytest.raises(AssertionError, match="a row alone scores otherwise"):
        script.seconds(ByBatch(script.fitted(400, 3)), script.frame(5, seed=1))
