"""What a search has found is taken or not, and what is said of it."""

import numpy as np
import pandas as pd
import pytest
import tuning_world
from rich.progress import Progress

from crm_ml.config import RecommendRun
from crm_ml.errors import ConfigError
from crm_ml.evaluation import classification
from crm_ml.evaluation.predictions import Predictions
from crm_ml.tables.strict import validate
from crm_ml.train.compare.scored_rows import ScoredRows
from crm_ml.train.families.churn import experiment
from crm_ml.train.families.probability import run as probability_run
from crm_ml.train.families.probability.search import losses
from crm_ml.train.record.outcome import Outcome, Trace
from crm_ml.train.search.confirmation import confirm
from crm_ml.train.search.search_job import tune
from crm_ml.train.search.study_plan import SearchPlan

KILLS = 20
QUIET = Progress(disable=True)
FOLDS = (40, 25, 60)


def test_losses_are_those_of_the_metrics():
    rng = np.random.default_rng(0)
    y, p = (rng.random(50) < 0.3).astype(float), np.append(rng.random(48), [0.0, 1.0])
    for metric in ("log_loss", "brier"):
        wanted = getattr(classification, metric)(y, p)
        assert losses(metric, y, p).mean() == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("larger", [False, True])
def test_the_paired_figures_are_those_of_a_plain_bootstrap_of_customers(larger):
    rng = np.random.default_rng(1)
    ids = np.array([f"c{number:02d}" for number in rng.integers(0, 30, 80)])
    start, found = rng.normal(size=80), rng.normal(0.1, 1, size=80)
    said = confirm(ids, start, found, larger, np.random.default_rng(5), 300)
    sign = 1 if larger else -1
    names, again = np.unique(ids), np.random.default_rng(5)
    drawn = []
    for _ in range(300):
        chosen = names[again.integers(0, len(names), len(names))]
        rows = np.concatenate([np.flatnonzero(ids == name) for name in chosen])
        drawn.append(sign * (found[rows].mean() - start[rows].mean()))
    assert said.gain.value == pytest.approx(sign * (found.mean() - start.mean()))
    assert [said.gain.low, said.gain.high] == pytest.approx(np.percentile(drawn, [2.5, 97.5]))
    assert (said.rows, said.customers) == (80, len(names))
    assert said.start.value == pytest.approx(start.mean())


def outcome_of(run, signal=tuning_world.SIGNAL):
    """What is said of the test rows by the model of a config."""
    rows, fold = tuning_world.rows_of(run, signal), experiment.fold(run, run.split.test[0])
    test = rows.at([fold.test])
    p = probability_run.fit_calibrated(run, rows, fold).expected(test.X)
    said = Predictions(test.customer_id, test.fold, test.y.to_numpy(), {"model": p})
    judged = ScoredRows({"test": said}, {}, "auc", ("test",), {})
    return Outcome({}, pd.DataFrame(), (), None, Trace({}, {}, {}, {}), rows=judged)


def test_what_truly_helps_is_taken():
    run = tuning_world.config(options={**tuning_world.BOOSTING, "rounds": 2, "learning_rate": 0.01})
    found = tune(run, tuning_world.judges_of(run), None, QUIET)
    assert found.verdict.taken
    assert found.verdict.confirmed.gain.low > 0
    assert found.config.model.options == {**run.model.options, **found.verdict.best.params}
    assert found.verdict.reason.startswith("tuned settings taken: log_loss 0.")
    beside = found.beside(outcome_of(found.config), QUIET)
    start, tuned = (outcome_of(one).rows.parts["test"] for one in (run, found.config))
    gain = classification.log_loss(start.y, start.p["model"]) - classification.log_loss(
        tuned.y, tuned.p["model"]
    )
    assert beside.metrics["tuning.test_gain"] == pytest.approx(gain)
    assert beside.metrics["tuning.test_gain.low"] < gain < beside.metrics["tuning.test_gain.high"]
    assert [note.endswith("which decided nothing") for note in beside.notes] == [False, True]
    table = beside.tables["tuning"].set_index(["part", "settings"])["value"]
    assert table["test", "defaults"] - table["test", "tuned"] == pytest.approx(gain)
    assert table["search", "gain"] == found.verdict.best.gain
    assert beside.trace.trials["chosen"] == dict(found.verdict.best.params)
    assert beside.figures.keys() == {"tuning"}
    assert len(beside.trials) == len(beside.tables["trials"]) == 8


def test_the_defaults_are_kept_where_the_search_brings_nothing():
    run = tuning_world.config()
    found = tune(run, tuning_world.judges_of(run, signal=0.0), None, QUIET)
    assert found.verdict.best.number > 0  # on the rows of the search something seems better, as always
    assert found.verdict.best.gain > 0
    assert not found.verdict.taken
    assert found.config == run
    assert found.verdict.reason.startswith("defaults kept: log_loss 0.")
    beside = found.beside(outcome_of(run, signal=0.0), QUIET)
    assert set(beside.metrics) == {f"tuning.gain{end}" for end in ("", ".low", ".high")}
    assert beside.trace.trials["chosen"] == {name: run.start(name) for name in run.tuning.space}
    assert len(beside.notes) == 1
    best = tuning_world.config(options={**tuning_world.BOOSTING, **found.verdict.best.params}, trials=2)
    alone = tune(best, tuning_world.judges_of(best, signal=0.0), None, QUIET)
    assert (alone.verdict.confirmed, alone.verdict.taken) == (None, False)
    assert alone.verdict.reason.startswith("defaults kept: no trial was better in log_loss than 0.")


def test_lists_are_searched_by_their_own_metrics():
    base = {
        "family": "recommend",
        "data": {"name": "complete_journey"},
        "target": {"horizon_days": 28},
        "test": ["2017-12-04"],
        "model": {"name": "two_heads"},
        "baselines": [{"name": "popularity"}],
        "register_as": {"name": "recommend", "as_of": "2018-01-01"},
    }
    tuning = {"trials": 2, "metric": "log_loss", "space": {"new_l2": {"low": 1, "high": 100, "log": True}}}
    with pytest.raises(ConfigError, match=r"tuning\.metric: log_loss is none of ndcg, new_ndcg"):
        validate({**base, "tuning": tuning}, RecommendRun, "small.yaml")
    run = validate({**base, "tuning": {**tuning, "metric": "new_ndcg"}}, RecommendRun, "small.yaml")
    assert SearchPlan.of(run).larger
    assert SearchPlan.of(run).start == {"new_l2": 10.0}
