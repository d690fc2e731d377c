"""Champion and challenger: what the gate lets through, what it says, and the way back."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import small_data
import value_shop
from challenge_world import FAILS, config, empty_database, finish, fitted, new_store, outcome, rows
from rich.progress import Progress
from run_store import facts, files, first, folder, model_folder
from value_shop import shop

from crm_ml import tracking
from crm_ml.clv import artefact as clv_artefact
from crm_ml.clv.selection import Choice
from crm_ml.clv.terms import Terms
from crm_ml.clv.tilt import NO_TILT
from crm_ml.config import ClvRun, load_run
from crm_ml.evaluation.classification import auc
from crm_ml.evaluation.uplift_predictions import UpliftPredictions
from crm_ml.tables.strict import validate
from crm_ml.train import clv, experiment, promote, uplift, uplift_fitting
from crm_ml.train.card_parts import features_part, importances
from crm_ml.train.comparing.of_families import of_uplift, of_value
from crm_ml.train.promoting.aliases import number_of
from crm_ml.train.promoting.gate import newest_window
from crm_ml.uplift import artefact as uplift_artefact
from crm_ml.uplift.target import trials

pytestmark = pytest.mark.xdist_group("store")
BEFORE = "2017-11-22"  # labels that end here tell nothing of the test window that begins here


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    return empty_database(tmp_path_factory)


@pytest.fixture(autouse=True)
def runs(request, monkeypatch, tmp_path):
    if "store" in request.fixturenames:
        return None
    return new_store(request.getfixturevalue("template"), tmp_path / "runs", monkeypatch)


def alias(name):
    return number_of(tracking.connect(), "churn", name)


def aliases():
    return tuple(alias(name) for name in ("champion", "previous", "challenger"))


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
    assert [one["name"] for one in told["gates"]] == ["calibrated", "no leak"]
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
    areas = [auc(known.y, fitted(column).predict(known.X)) for column in ("signal", "noise")]
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
    promote.by_hand("churn", "3")
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
    promote.by_hand("churn", "1")
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


def test_rolling_back_is_one_command_and_what_was_rolled_back_does_not_return_by_itself(capsys):
    finish(outcome("noise", labels_end=BEFORE))
    gone = finish(outcome("signal"))
    assert promote.main(["churn", "--rollback", "--reason", "the list was odd"]) == 0
    assert capsys.readouterr().out == (
        "churn version 1 is champion (was version 2): rolled back: the list was odd\n"
    )
    assert aliases() == ("1", None, "2")
    assert tracking.connect().get_run(gone.run_id).data.tags["promotion.role"] == "challenger"
    again = finish(outcome("signal"))
    assert "identical to version 2, which was rolled back" in again.decision.reason
    assert aliases() == ("1", None, "3")
    assert promote.main(["churn", "--rollback"]) == 2
    assert "nothing to roll back to" in capsys.readouterr().err


def test_rolling_back_twice_goes_on_back():
    for column in ("noise", "signal", "answer"):
        finish(outcome(column, labels_end=BEFORE))
    assert aliases() == ("3", "2", None)
    assert promote.main(["churn", "--rollback"]) == 0
    assert aliases() == ("2", "1", "3")
    assert promote.main(["churn", "--rollback"]) == 0
    assert aliases() == ("1", None, "2")


def test_promoting_by_hand_takes_the_challenger_or_a_version_and_keeps_the_reason(capsys):
    finish(outcome("signal", labels_end=BEFORE))
    done = finish(outcome("noise"))
    assert promote.main(["churn", "--reason", "a test in one shop"]) == 0
    assert aliases() == ("2", "1", None)
    reason = tracking.connect().get_run(done.run_id).data.tags["promotion.reason"]
    assert reason.startswith(
        "by hand: a test in one shop (before: does not clearly beat the champion, version 1"
    )
    assert promote.main(["churn", "--version", "2"]) == 0
    assert "it is the champion already" in capsys.readouterr().out
    assert aliases() == ("2", "1", None)
    for arguments, words in (
        (["churn"], "there is no challenger"),
        (["ghost"], "ghost: there is no challenger"),
        (["churn", "--version", "9"], "no version 9 of model churn"),
        (["churn", "--version", "two"], "must be a number"),
    ):
        assert promote.main(arguments) == 2
        assert words in capsys.readouterr().err


def test_a_damaged_version_is_neither_promoted_nor_rolled_back_to(capsys):
    finish(outcome("noise", labels_end=BEFORE))
    finish(outcome("signal"))
    path = sorted(model_folder(tracking.connect(), "churn", 1).rglob("model.json"))[0]
    path.write_text(path.read_text() + " ")
    assert promote.main(["churn", "--rollback"]) == 4
    assert promote.main(["churn", "--version", "1"]) == 4
    assert "model.json has changed" in capsys.readouterr().err
    assert aliases() == ("2", "1", None)


def test_a_damaged_champion_stops_no_run_and_stays_until_somebody_decides():
    finish(outcome("noise", labels_end=BEFORE))
    path = sorted(model_folder(tracking.connect(), "churn", 1).rglob("model.json"))[0]
    path.write_text(path.read_text() + " ")
    done = finish(outcome("signal"))
    assert done.decision.role == "challenger"
    assert "model.json has changed" in done.decision.reason
    assert aliases() == ("1", None, "2")


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
    clv_artefact.save(year, tmp_path / "model", labels_end="2024-07-01")
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
        said = uplift_fitting.predict(run, given, folds, progress)
    parts = {"promotion": UpliftPredictions.join([one.predictions("promotion", "control") for one in said])}
    found = of_uplift(said, parts, ("qini",), known, "control")
    learner = uplift_fitting.fit(run, run.model, given)
    uplift_artefact.save(learner, tmp_path / "model", labels_end="2000-01-01")
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
    wanted = np.abs(fitted("signal").predict(signal.iloc[order]) - fitted("signal").predict(signal)).mean()
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
