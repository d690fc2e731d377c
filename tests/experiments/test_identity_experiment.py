"""experiments/014_identity: what is chosen on other sets, intervals, and what the run at scale counts."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scripts

from crm_ml.identity import Comparison, b_cubed

FOLDER = Path(__file__).parents[2] / "experiments" / "014_identity"


@pytest.fixture
def results(monkeypatch):
    return scripts.load("014_identity/results.py", monkeypatch)


def test_a_setting_is_chosen_without_the_set_that_it_is_judged_on(results):
    def of(low, high):
        return {"agreement": {"average link -1.0": {"f1": low}, "average link -0.5": {"f1": high}}}

    sets = {"a": of(0.9, 0.1), "b": of(0.5, 0.6), "c": of(0.5, 0.6)}
    assert results.chosen(sets, "a", "average link") == "average link -0.5"
    assert results.chosen(sets, "b", "average link") == "average link -1.0"


def test_intervals_hold_the_agreement_of_all_records(results):
    draw = np.random.default_rng(0)
    truth = draw.integers(0, 60, 300)
    groups = np.where(draw.random(300) < 0.1, draw.integers(0, 60, 300), truth)
    told = results._with_interval(groups, truth)
    assert told["f1"] == b_cubed(groups, truth).f1
    assert 0 < told["low"] < told["f1"] < told["high"] < 1
    precision, recall = results._each(groups, truth)
    assert (precision.mean(), recall.mean()) == pytest.approx((told["precision"], told["recall"]))


def test_the_tables_of_a_small_set_are_written(results, tmp_path):
    draw = np.random.default_rng(1)
    true = draw.integers(0, 60, (200, 3))
    rows = np.repeat(true, 2, axis=0)
    wrong = draw.random(rows.shape) < 0.1
    rows[wrong] = draw.integers(0, 60, int(wrong.sum()))
    frame = pd.DataFrame(rows, columns=["a", "b", "c"]).astype("str")
    frame.insert(0, "profile_id", [f"p{row:04}" for row in range(len(frame))])
    truth = pd.Series(np.repeat(np.arange(200), 2).astype(str), index=frame["profile_id"])
    own = results.RecordSet(frame, truth, [Comparison(column=name) for name in "abc"])
    content = results._of_set(own)
    assert content["agreement"]["average link -1.0"]["f1"] > 0.85
    assert sum(row["pairs"] for row in content["reliability"]) == content["pairs"]
    sets = {"one": content, "two": content}
    shutil.copy(FOLDER / "README.md", tmp_path)
    tables = {"agreement": results._agreement(sets), "choice": results._choice(sets)}
    results.write_tables(tmp_path, tables)
    assert "| one | 400 | 200 | - |" in (tmp_path / "README.md").read_text()


@pytest.mark.slow
def test_the_run_at_scale_counts_profiles_and_lifts_precision(monkeypatch):
    told = scripts.load("014_identity/rules_at_scale.py", monkeypatch).main(100_000)
    assert told["profiles"] > 300_000
    assert told["changes of the next day"] == 0
    assert told["capped"]["precision"] > 0.85 > 0.3 > told["without cap"]["precision"]
