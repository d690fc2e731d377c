"""A real tracking server on loopback, a store that is locked, one that is away: wait, then one error."""

import importlib
import json
import shutil
import socket
import sqlite3
import threading

import pytest
import small_runs
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import TEMPORARILY_UNAVAILABLE
from run_store import overall

from crm_ml import tracking
from crm_ml.config import load_run
from crm_ml.errors import ConfigError, InputError, StoreUnavailable
from crm_ml.storage.manifest import new_folder, verify
from crm_ml.tracking.store_retry import WAIT, patiently
from crm_ml.train.__main__ import main as train
from crm_ml.train.compare.__main__ import main as compare
from crm_ml.train.promote.__main__ import main as promote
from crm_ml.train.record.outcome import Candidate, Outcome
from crm_ml.train.record.outcome_log import log_outcome
from crm_ml.train.reproduce import main as reproduce

pytestmark = pytest.mark.xdist_group("server")


@pytest.fixture(scope="module")
def households(tmp_path_factory):
    return small_runs.households_in(tmp_path_factory.mktemp("server") / "households")


@pytest.fixture
def empty(tmp_path, template):
    """A project whose runs and data go to a folder of their own; no table of its store has to be made."""
    (tmp_path / "runs").mkdir()
    shutil.copy(template, tmp_path / "runs" / "mlflow.db")
    with small_runs.home(tmp_path):
        yield tmp_path / "runs"


@pytest.fixture
def served(server, empty, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.uri)
    assert empty.is_dir()
    return server


@pytest.fixture
def locked(empty):
    """A run in a store of its own, and a connection that can lock it."""
    with tracking.start("trial", "first") as run:
        holder = sqlite3.connect(empty / "mlflow.db", isolation_level=None, check_same_thread=False)
        yield run, holder
        if holder.in_transaction:
            holder.execute("ROLLBACK")
        holder.close()


def history(client, run_id, name):
    return [one.value for one in client.get_metric_history(run_id, name)]


def trained(name, households, *more):
    """Train a small run by the command and return it."""
    sets = [
        part for one in (*small_runs.settings("churn/lightgbm", households), *more) for part in ("--set", one)
    ]
    assert train([name, *sets]) == 0
    client = tracking.connect()
    runs = client.search_runs([client.get_experiment_by_name("churn").experiment_id])
    return next(one for one in runs if one.info.run_name == name)


@pytest.mark.rota("tracking servers", 1)
@pytest.mark.slow
def test_runs_on_a_server_leave_what_they_leave_in_a_file_and_are_compared_promoted_and_run_again(
    served, households, tmp_path, capsys
):
    run = trained("churn/lightgbm", households, "largest_ece=0.5")
    client = tracking.connect()
    assert run.info.status == "FINISHED"
    for name in overall(run):
        assert history(client, run.info.run_id, name) == [run.data.metrics[name]]
    (model,) = client.search_logged_models([run.info.experiment_id])
    assert {one.key: one.value for one in model.metrics} == run.data.metrics
    champion = tracking.champion("churn")
    assert (champion.version, verify(champion.folder)["family"]) == ("1", "churn")
    files = {one.path for one in client.list_artifacts(run.info.run_id)}
    assert files >= {"model_card.md", "promotion.json", "provenance.json", "reproduction.json"}

    trials = {"tuning.trials": "2", "tuning.startup": "1", "tuning.validation": "{search: 1, confirm: 1}"}
    trials |= {
        "tuning.space": "{rounds: {low: 10, high: 40}}",
        "register_as.name": "churn",
        "largest_ece": "0.5",
    }
    tuned = trained("churn/tuned", households, *(f"{key}={value}" for key, value in trials.items()))
    below = f"tags.mlflow.parentRunId = '{tuned.info.run_id}'"
    assert [one.info.status for one in client.search_runs([tuned.info.experiment_id], below)] == [
        "FINISHED"
    ] * 2
    capsys.readouterr()
    assert compare([run.info.run_id, tuned.info.run_id]) == 0
    assert "churn: 2 runs on common rows" in capsys.readouterr().out
    assert promote(["churn", "--version", "2"]) == promote(["churn", "--rollback"]) == 0
    assert tracking.champion("churn").version == "1"
    assert reproduce([run.info.run_id]) == 0
    assert capsys.readouterr().out.rstrip().endswith("identical")
    assert not (tmp_path / "runs" / "unlogged").exists()
    assert served.uri == tracking.tracking_uri()


@pytest.mark.slow
def test_a_server_that_comes_back_in_time_loses_and_doubles_nothing(served, monkeypatch):
    monkeypatch.setenv(WAIT, "240")
    with tracking.start("trial", "through a fall") as run:
        run.log_metrics({"before": 0.25})
        served.stop()
        again = threading.Timer(1.0, served.start)
        again.start()
        run.log_metrics({"during": 0.5, "during.low": 0.25})
        again.join()
        run.log_metrics({"during": 0.5})
    kept = tracking.connect().get_run(run.run_id)
    assert kept.info.status == "FINISHED"
    assert kept.data.metrics == {"before": 0.25, "during": 0.5, "during.low": 0.25}
    assert history(run.client, run.run_id, "during") == [0.5]


@pytest.mark.usefixtures("empty")
def test_a_server_that_stays_away_is_one_error_with_exit_code_2(households, monkeypatch, capsys):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        uri = f"http://127.0.0.1:{free.getsockname()[1]}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    monkeypatch.setenv(WAIT, "1")
    assert train(["churn/lightgbm", "--set", f"data.path={households}"]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"error: tracking store {uri} is locked or does not answer: ")
    assert "run the command again, or wait longer with CRM_ML_STORE_WAIT_S" in error
    assert "Traceback" not in error


def test_a_lock_that_goes_is_waited_for_and_no_metric_is_doubled(locked):
    run, holder = locked
    run.log_metrics({"before": 0.25})
    holder.execute("BEGIN EXCLUSIVE")
    threading.Timer(1.5, lambda: holder.execute("COMMIT")).start()
    run.log_metrics({"during": 0.5})
    assert run.client.get_run(run.run_id).data.metrics == {"before": 0.25, "during": 0.5}
    assert history(run.client, run.run_id, "during") == [0.5]


@pytest.mark.parametrize(
    "call", ["create_run", "create_experiment", "create_logged_model", "create_model_version"]
)
@pytest.mark.usefixtures("empty")
def test_a_call_that_was_carried_out_and_whose_answer_was_lost_makes_nothing_twice(
    call, tmp_path, monkeypatch
):
    model = tmp_path / "model"
    with new_folder(model) as part:
        (part / "numbers.json").write_text("[]")
    kind = "model_registry" if call == "create_model_version" else "tracking"
    home = importlib.import_module(f"mlflow.store.{kind}.sqlalchemy_store").SqlAlchemyStore
    real, lost = getattr(home, call), []

    def unheard(*given, **named):
        made = real(*given, **named)
        if not lost:
            lost.append(made)
            raise MlflowException("Connection aborted", error_code=TEMPORARILY_UNAVAILABLE)
        return made

    monkeypatch.setattr(home, call, unheard)
    with tracking.start("trial", "once") as run:
        run.log_metrics({"a": 1.0})
        version = run.register(model, "small", "crm_ml.churn.churn_pyfunc", {"a": "double"}, {"b": "double"})
    assert len(lost) == 1
    client = tracking.connect()
    (experiment,) = [one for one in client.search_experiments() if one.name == "trial"]
    assert [one.info.run_id for one in client.search_runs([experiment.experiment_id])] == [run.run_id]
    assert len(client.search_logged_models([experiment.experiment_id])) == 1
    assert [one.version for one in client.search_model_versions("name='small'")] == [
        1
    ] and version.version == "1"
    assert tracking.registered("small", "1").content == version.content


class Locked(Exception):
    """What MLflow raises of a locked store, as it names it."""

    error_code = "TEMPORARILY_UNAVAILABLE"


Locked.__module__ = "mlflow.exceptions"


def test_it_is_tried_again_with_growing_waits_and_then_told(monkeypatch):
    waits = []
    monkeypatch.setattr("crm_ml.tracking.store_retry.time.sleep", waits.append)
    answers = [Locked("database is locked"), Locked("database is locked"), 7]

    def call():
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert patiently(call, "sqlite:///x.db") == 7
    assert waits == [0.25, 0.5]
    monkeypatch.setenv(WAIT, "0")
    answers[:] = [Locked("(sqlite3.OperationalError) database is locked [SQL: SELECT secret]")]
    with pytest.raises(
        StoreUnavailable, match=r"sqlite:///x\.db is locked .*: database is locked; tried 1 times"
    ) as caught:
        patiently(call, "sqlite:///x.db")
    assert "secret" not in str(caught.value)
    monkeypatch.setenv(WAIT, "a minute")
    with pytest.raises(ConfigError, match="CRM_ML_STORE_WAIT_S is 'a minute'"):
        patiently(call, "sqlite:///x.db")


def test_what_does_not_pass_is_raised_at_once(monkeypatch):
    monkeypatch.setattr("crm_ml.tracking.store_retry.time.sleep", lambda _: pytest.fail("waited"))
    for error in (ValueError("database is locked"), InputError("Connection refused"), KeyError("a")):

        def call(error=error):
            raise error

        with pytest.raises(type(error)):
            patiently(call, "sqlite:///x.db")


def test_a_store_that_is_lost_at_the_end_leaves_the_metrics_in_a_file(tmp_path, monkeypatch):
    class Lost:
        run_id = "abc"

        def register(self, *_):
            raise StoreUnavailable("tracking store x is locked")

    config = load_run("churn/lightgbm")
    candidate = Candidate("churn", lambda folder: folder.mkdir(), "crm_ml.churn.churn_pyfunc", {}, {})
    outcome = Outcome({"test.auc": 0.75}, None, (), candidate, None)
    monkeypatch.setenv("CRM_ML_RUNS", str(tmp_path))
    with pytest.raises(StoreUnavailable, match=r"is locked; the metrics of the run stand in .*abc\.json"):
        log_outcome(Lost(), config, None, outcome, {})
    content = json.loads((tmp_path / "unlogged" / "abc.json").read_text(encoding="utf-8"))
    assert content["metrics"] == {"test.auc": 0.75}
    assert content["config"]["model"]["name"] == config.model.name
