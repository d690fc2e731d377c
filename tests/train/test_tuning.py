"""The search for settings: what it may try and see, that no stop shows in it, and when it is believed."""

import contextlib
import json
import logging
import random
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tuning_world
from rich.progress import Progress

from crm_ml.config import RecommendRun
from crm_ml.config.tuning import Validation
from crm_ml.errors import ConfigError, InputError, LeakError, Stopped
from crm_ml.evaluation import classification
from crm_ml.evaluation.predictions import Predictions
from crm_ml.recommend.interactions import as_interactions
from crm_ml.recommend.models import create
from crm_ml.snapshots import Snapshot
from crm_ml.tables.strict import validate
from crm_ml.tables.workspace import locked
from crm_ml.train import churn, probability
from crm_ml.train.comparing.scored_rows import ScoredRows
from crm_ml.train.outcome import Outcome, Trace
from crm_ml.train.searching.folds import check_apart, days_before
from crm_ml.train.searching.of_probability import losses
from crm_ml.train.searching.plan import Plan, study_name
from crm_ml.train.searching.stopping import Ending
from crm_ml.train.searching.tried import best_of
from crm_ml.train.searching.tuned import tune
from crm_ml.train.searching.verdict import confirm
from crm_ml.train.tuning import search

KILLS = 20
QUIET = Progress(disable=True)
FOLDS = (40, 25, 60)


def plan_of(**changes):
    run = tuning_world.config(options={"rounds": 10, "learning_rate": 0.2, "num_leaves": 4}, **changes)
    return Plan.of(run)


def bumpy(step, refused=()):
    """Scores of a fold, of a level of its own, least at a learning rate of 0.1 and 20 rounds."""

    def judge(options):
        if options["num_leaves"] in refused and options["rounds"] > 20:
            raise InputError("too many leaves")
        noise = np.random.default_rng(step).normal(size=FOLDS[step])
        best = abs(np.log(options["learning_rate"] / 0.1)) + abs(options["rounds"] - 20) / 20
        return step + noise + best + (options["num_leaves"] == 4) * 0.3 + 0.01 * noise * options["rounds"]

    return judge


def searched(plan, folder=None, judges=None):
    return search(plan, judges or [bumpy(step) for step in range(len(FOLDS))], folder, QUIET, Ending())


def test_every_mistake_of_a_search_is_told_at_once_with_its_path():
    options = {"rounds": 10, "learning_rate": 1, "num_leaves": 4}
    space = {
        "round": {"low": 1, "high": 5},
        "seed": {"low": 1, "high": 5},
        "num_threads": {"choices": [1, 2]},
        "rounds": {"low": 0.5, "high": 20},
        "num_leaves": {"low": 8, "high": 16},
        "max_bin": {"low": 63, "high": 63},
        "bagging_fraction": {"low": 0, "high": 1, "log": True},
        "feature_fraction": {"low": 0.1, "high": 1.0, "step": 0.2},
        "extra_trees": {"choices": [True, True]},
        "lambda_l2": {"low": 1, "high": 10},
        "learning_rate": {"low": 0.1, "choices": [0.1, 1.0]},
        "n_seeds": {"log": True},
    }
    with pytest.raises(ConfigError) as caught:
        tuning_world.config(options=options, space=space, metric="ndcg")
    lines = str(caught.value).splitlines()
    assert lines[0] == "small.yaml: 13 mistakes"
    told = dict(line.strip().split(": ", 1) for line in lines[1:])
    words = {
        "metric": "ndcg is none of log_loss, brier",
        "space.round": "gradient_boosting has no such option; it has bagging_fraction, extra_trees",
        "space.seed": "leave it out; a seed that is chosen",
        "space.num_threads": "leave it out; the number of threads",
        "space.rounds": "10 is a whole number",
        "space.num_leaves": "the search starts from 4; set model.options.num_leaves or widen",
        "space.max_bin": "low 63 must lie below high 63",
        "space.bagging_fraction": "low is 0; a logarithm needs it above 0",
        "space.feature_fraction": "the search starts from 1.0;",
        "space.extra_trees": "give at least two choices, each once",
        "space.lambda_l2": "the search starts from None; set model.options.lambda_l2",
        "space.learning_rate": "give a range or choices, not both",
        "space.n_seeds": "give low and high, or choices",
    }
    assert set(told) == {f"tuning.{name}" for name in words}
    for name, word in words.items():
        assert told[f"tuning.{name}"].startswith(word)
    with pytest.raises(ConfigError, match=r"tuning\.space\.rounds\.high: Input should be a finite number"):
        tuning_world.config(space={"rounds": {"low": 1, "high": float("nan")}})
    with pytest.raises(ConfigError, match=r"tuning\.trials: Input should be greater than or equal to 2"):
        tuning_world.config(trials=1)


@pytest.mark.parametrize("search_days", [1, 3])
@pytest.mark.parametrize("every", [7, 28, 30])
def test_no_label_reaches_into_what_judges_it(search_days, every):
    test = Snapshot("2017-08-30", timedelta(days=28), timedelta(days=2))
    days = days_before(test, Validation(search=search_days, confirm=2, every_days=every))
    assert len(days.search) == search_days
    begins = min(one.as_of for one in days.confirm)
    assert max(one.label_ends_at for one in days.search) == begins  # as near as it may be
    assert max(one.label_ends_at for one in days.confirm) == test.as_of
    check_apart(days.search, days.confirm, test.as_of)
    with pytest.raises(
        LeakError, match=r"labels of .* end on 2017-08-3\d, after the first test on 2017-08-2\d"
    ):
        check_apart(days.search, days.confirm, test.as_of - timedelta(days=1))
    late = [one.shifted(1) for one in days.search]
    with pytest.raises(LeakError, match="after the first day that confirms"):
        check_apart(late, days.confirm, test.as_of)


def test_folds_whose_training_or_order_leaks_are_refused_by_the_judges():
    run = tuning_world.config()
    ahead, tests = churn.folds_ahead(run), [churn.fold(run, run.split.test[0])]
    rows = tuning_world.rows_of(run)
    for each in ahead.every:
        assert max(one.label_ends_at for one in each.training) <= each.test.as_of
    swapped = replace(ahead, search=ahead.confirm, confirm=ahead.search)
    for folds in (
        swapped,
        replace(ahead, search=(replace(ahead.search[0], training=(ahead.search[1].test,)),)),
    ):
        with pytest.raises(LeakError, match=r"tuning\.validation: labels of"):
            tuning_world.judges(run, rows, folds, tests)


def test_the_first_trial_has_the_settings_to_beat_and_the_search_finds_better_ones():
    plan = plan_of(trials=30, startup=8)
    tried = searched(plan)
    assert dict(tried[0].params) == {"rounds": 10, "learning_rate": 0.2, "num_leaves": 4}
    assert tried[0].gain == 0
    best = best_of(tried)
    assert best.gain > 0.9  # of the 1.49 that the best settings of all would bring
    assert best.gain == max(one.gain for one in tried if one.state == "complete")
    given_up = replace(best, number=99, state="pruned", gain=best.gain + 1)
    assert best_of([*tried, given_up, replace(best, number=98)]) == best
    late = np.mean([one.steps[0] for one in tried[20:]])
    assert late < np.mean([one.steps[0] for one in tried[1:8]])
    scores = [bumpy(step)(best.params) for step in range(len(FOLDS))]
    assert best.steps == tuple(np.concatenate(scores[: step + 1]).mean() for step in range(len(FOLDS)))
    assert best.value == best.steps[-1]
    assert len({tuple(one.params.values()) for one in tried}) > 25


def test_a_trial_is_given_up_by_the_median_of_the_complete_ones():
    tried = searched(plan_of(trials=30, startup=8, pruning={"startup": 4}))
    start, states = tried[0].steps, [one.state for one in tried]
    assert {"pruned", "complete"} == set(states)
    complete = []
    for one in tried:
        gains = [first - step for first, step in zip(start, one.steps, strict=False)]
        cut = [
            len(complete) >= 4 and max(gains[: step + 1]) < np.median([each[step] for each in complete])
            for step in range(min(len(gains), len(FOLDS) - 1))
        ]
        assert any(cut) == (one.state == "pruned")
        assert not any(cut[:-1])
        if one.state == "complete":
            complete.append(gains)
    assert all(one.state == "complete" for one in searched(plan_of(trials=12, pruning=None)))


def test_the_kept_table_is_that_of_memory_however_often_the_search_is_stopped(tmp_path):
    judges = [bumpy(step, refused=(8,)) for step in range(len(FOLDS))]
    plan = plan_of(trials=14, startup=5, pruning={"startup": 3})
    whole = searched(plan, None, judges)
    assert {one.state for one in whole} == {"complete", "pruned", "failed"}
    assert {one.error for one in whole if one.state == "failed"} == {"too many leaves"}
    draw, calls = random.Random(0), [0]

    def stopping(judge):
        def stop(options):
            calls[0] -= 1
            if calls[0] < 0:
                raise Stopped("now")
            return judge(options)

        return stop

    stopped = 0
    for _ in range(100):
        calls[0] = draw.randrange(5)
        with contextlib.suppress(Stopped):
            found = searched(plan, tmp_path / "study", [stopping(one) for one in judges])
            break
        stopped += 1
    assert stopped > 6
    assert found == whole
    assert (
        searched(replace(plan, tuning=plan.tuning.model_copy(update={"trials": 7})), tmp_path / "study")
        == (whole[:7])
    )
    more = replace(plan, tuning=plan.tuning.model_copy(update={"trials": 17}))
    assert searched(more, tmp_path / "study", judges) == searched(more, None, judges)
    assert sorted(path.name for path in (tmp_path / "study").iterdir()) == ["study.db"]


def test_a_study_has_one_process_and_survives_half_a_file(tmp_path):
    plan = plan_of(trials=2)
    folder = tmp_path / "study"
    folder.mkdir()
    (folder / ".study.db.tmp").write_bytes(b"half")
    with locked(folder) as alone:
        assert alone
        with pytest.raises(InputError, match="another process tunes in"):
            searched(plan, folder)
    assert searched(plan, folder) == searched(plan)


def test_settings_to_beat_that_can_not_be_judged_end_the_search(tmp_path):
    def broken(_options):
        return np.array([1.0, np.nan])

    for _ in range(2):
        with pytest.raises(
            InputError, match="without a search can't be judged: 1 of 2 scores are not finite"
        ):
            searched(plan_of(), tmp_path / "study", [broken])


def test_a_study_is_named_by_all_that_its_trials_follow_from_and_not_by_their_number():
    plain = tuning_world.config().model_dump(mode="json")
    name = study_name(plain, "tables")
    assert study_name(tuning_world.config(trials=50).model_dump(mode="json"), "tables") == name
    threads = tuning_world.config(options={**tuning_world.BOOSTING, "num_threads": 2})
    assert study_name(threads.model_dump(mode="json"), "tables") == name
    others = [
        tuning_world.config(startup=4),
        tuning_world.config(space={"rounds": {"low": 2, "high": 41}}),
        tuning_world.config(options={**tuning_world.BOOSTING, "seed": 1}),
    ]
    names = {study_name(one.model_dump(mode="json"), "tables") for one in others}
    assert len(names | {name, study_name(plain, "other tables")}) == 5


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
    rows, fold = tuning_world.rows_of(run, signal), churn.fold(run, run.split.test[0])
    test = rows.at([fold.test])
    p = probability.fit_calibrated(run, rows, fold).predict(test.X)
    said = Predictions(test.customer_id, test.fold, test.y.to_numpy(), {"model": p})
    judged = ScoredRows({"test": said}, {}, "auc", ("test",), {})
    return Outcome({}, pd.DataFrame(), (), None, Trace({}, {}, {}, {}), rows=judged)


def test_what_truly_helps_is_taken():
    run = tuning_world.config(options={**tuning_world.BOOSTING, "rounds": 2, "learning_rate": 0.01})
    found = tune(run, tuning_world.judges_of(run), None, QUIET)
    assert found.verdict.taken
    assert found.verdict.gain.low > 0
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
    assert (alone.verdict.confirmed, alone.verdict.gain.value, alone.verdict.taken) == (None, 0.0, False)
    assert alone.verdict.reason.startswith("defaults kept: no trial was better in log_loss than 0.")


def test_models_say_the_same_once_and_not_at_every_trial(caplog):
    def chatty(options):
        logging.getLogger("crm_ml.models.encoding").warning("dropped a column")
        return bumpy(0)(options)

    with caplog.at_level(logging.WARNING, logger="crm_ml.models.encoding"):
        logging.getLogger("crm_ml.models.encoding").setLevel(logging.NOTSET)
        searched(plan_of(trials=4, pruning=None), None, [chatty])
    assert caplog.messages == ["dropped a column"]


@contextlib.contextmanager
def forks(folder):
    """A process that forks searches; gives the function that orders one."""
    path = Path(__file__).with_name("tuning_forks.py")
    command = [sys.executable, str(path), str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:

        def ask(home, **order):
            order = {"folder": home and str(folder / home), **order}
            server.stdin.write(json.dumps(order) + "\n")
            server.stdin.flush()
            return json.loads(server.stdout.readline())

        yield ask
        server.stdin.close()


def test_twenty_kills_at_any_moment_leave_the_table_of_an_uninterrupted_search(tmp_path):
    draw, killed, home = random.Random(0), 0, 0
    with forks(tmp_path) as ask:
        whole = ask(None)
        assert whole["code"] == 0
        assert {one["state"] for one in whole["table"]} == {"complete", "pruned"}
        while killed < KILLS:
            found = ask(f"{home}", after=0.6 * draw.random() * whole["seconds"], signal="SIGKILL")
            killed += found["code"] == -9
            if found["code"] == 0:
                assert (found["table"], found["verdict"]) == (whole["table"], whole["verdict"])
                home += 1
        last = ask(f"{home}")
        assert (last["table"], last["verdict"]) == (whole["table"], whole["verdict"])
        assert home < KILLS


def test_the_discovery_head_alone_is_fitted_again_on_what_was_prepared():
    rng = np.random.default_rng(0)
    size = 3000
    events = pd.DataFrame(
        {
            "customer_id": [f"c{number:02d}" for number in rng.integers(0, 60, size)],
            "item_id": [f"i{number:02d}" for number in rng.zipf(1.5, size) % 40],
            "occurred_at": 1_700_000_000 + rng.integers(0, 140 * 86_400, size),
        }
    )
    data = as_interactions(events.drop_duplicates())
    small = {"windows": 2, "rounds": 10, "own": 20, "candidates": 10, "l2": 5.0, "num_threads": 1}
    prepared = create("two_heads", **small).prepare(data)
    lists = []
    for own in ({}, {"new_rounds": 40, "new_leaves": 4, "new_learning_rate": 0.2, "new_l2": 1.0}):
        fresh = create("two_heads", **small, **own).fit(data)
        again = create("two_heads", **small, **own).fit_prepared(prepared)
        assert (fresh.probability_ != again.probability_).nnz == 0
        assert fresh.heads_.arrays.keys() == again.heads_.arrays.keys()
        for name, part in fresh.heads_.arrays.items():
            assert np.array_equal(part, again.heads_.arrays[name]), name
        lists.append(again.top(data.customers, 5)[0])
    assert not np.array_equal(*lists)
    with pytest.raises(InputError, match="prepared with other values of rounds"):
        create("two_heads", **{**small, "rounds": 11}).fit_prepared(prepared)
    with pytest.raises(InputError, match="prepared with other values of windows"):
        create("two_heads", **{**small, "windows": 3}).fit_prepared(prepared)


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
    assert Plan.of(run).larger
    assert Plan.of(run).start == {"new_l2": 10.0}
