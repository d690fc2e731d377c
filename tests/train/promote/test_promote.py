"""Champion and challenger: what the gate lets through and what it says."""

from dataclasses import replace

import pandas as pd
import pytest
from challenge_world import BEFORE, FAILS, aliases, config, finish, fitted, outcome, rows
from run_store import facts

from crm_ml import tracking
from crm_ml.evaluation.classification import auc
from crm_ml.train.promote import promotion
from crm_ml.train.promote.gate import newest_window

pytestmark = pytest.mark.usefixtures("new_runs")


def test_the_first_model_whose_gates_hold_is_champion_and_says_why():
    failed = finish(outcome("signal", gates=(FAILS,)))
    assert aliases() == (None, None, "1")
    assert failed.decision.reason == "gates fail: calibrated (ECE 0.2000)"
    done = finish(outcome("noise"))
    assert aliases() == ("2", None, "1")
    run = tracking.connect().get_run(done.run_id)
    told = facts(run, "promotion")
    assert (told["role"], told["version"], told["moves"]) == ("champion", "2", True)
    assert told["reason"] == "the first model of this name whose gates hold"
    assert [one["name"] for one in told["gates"]] == ["calibrated"]
    assert run.data.tags["promoted"] == "true"
    assert run.data.tags["promotion.reason"] == told["reason"]
    assert tracking.connect().get_model_version("churn", "2").tags["promotion.role"] == "champion"


def test_a_better_model_beats_the_champion_scored_again_on_the_same_rows():
    finish(outcome("noise", labels_end=BEFORE))
    done = finish(outcome("signal"))
    assert aliases() == ("2", "1", None)
    assert done.decision.basis == "re-scored"
    assert done.decision.window == ("2017-11-22",)
    known = rows(("2017-11-22",))
    areas = [auc(known.y, fitted(column).expected(known.X)) for column in ("signal", "noise")]
    found = done.decision.differences["test"]
    assert found.value == pytest.approx(areas[0] - areas[1], abs=1e-12)
    assert 0 < found.low < found.value < found.high
    assert done.decision.reason.startswith(
        "beats the champion, version 1 (re-scored), on 2017-11-22: 300 rows, auc +"
    )


def test_one_that_does_not_clearly_beat_the_champion_stays_challenger():
    finish(outcome("signal", labels_end=BEFORE))
    done = finish(outcome("noise"))
    assert aliases() == ("1", None, "2")
    assert done.decision.reason.startswith("does not clearly beat the champion, version 1 (re-scored)")
    assert done.decision.differences["test"].high < 0
    tags = tracking.connect().get_run(done.run_id).data.tags
    assert (tags["promoted"], tags["promotion.role"]) == ("false", "challenger")


def test_a_lead_that_may_be_chance_is_not_enough():
    finish(outcome("signal", labels_end=BEFORE))
    found = finish(outcome("signal+noise")).decision.differences["test"]
    assert found.low < 0 < found.value
    assert aliases() == ("1", None, "2")
    equal = finish(outcome("signal")).decision  # other sums, since its labels end later; the same scores
    assert equal.differences["test"].value == 0
    assert equal.reason.startswith("does not clearly beat")
    assert aliases() == ("1", None, "3")


def test_a_champion_of_a_version_that_can_not_be_loaded_is_replaced_if_the_gates_hold():
    old = outcome("signal", labels_end=BEFORE)
    finish(replace(old, candidate=replace(old.candidate, loader_module="crm_ml.churn.artefact")))
    refused = finish(outcome("noise", gates=(FAILS,)))
    assert aliases() == ("1", None, refused.version)
    done = finish(outcome("noise"))
    assert "is of a version of crm_ml that this one can't load" in done.decision.reason
    assert aliases()[0] == done.version


def test_a_better_model_whose_gate_fails_stays_challenger():
    finish(outcome("noise", labels_end=BEFORE))
    done = finish(outcome("signal", gates=(FAILS,)))
    assert aliases() == ("1", None, "2")
    assert "gates fail: calibrated" in done.decision.reason


def test_a_champion_that_knows_the_answers_is_judged_by_what_it_said_before_it_knew_them():
    # its registered model has seen the labels of the window (`answer`), its models of the tests had not
    finish(outcome("answer", judged_by="noise", labels_end="2017-12-27"))
    done = finish(outcome("signal"))
    assert done.decision.basis.startswith(
        "logged predictions, since its labels end on 2017-12-27, after 2017-11-22"
    )
    assert aliases() == ("2", "1", None)
    # the same champion, whose labels ended before, is scored again, and can't be beaten
    finish(outcome("answer", judged_by="noise", labels_end=BEFORE, gates=(FAILS,)))
    promotion.by_hand("churn", "3")
    assert (
        finish(outcome("signal", judged_by="signal", labels_end="2017-12-28")).decision.role == "challenger"
    )


def test_a_champion_that_can_not_score_the_rows_is_judged_by_its_logged_predictions():
    finish(outcome("noise", labels_end=BEFORE))
    done = finish(outcome("signal", lacks=("noise",)))
    assert "logged predictions, since it can't score these rows" in done.decision.basis
    assert done.decision.role == "champion"


def test_without_common_rows_nobody_is_replaced_and_the_reason_is_told():
    finish(outcome("noise", days=("2017-09-27",)), config(("2017-09-27",)))
    done = finish(outcome("signal", days=("2017-11-22",)))
    assert aliases() == ("1", None, "2")
    assert "the runs share no test row" in done.decision.reason
    assert "promote it by hand" in done.decision.reason


def test_the_newest_complete_window_decides_alone():
    days = ("2017-10-25", "2017-11-22")
    finish(outcome("noise", days=days, labels_end="2017-10-01"), config(days))
    given = outcome("signal", days=days)
    assert finish(given, config(days)).decision.window == ("2017-11-22",)
    windows = dict(given.rows.windows)
    windows["2017-11-22"] = replace(windows["2017-11-22"], complete=False)
    still_open = replace(given, rows=replace(given.rows, windows=windows))
    promotion.by_hand("churn", "1")
    again = finish(
        replace(still_open, candidate=outcome("signal", labels_end="2017-12-28").candidate), config(days)
    )
    assert again.decision.window == ("2017-10-25",)
    assert again.decision.role == "champion"


def test_few_rows_take_older_windows_in():
    days = ("2017-10-25", "2017-11-22")
    logged = finish(outcome("noise", days=days), config(days)).logged
    frame = logged.frames["test"]
    older = frame[frame["fold"] == "2017-10-25"]
    for above, wanted in ((29, set(days)), (30, {"2017-11-22"})):
        newest = frame[(frame["fold"] == "2017-11-22")]
        few = newest[(newest["y"] == 0) | (newest["y"].cumsum() <= above)]
        assert newest_window({"test": pd.concat([older, few])}, logged) == wanted


def test_an_identical_model_stays_champion_and_moves_nothing():
    finish(outcome("signal"))
    done = finish(outcome("signal"))
    assert done.version == "2"
    assert aliases() == ("1", None, None)
    assert done.decision.reason == "identical to the champion, version 1"
    assert tracking.connect().get_run(done.run_id).data.tags["promoted"] == "true"
