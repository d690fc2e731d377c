"""A search by Optuna: better settings, pruning, and stops at any moment that change nothing."""

import contextlib
import json
import logging
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tuning_world
from rich.progress import Progress
from soak import generator, size

from crm_ml.errors import InputError, Stopped
from crm_ml.storage.workspace import locked
from crm_ml.train.search.interrupts import Ending
from crm_ml.train.search.optuna_search import search
from crm_ml.train.search.study_plan import SearchPlan
from crm_ml.train.search.trials import best_of

KILLS = size(3, 10, 100)
QUIET = Progress(disable=True)
FOLDS = (40, 25, 60)


def plan_of(**changes):
    run = tuning_world.config(options={"rounds": 10, "learning_rate": 0.2, "num_leaves": 4}, **changes)
    return SearchPlan.of(run)


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


@contextlib.contextmanager
def forks(folder):
    """A process that forks searches; gives the function that orders one."""
    path = Path(__file__).parents[2] / "helpers/tuning_forks.py"
    command = [sys.executable, str(path), str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:

        def ask(home, **order):
            order = {"folder": home and str(folder / home), **order}
            server.stdin.write(json.dumps(order) + "\n")
            server.stdin.flush()
            return json.loads(server.stdout.readline())

        yield ask
        server.stdin.close()


@pytest.mark.soak("kills", KILLS)
def test_kills_at_any_moment_leave_the_table_of_an_uninterrupted_search(tmp_path):
    draw, killed, home = generator("kills of a search"), 0, 0
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
        assert home < 5 + KILLS // 2


def test_models_say_the_same_once_and_not_at_every_trial(caplog):
    def chatty(options):
        logging.getLogger("crm_ml.models.encoding").warning("dropped a column")
        return bumpy(0)(options)

    with caplog.at_level(logging.WARNING, logger="crm_ml.models.encoding"):
        logging.getLogger("crm_ml.models.encoding").setLevel(logging.NOTSET)
        searched(plan_of(trials=4, pruning=None), None, [chatty])
    assert caplog.messages == ["dropped a column"]
