"""Who is champion when, the way back, and stops and strangers in between."""

import contextlib
import itertools

import pytest
from challenge_world import BEFORE, FAILS, alias, aliases, finish, outcome
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INTERNAL_ERROR, PERMISSION_DENIED
from run_store import version_folder

from crm_ml import tracking
from crm_ml.errors import InputError
from crm_ml.train.promote import __main__ as command
from crm_ml.train.promote import gate, promotion

pytestmark = pytest.mark.usefixtures("new_runs")


def test_rolling_back_is_one_command_and_what_was_rolled_back_does_not_return_by_itself(capsys):
    finish(outcome("noise", labels_end=BEFORE))
    gone = finish(outcome("signal"))
    assert command.main(["churn", "--rollback", "--reason", "the list was odd"]) == 0
    assert capsys.readouterr().out == (
        "churn version 1 is champion (was version 2): rolled back: the list was odd\n"
    )
    assert aliases() == ("1", None, "2")
    assert tracking.connect().get_run(gone.run_id).data.tags["promotion.role"] == "challenger"
    again = finish(outcome("signal"))
    assert "identical to version 2, which was rolled back" in again.decision.reason
    assert aliases() == ("1", None, "3")
    assert command.main(["churn", "--rollback"]) == 2
    assert "nothing to roll back to" in capsys.readouterr().err


def test_rolling_back_twice_goes_on_back():
    for column in ("noise", "signal", "answer"):
        finish(outcome(column, labels_end=BEFORE))
    assert aliases() == ("3", "2", None)
    assert command.main(["churn", "--rollback"]) == 0
    assert aliases() == ("2", "1", "3")
    assert command.main(["churn", "--rollback"]) == 0
    assert aliases() == ("1", None, "2")


def test_a_stop_between_any_two_calls_leaves_a_champion_and_the_way_back(monkeypatch):
    finish(outcome("noise", labels_end=BEFORE))
    finish(outcome("signal"))
    finish(outcome("noise", gates=(FAILS,), labels_end="2017-12-26"))
    for stop in itertools.count(1):
        assert alias("champion") == "2"
        whole = stopped(monkeypatch, stop, lambda: promotion.by_hand("churn", "3"))
        assert alias("champion") in ("2", "3")
        promotion.by_hand("churn", "3")
        assert aliases() == ("3", "2", None)
        stopped(monkeypatch, stop, lambda: promotion.rollback("churn"))
        assert alias("champion") in ("2", "3")
        if alias("champion") == "3":
            promotion.rollback("churn")
        if whole:
            break
    assert stop > 8
    promotion.rollback("churn")
    assert aliases() == ("1", None, "2")


def stopped(monkeypatch, stop, call):
    """End a call before it changes the store for the n-th time; says whether it came to its end."""
    calls = []

    def counted(real):
        def change(self, *given, **named):
            calls.append(real)
            if len(calls) == stop:
                raise KeyboardInterrupt
            return real(self, *given, **named)

        return change

    with monkeypatch.context() as patch:
        for name in [one for one in dir(MlflowClient) if one.startswith(("set_", "delete_"))]:
            patch.setattr(MlflowClient, name, counted(getattr(MlflowClient, name)))
        with contextlib.suppress(KeyboardInterrupt):
            call()
            return True
    return False


def test_a_champion_that_moves_meanwhile_is_the_one_to_beat(monkeypatch):
    finish(outcome("noise", labels_end=BEFORE))
    finish(outcome("signal", gates=(FAILS,), labels_end=BEFORE))
    asked = []

    def moving(*given, real=gate.decide):
        found = real(*given)
        asked.append(found.champion)
        if len(asked) == 1:
            promotion.by_hand("churn", "2")
        return found

    monkeypatch.setattr(gate, "decide", moving)
    done = finish(outcome("signal+noise"))
    assert asked == ["1", "2"]
    assert done.decision.role == "challenger"
    assert aliases() == ("2", "1", "3")


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (INTERNAL_ERROR, r"churn@champion can't be read from .*not yours"),
        (PERMISSION_DENIED, r"tracking store .* does not allow this user to do it \(403\)"),
    ],
)
def test_a_champion_that_can_not_be_read_is_not_taken_for_none(code, words, monkeypatch):
    finish(outcome("noise", labels_end=BEFORE))

    def refused(*_given):
        raise MlflowException("not yours", error_code=code)

    monkeypatch.setattr(MlflowClient, "get_model_version_by_alias", refused)
    with pytest.raises(InputError, match=words):
        finish(outcome("signal"))
    monkeypatch.undo()


def test_another_window_of_labels_is_another_target():
    finish(outcome("noise", labels_end=BEFORE))
    done = finish(outcome("signal", gap_days=7))
    assert done.decision.role == "challenger"
    assert "another target (gap_days)" in done.decision.reason


def test_promoting_by_hand_takes_the_challenger_or_a_version_and_keeps_the_reason(capsys):
    finish(outcome("signal", labels_end=BEFORE))
    done = finish(outcome("noise"))
    assert command.main(["churn", "--reason", "a test in one shop"]) == 0
    assert aliases() == ("2", "1", None)
    reason = tracking.connect().get_run(done.run_id).data.tags["promotion.reason"]
    assert reason.startswith(
        "by hand: a test in one shop (before: does not clearly beat the champion, version 1"
    )
    assert command.main(["churn", "--version", "2"]) == 0
    assert "it is the champion already" in capsys.readouterr().out
    assert aliases() == ("2", "1", None)
    for arguments, words in (
        (["churn"], "there is no challenger"),
        (["ghost"], "ghost: there is no challenger"),
        (["churn", "--version", "9"], "no version 9 of model churn"),
        (["churn", "--version", "two"], "must be a number"),
    ):
        assert command.main(arguments) == 2
        assert words in capsys.readouterr().err


def test_a_damaged_version_is_neither_promoted_nor_rolled_back_to(capsys):
    finish(outcome("noise", labels_end=BEFORE))
    finish(outcome("signal"))
    path = sorted(version_folder(tracking.connect(), "churn", 1).rglob("model.json"))[0]
    path.write_text(path.read_text() + " ")
    assert command.main(["churn", "--rollback"]) == 4
    assert command.main(["churn", "--version", "1"]) == 4
    assert "model.json has changed" in capsys.readouterr().err
    assert aliases() == ("2", "1", None)


def test_a_damaged_champion_stops_no_run_and_stays_until_somebody_decides():
    finish(outcome("noise", labels_end=BEFORE))
    path = sorted(version_folder(tracking.connect(), "churn", 1).rglob("model.json"))[0]
    path.write_text(path.read_text() + " ")
    done = finish(outcome("signal"))
    assert done.decision.role == "challenger"
    assert "model.json has changed" in done.decision.reason
    assert aliases() == ("1", None, "2")
