"""When rows of a run are drawn: not for small tables, whose labels are not even asked; within limits."""

from datetime import date

import pandas as pd
import pytest
from rich.progress import Progress

from crm_ml import datasets
from crm_ml.config import ChurnRun, PropensityRun
from crm_ml.tables import Tables
from crm_ml.tables.strict import validate
from crm_ml.train.experiment import execute
from crm_ml.train.families.churn import experiment
from crm_ml.train.families.probability.row_plan import row_draw

BASE = {
    "data": {"name": "simulated", "options": {"customers": 400, "campaigns": 0}},
    "features": {"rfm": {}},
    "split": {"test": ["2024-10-02", "2024-10-30"], "training_snapshots": 8, "every_days": 14},
    "model": {"name": "logistic"},
    "baselines": [{"name": "recency_rule"}],
    "calibration": {"methods": ["platt"], "snapshots": 1},
    "register_as": {"name": "mine", "as_of": "2024-11-27"},
    "replicates": 100,
}
WINDOW = {"horizon_days": 28, "active_within_days": 364, "purpose": "analytics"}
CHURN = {**BASE, "family": "churn", "target": WINDOW}


def config(**changes):
    return validate(CHURN | changes, ChurnRun, "test")


def folds_of(run):
    return [experiment.fold(run, day) for day in (*run.split.test, date(2024, 11, 27))]


def test_tables_of_so_few_customers_that_nothing_passes_a_limit_are_not_asked_for_labels():
    def asked(_):
        raise AssertionError("labels were computed")

    ids = pd.DataFrame({"customer_id": [f"c{number}" for number in range(100)]})
    tables = Tables(customers=ids, order_lines=ids).identified("no orders")
    *folds, final = folds_of(config())
    assert row_draw(config(), tables, folds, final, asked) is None
    without = config(sampling={"training_rows": None, "judging_rows": None})
    assert row_draw(without, tables, folds, final, asked) is None


def test_what_judges_are_tests_and_calibration_days_and_limits_are_of_one_model_and_of_all_that_judge():
    ids = pd.DataFrame({"customer_id": [f"c{number}" for number in range(1_000)]})
    tables = Tables(customers=ids, order_lines=ids).identified("no orders")
    y = pd.Series([0] * 900 + [1] * 100, index=pd.Index(ids["customer_id"]))
    run = config(sampling={"training_rows": 4_000, "judging_rows": 2_000})
    *folds, final = folds_of(run)
    draw = row_draw(run, tables, folds, final, lambda _: y)
    assert draw.judging == {
        "2024-10-02",
        "2024-10-30",
        "2024-09-04",
    }  # the newest that trains for each of three
    assert draw.judging_share == pytest.approx(2 / 3)
    names = [str(day) for day in final.training]
    assert draw.drawn(names) == (8_000, 4_000, 800)  # all of the rarer class
    more = config(sampling={"training_rows": 4_000, "judging_rows": None})
    assert row_draw(more, tables, folds, final, lambda _: y).judging_share == 1


@pytest.mark.slow
@pytest.mark.parametrize("family", ["churn", "propensity"])
def test_a_run_says_what_was_drawn_and_reports_the_rates_of_all_rows(family, tmp_path, monkeypatch):
    monkeypatch.setenv("CRM_ML_DATA", str(tmp_path))
    of = {
        "churn": (ChurnRun, WINDOW),
        "propensity": (PropensityRun, WINDOW | {"of": "purchases", "categories": ["wine"]}),
    }
    kind, target = of[family]
    content = BASE | {"family": family, "target": target}
    tables = datasets.load("simulated", None, **content["data"]["options"])
    if family == "propensity":
        most = tables.pandas("items")["category"].value_counts().index[0]
        content["target"] = target | {"categories": [most]}
    outcomes = [
        execute(validate(content | {"sampling": sampling}, kind, "test"), tables, Progress(disable=True))
        for sampling in ({}, {"training_rows": 1_000, "judging_rows": None})
    ]
    whole, drawn = (outcome.tables["rate_shifts"] for outcome in outcomes)
    assert (whole["training_rows"] > 1_000).all()
    assert (drawn["training_rows"] <= 1_000).all()
    assert drawn["training_rate"].tolist() == pytest.approx(whole["training_rate"].tolist(), abs=0.03)
    assert drawn["test_rate"].tolist() == whole["test_rate"].tolist()
    assert "sampling" not in outcomes[0].facts
    assert "training.rows" not in outcomes[0].metrics
    facts, metrics = outcomes[1].facts["sampling"], outcomes[1].metrics
    assert metrics["training.rows"] == facts["final"]["rows"] > metrics["training.drawn_rows"]
    assert facts["seed"] == 0
    assert outcomes[1].notes[0].startswith(f"the final model learned from {facts['final']['drawn']:,} of")
    assert outcomes[1].facts["data_checks"][0] == outcomes[1].notes[0]
    assert outcomes[1].trace.features["rows"] < outcomes[0].trace.features["rows"]
