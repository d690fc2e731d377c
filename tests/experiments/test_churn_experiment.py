"""The gates of experiments/001_churn and what its scripts write, without training on the full data."""

import doctest
import importlib
import json
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from crm_ml.config import load_run
from crm_ml.errors import ConfigError, LeakError
from crm_ml.evaluation.predictions import Predictions
from crm_ml.evaluation.significance import evaluate

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "experiments" / "001_churn"
README = "before\n<!-- telco -->\nold\n<!-- end of telco -->\nafter, with | signs |\n"


@pytest.fixture(autouse=True)
def _in_the_project(monkeypatch):
    monkeypatch.syspath_prepend(FOLDER)
    monkeypatch.syspath_prepend(FOLDER.parent)
    monkeypatch.chdir(ROOT)


def script(name):
    return importlib.import_module(name)


def telco_table(path, leak_noise=None, n=700):
    """Customers in the layout of IBM Telco; with `leak_noise` a column knows the label but for that share."""
    rng = np.random.default_rng(0)
    tenure = rng.integers(0, 72, n)
    monthly = rng.uniform(20, 110, n).round(2)
    churned = rng.random(n) < 1 / (1 + np.exp(0.05 * tenure - 0.01 * monthly + 0.2))
    table = pd.DataFrame(
        {
            "customerID": [f"{i:04d}-ABCDE" for i in range(n)],
            "tenure": tenure,
            "Contract": rng.choice(["Month-to-month", "One year"], n),
            "MonthlyCharges": monthly,
            "TotalCharges": np.where(tenure == 0, " ", (tenure * monthly).round(2).astype(str)),
            "Churn": np.where(churned, "Yes", "No"),
        }
    )
    if leak_noise is not None:
        table["CancelCalls"] = np.where(rng.random(n) < leak_noise, ~churned, churned).astype(int)
    table.to_csv(path, index=False)
    return path


def run_telco(tmp_path, **kwargs):
    (tmp_path / "README.md").write_text(README, encoding="utf-8")
    path = telco_table(tmp_path / "telco.csv", **kwargs)
    return script("telco").main([str(path), "--folder", str(tmp_path)])


def test_telco_passes_clean_data_and_writes_its_table(tmp_path, capsys):
    assert run_telco(tmp_path) == 0
    text = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "| gradient_boosting |" in text
    assert "| logistic |" in text
    assert "old" not in text
    scores = json.loads((tmp_path / "telco.json").read_text(encoding="utf-8"))["scores"]
    assert {len(values) for found in scores.values() for values in found.values()} == {4}
    assert "gradient_boosting" in capsys.readouterr().out


def test_telco_fails_on_a_leak_too_weak_for_the_gate_of_single_features(tmp_path, capsys):
    assert run_telco(tmp_path, leak_noise=0.06) == 2
    message = capsys.readouterr().err
    assert "above 0.87" in message
    assert "CancelCalls (AUC alone 0.9" in message
    assert (tmp_path / "README.md").read_text(encoding="utf-8") == README
    assert not (tmp_path / "telco.json").exists()


def test_telco_fails_on_a_feature_that_is_the_label(tmp_path, capsys):
    assert run_telco(tmp_path, leak_noise=0.0) == 2
    assert "CancelCalls (AUC 1.0000, limit 0.99)" in capsys.readouterr().err


def test_telco_without_its_file_is_skipped_with_a_message(tmp_path, capsys):
    assert script("telco").main([str(tmp_path / "none.csv")]) == 0
    assert "skipped" in capsys.readouterr().out


def test_blank_charges_are_missing_and_other_text_is_refused(tmp_path, capsys):
    path = telco_table(tmp_path / "telco.csv")
    X, y = script("telco").read(path)
    assert (X["TotalCharges"].isna() == (X["tenure"] == 0)).all()
    assert X["TotalCharges"].isna().any()
    assert list(X.columns) == ["tenure", "Contract", "MonthlyCharges", "TotalCharges"]
    assert set(y) == {0, 1}
    table = pd.read_csv(path, dtype=str)
    table.loc[[3, 5], "TotalCharges"] = "much"
    table.loc[4, "Churn"] = "maybe"
    table.to_csv(path, index=False)
    assert script("telco").main([str(path), "--folder", str(tmp_path)]) == 2
    message = capsys.readouterr().err
    assert "no number in 2" in message
    assert "neither Yes nor No in 1" in message


def test_examples_of_the_helpers_hold():
    found = doctest.testmod(script("study"))
    assert found.attempted
    assert not found.failed


def test_writing_a_table_keeps_the_rest_and_is_idempotent(tmp_path):
    path = tmp_path / "README.md"
    path.write_text(README, encoding="utf-8")
    write = script("study").write_between
    write(path, "telco", "| new |")
    once = path.read_bytes()
    write(path, "telco", "| new |")
    assert path.read_bytes() == once
    assert once.decode() == README.replace("old", "| new |")


@pytest.mark.parametrize(
    "content", ["no markers", "<!-- telco -->", "<!-- end of telco --><!-- telco -->", README * 2]
)
def test_a_file_without_both_markers_once_is_refused_and_kept(tmp_path, content):
    path = tmp_path / "README.md"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match="once each"):
        script("study").write_between(path, "telco", "new")
    assert path.read_text(encoding="utf-8") == content


def test_readme_has_every_marker_that_the_scripts_write():
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    for marker in ("metrics", "differences", "targets", "looks", "validation", "telco"):
        assert text.count(f"<!-- {marker} -->") == text.count(f"<!-- end of {marker} -->") == 1


def test_choose_refuses_validation_whose_labels_end_in_the_test_window():
    choose = script("choose")
    assert f"{choose.check_validation(choose.VALIDATION).as_of:%Y-%m-%d}" == "2017-08-30"
    assert choose.VALIDATION[-1] == date(2017, 8, 2)
    with pytest.raises(LeakError, match=r"2017-08-09, whose labels end on 2017-09-06; 2017-08-30"):
        choose.check_validation([*choose.VALIDATION, date(2017, 8, 9), date(2017, 8, 30)])


def test_choose_stops_before_it_loads_tables(monkeypatch, capsys):
    choose = script("choose")
    monkeypatch.setattr(choose, "VALIDATION", (date(2017, 8, 3),))
    monkeypatch.setattr(choose, "load_tables", lambda _config: pytest.fail("tables were loaded"))
    assert choose.main([]) == 2
    assert "2017-08-03, whose labels end on 2017-08-31" in capsys.readouterr().err


def test_every_candidate_trains_for_every_validation_snapshot_on_earlier_labels():
    from crm_ml.train.families.churn.experiment import fold

    choose = script("choose")
    for name, config in choose.candidates().items():
        assert config.data.ends_at == date(2017, 8, 30), name
        for day in choose.VALIDATION:
            each = fold(config, day)
            assert each.training[-1].label_ends_at <= each.test.as_of, name
            assert each.training[0].as_of.date() >= date(2017, 3, 1), name
    assert "attribute_*" in choose.candidates()["without attributes"].leave_out


def judged(seed):
    """Judge a model that knows more than its baselines, on made-up predictions."""
    results = script("results")
    rng = np.random.default_rng(seed)
    y = np.arange(400) % 4 == 0
    names = results.candidates()
    spread = {name: 0.4 if name == "model" else 1.5 for name in names}
    scores = {
        name: 1 / (1 + np.exp(2.5 - 4 * y + noise * rng.normal(size=400))) for name, noise in spread.items()
    }
    predictions = Predictions(np.arange(400), np.repeat(["a", "b"], 200), y, scores)
    return evaluate(predictions, rng, tuple(results.VIEWS), replicates=100)


def test_targets_are_marked_met_and_missed():
    results = script("results")
    verdicts = [verdict for *_, verdict in results.targets(judged(0), ["recency_rule", "logistic"])]
    assert verdicts == ["met", "met", "**missed**", "met"]


def test_results_are_written_once_a_look_and_repeating_changes_nothing(tmp_path):
    results = script("results")
    path = tmp_path / "README.md"
    path.write_text((FOLDER / "README.md").read_text(encoding="utf-8"), encoding="utf-8")
    config = load_run(results.RUN)
    results.report(config, judged(0), "400 rows", tmp_path)
    once = path.read_bytes(), (tmp_path / "results.json").read_bytes()
    results.report(config, judged(0), "400 rows", tmp_path)
    assert (path.read_bytes(), (tmp_path / "results.json").read_bytes()) == once
    results.report(config, judged(1), "400 rows", tmp_path)
    assert len(json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))["looks"]) == 2
    assert "seen there so far: 2." in path.read_text(encoding="utf-8")
