"""What other families score again, what a column moves, and the card of every run."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import small_data
import value_shop
from challenge_world import fitted, outcome
from rich.progress import Progress
from run_store import facts, files, first, folder
from value_shop import shop

from crm_ml import tracking
from crm_ml.clv.model_selection import Choice
from crm_ml.clv.valuation_terms import Terms
from crm_ml.clv.value_calibration import NO_TILT
from crm_ml.config import ClvRun, load_run
from crm_ml.evaluation.uplift_predictions import UpliftPredictions
from crm_ml.models import model_folder
from crm_ml.tables.strict import validate
from crm_ml.train import experiment
from crm_ml.train.families.clv import experiment as clv
from crm_ml.train.families.clv.test_rows import of_value
from crm_ml.train.families.uplift import experiment as uplift
from crm_ml.train.families.uplift import fitting
from crm_ml.train.families.uplift.test_rows import of_uplift
from crm_ml.train.record.model_card_parts import features_part, importances
from crm_ml.uplift.trial_rows import trials

pytestmark = pytest.mark.xdist_group("store")


def test_a_model_of_value_scores_the_test_window_again_over_its_days(tmp_path):
    settings = {
        "family": "clv",
        "data": {"name": "cdnow"},
        "target": {"horizon_days": 56},
        "split": {"test": "2024-07-01", "validation": ["2024-04-22"]},
        "candidates": [{"purchases": "beta_geo"}],
        "worth": {"months": 12, "annual_discount_rate": 0.1, "margin": 0.25},
        "register_as": {"name": "clv", "as_of": "2024-09-01"},
    }
    run = validate(settings, ClvRun, "test")
    source = clv.source_of(run, shop(value_shop.lines(200, seed=2)))
    chosen = clv.Chosen(Choice("beta_geo", False, False, ""), None, NO_TILT)
    tested = clv.test(run, source, chosen)
    found = of_value(tested)
    year = replace(tested.model, terms=Terms.of_months(12, 0.1, 0.25))  # as a registered model is kept
    model_folder.save(year, tmp_path / "model", "clv", labels_end="2024-07-01")
    again = found.rescore(tmp_path / "model")
    np.testing.assert_array_equal(again["value"], tested.value.p["model"])
    np.testing.assert_array_equal(again["purchases"], tested.purchases.p["model"])
    assert found.windows["2024-07-01"].labels_end == "2024-08-26"


def test_a_model_of_uplift_scores_every_arm_of_the_test_rows_again(tmp_path):
    path = small_data.few_of_starbucks(tmp_path / "file")
    options = "{base: logistic}"
    changes = [f"data.path={path}", "split.halves=2", f"model.options={options}", "others=[]"]
    run = load_run("uplift/starbucks", changes)
    known = trials(experiment.load_tables(run), run.target.horizon)
    with Progress(disable=True) as progress:
        given = uplift.compute_rows(run, experiment.load_tables(run), known, progress)
        folds = uplift.make_folds(run, known, given)
        said = fitting.predict(run, given, folds, progress)
    parts = {"promotion": UpliftPredictions.join([one.predictions("promotion", "control") for one in said])}
    found = of_uplift(said, parts, ("qini",), known, "control", known[0].label_ends_at)
    learner = fitting.fit(run, run.model, given)
    model_folder.save(learner, tmp_path / "model", "uplift", labels_end="2000-01-01")
    again = found.rescore(tmp_path / "model")["promotion"]
    ids = parts["promotion"].customer_id
    wanted = pd.Series(learner.predict(given.X, "promotion"), index=given.customer_id)
    np.testing.assert_allclose(again, wanted[ids], rtol=1e-12)
    assert {one.as_of for one in found.windows.values()} == {f"{known[0].as_of:%Y-%m-%d}"}


def test_importance_is_what_a_column_moves(tmp_path):
    given = outcome("signal")
    given.candidate.save(tmp_path / "model")
    found = importances(given.candidate.loader_module, tmp_path / "model", given.rows.inputs)
    assert list(found) == ["signal", "answer", "noise"]
    order = np.random.default_rng(0).permutation(len(given.rows.inputs))
    signal = given.rows.inputs[["signal"]]
    wanted = np.abs(fitted("signal").expected(signal.iloc[order]) - fitted("signal").expected(signal)).mean()
    assert found["signal"] == pytest.approx(wanted)
    assert found["noise"] == found["answer"] == 0
    assert "| signal | 0." in features_part(given, tmp_path / "model")


def test_every_run_leaves_a_verdict_and_a_card_with_its_own_figures(store):
    assert store.exit_code == 0
    client = tracking.connect()
    for name in store.names:
        run = first(client, name)
        assert {"promotion.json", "model_card.md", "predictions/manifest.json"} <= files(run)
        told = facts(run, "promotion")
        failed = [one["name"] for one in told["gates"] if not one["passed"]]
        assert (told["role"] == "champion") == (not failed) == (run.data.tags["promoted"] == "true")
        assert all(one in told["reason"] for one in failed)
        card = (folder(run) / "model_card.md").read_text(encoding="utf-8")
        head = f"# {load_run(name).register_as.name}, version 1"
        assert card.startswith(head)
        for part in ("Data", "Windows", "Metrics", "Segments", "Features", "Promotion", "Limits"):
            assert f"\n## {part}" in card
        assert len(card.splitlines()) < 110
        assert told["reason"] in card
        key = f"test.{_deciding(run)}"
        assert f"{run.data.metrics[key]:.4g} [{run.data.metrics[f'{key}.low']:.4g}, " in card


def _deciding(run):
    """Name of a metric that decides, as the run logs it."""
    about = json.loads((folder(run) / "predictions/manifest.json").read_text())
    names = [key.removeprefix("test.") for key in run.data.metrics if key.startswith("test.")]
    return min(
        name for name in names if about["decides"] in name.split(".") or name == f"{about['decides']}_at_10"
    )
