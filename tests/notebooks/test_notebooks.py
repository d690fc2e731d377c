"""Every notebook runs from top to bottom, and is committed as a short script without outputs."""

import re
import runpy
import subprocess
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest

PROJECT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((PROJECT / "notebooks").glob("*.py"))


pytestmark = pytest.mark.xdist_group("named data")


@pytest.fixture
def workspace(tmp_path, real_data, monkeypatch):
    """A project with the committed configs, seen from its notebooks; all derived files lie in it."""
    (tmp_path / "configs").symlink_to(PROJECT / "configs")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "tables").symlink_to(real_data / "tables")
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "temporary").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    for name in ("CRM_ML_DATA", "CRM_ML_RUNS", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    backend = mpl.get_backend()
    mpl.use("agg")
    yield tmp_path
    mpl.pyplot.close("all")
    mpl.use(backend)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_a_short_percent_script(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) < 80
    assert text.count("# %% [markdown]\n") >= 3
    assert text.count("# %%\n") >= 5
    assert not re.search(r"[\"'](/\w+/|[A-Z]:\\)", text), "a path of one machine"


def test_no_output_is_committed():
    command = ["git", "ls-files", "notebooks", "*.ipynb"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("this is no checkout of git")
    assert [name for name in done.stdout.splitlines() if not name.endswith(".py")] == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_from_top_to_bottom(path, workspace):
    found = runpy.run_path(str(path))
    CHECKS[path.stem](found)
    assert list((workspace / "notebooks").iterdir()) == []
    assert {one.name for one in workspace.iterdir()} <= {"configs", "data", "notebooks", "temporary"}


def check_tables_to_list(found):
    judged = found["found"]
    assert judged.difference("gradient_boosting", "recency_rule", "auc").low > 0.05
    assert 0.8 < judged.interval("gradient_boosting", "auc").value < 0.95
    assert judged.interval("gradient_boosting", "ece").value < 0.03
    assert max(one.label_ends_at for one in found["training"]) <= found["test"].as_of
    assert len(found["weekly"]) == 52
    listed = found["listed"]
    assert len(listed) == found["todo"].daily_cap == 300
    assert listed["customer_id"].is_unique
    assert (listed["expected_value_cents"] > 0).all()
    assert set(found["shown"]) - {"why"} <= set(listed.columns)
    coupons = listed[listed["action_id"] == "win_back_coupon"]
    assert len(coupons) > 20
    assert np.isfinite(coupons["p_churn"]).all()
    assert (coupons["reason_codes"].map(len) == 3).all()


def check_customer_value(found):
    assert found["test"].as_of.isoformat().startswith("1997-10-01")
    assert len(found["summary"]) == len(found["table"]) == 2357
    assert found["came"].sum() == pytest.approx(70_976, abs=1)
    judged = found["found"]
    assert judged.difference("model", "recency rule", "rmse").high < 0
    assert judged.difference("model", "recency rule", "normalised_gini").low > 0
    table = found["table"]
    assert (table["clv_low"] <= table["clv"]).all()
    assert (table["clv"] <= table["clv_high"]).all()
    assert np.isfinite(table.to_numpy()).all()
    assert len((PROJECT / "notebooks/02_customer_value.py").read_text().splitlines()) < 40


CHECKS = {"01_tables_to_list": check_tables_to_list, "02_customer_value": check_customer_value}
