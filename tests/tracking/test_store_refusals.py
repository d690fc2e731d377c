"""A store that refuses the user, artefacts that can't be written or read, models that were deleted."""

import contextlib
import re
import shlex
import shutil
import sqlite3
from pathlib import Path

import pytest
from mlflow_server import guarded
from third_party import third_party

from crm_ml import commands, tracking
from crm_ml.errors import InputError
from crm_ml.masking import masked
from crm_ml.storage.manifest import new_folder
from crm_ml.tracking.refusals import refusal
from crm_ml.train.promote.__main__ import main as promote

USER, PASSWORD = "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"
LOADER = "crm_ml.churn.churn_pyfunc"


@pytest.fixture(autouse=True)
def nobody(monkeypatch):
    for name in (USER, PASSWORD, "MLFLOW_TRACKING_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    with third_party():
        yield


def small_model(folder, text="[]"):
    with new_folder(folder, family="churn") as part:
        (part / "numbers.json").write_text(text)
    return folder


def registered(run, folder, inputs=("a",), name="churn"):
    return run.register(folder, name, LOADER, dict.fromkeys(inputs, "double"), {"p_churn": "double"})


@pytest.mark.parametrize(
    ("refusing", "given", "words"),
    [
        (401, {}, f"wants a user and a password (401); set {USER} and {PASSWORD}"),
        (401, {USER: "ada", PASSWORD: "wr0ng"}, f"does not accept {USER} and {PASSWORD} (401); correct them"),
        (
            403,
            {USER: "ada", PASSWORD: "wr0ng"},
            "does not allow this user to do it (403); ask for the permission",
        ),
    ],
)
def test_a_refused_user_is_one_error_without_the_password(refusing, given, words, monkeypatch, capsys):
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    with guarded(refusing=refusing) as uri:
        named = uri.replace("//", "//eve:s3cret@") if given else uri
        monkeypatch.setenv("MLFLOW_TRACKING_URI", named)
        assert promote(["churn"]) == 2
    error = capsys.readouterr().err
    shown = uri.replace("//", "//***@") if given else uri
    assert error == f"error: tracking store {shown} {words}\n"


@pytest.mark.usefixtures("new_runs")
@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("{file}/below", "can't be written (Not a directory: "),
        ("s3://bucket/files", "needs the module boto3, which is not installed: pip install boto3"),
    ],
)
def test_artefacts_that_cannot_be_written_are_refused_before_anything_is_trained(place, words, tmp_path):
    (tmp_path / "file").write_text("")
    location = place.replace("{file}", (tmp_path / "file").as_uri())
    tracking.connect().create_experiment("churn", location)
    with pytest.raises(tracking.StoreRefused) as caught, tracking.start("churn", "run") as run:
        run.log_text("{}", "config.json")
    assert words in str(caught.value)
    assert tracking.connect().get_run(run.run_id).info.status == "FAILED"


NO_KEYS = type("NoCredentialsError", (Exception,), {"__module__": "botocore.exceptions"})("no credentials")


@pytest.mark.usefixtures("new_runs")
def test_an_error_of_a_bucket_is_a_refusal_and_one_of_ours_is_none(tmp_path, monkeypatch):
    from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository

    def refuse(*_, **__):
        raise error

    for error in (NO_KEYS, Exception("no connection string"), TypeError("a fault of ours")):
        wanted = type(error) if isinstance(error, TypeError) else tracking.StoreRefused
        with (
            pytest.raises(wanted) as caught,
            monkeypatch.context() as patch,
            tracking.start("churn", "run") as run,
        ):
            patch.setattr(LocalArtifactRepository, "log_artifact", refuse)
            patch.setattr(LocalArtifactRepository, "log_artifacts", refuse)
            if error is NO_KEYS:
                registered(run, small_model(tmp_path / "model"))
            run.log_text("{}", "config.json")
        if wanted is tracking.StoreRefused:
            assert f"can't be written ({type(error).__name__}: {error}); see where" in str(caught.value)
    assert "can't be read (NoCredentialsError" in str(refusal(NO_KEYS, "s", "download_artifacts"))
    assert refusal(NO_KEYS, "s", "log_batch") is None


@pytest.mark.parametrize(
    ("module", "method", "words"),
    [
        ("google.cloud", "log_text", "the artefact store of s needs the module google.cloud, which is not "
         "installed: pip install google-cloud-storage"),
        ("azure", "download", "the artefact store of s needs the module azure, which is not installed: "
         "pip install azure-storage-blob azure-identity"),
        ("psycopg2", "", "the tracking store s needs the module psycopg2, which is not installed: "
         "pip install psycopg2-binary"),
        ("dbapi_of_hers", "log_batch", "the tracking store s needs the module dbapi_of_hers, which is not "
         "installed: install the package that has it"),
    ],
)  # fmt: skip
def test_a_missing_module_is_told_with_what_brings_it(module, method, words):
    assert str(refusal(ModuleNotFoundError("none", name=module), "s", method)) == words


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("postgresql://ada:se/cret@db/mlflow", "postgresql://***@db/mlflow"),
        ("postgresql://ada:se#cret@db/mlflow", "postgresql://***@db/mlflow"),
        ("https://ada:se?cret@host", "https://***@host"),
        ("https://ada:se@cret@host/a?token=secret", "https://***@host/a?***"),
        ("postgresql://db/mlflow?user=ada&password=se@cret", "postgresql://***"),
        ("postgresql://db/mlflow?user=ada&password=secret", "postgresql://db/mlflow?***"),
        ("mssql+pyodbc:///?odbc_connect=PWD=se@cret", "mssql+pyodbc:///?***"),
        ("https://host/#token=secret", "https://host/#***"),
        ("sqlite:////srv/a@b/mlflow.db", "sqlite:////srv/a@b/mlflow.db"),
        ("databricks", "databricks"),
    ],
)
def test_no_password_is_shown_wherever_it_stands_in_a_uri(uri, shown):
    assert masked(uri) == shown


def test_no_password_is_shown_by_an_error_of_mlflow_itself(monkeypatch, capsys):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://ada:s3/cret@127.0.0.1:9")
    assert promote(["churn"]) == 2
    error = capsys.readouterr().err
    assert "tracking store https://***@127.0.0.1:9: its port is no number" in error and "cret" not in error


def test_files_that_are_gone_and_models_that_were_deleted_say_what_to_do(new_runs, tmp_path):
    with tracking.start("churn", "run") as run:
        registered(run, small_model(tmp_path / "model"))
    client = tracking.connect()
    client.set_registered_model_alias("churn", "champion", "1")
    shutil.rmtree(new_runs / "artefacts")
    with pytest.raises(InputError, match=r"files of model churn version 1 can't be read .* train it again"):
        tracking.champion("churn")
    client.delete_registered_model_alias("churn", "champion")
    with pytest.raises(tracking.ModelAbsent, match="no model churn@champion"):
        tracking.champion("churn")
    client.delete_registered_model("churn")
    with pytest.raises(InputError, match="no version 1 of model churn"):
        tracking.registered("churn", "1")
    with tracking.start("churn", "again") as run:
        assert registered(run, small_model(tmp_path / "second", "[1]")).version == "1"
    assert tracking.registered("churn", "1").name == "churn"


def test_a_deleted_experiment_is_restored_by_the_command_of_its_error(new_runs):
    from click.testing import CliRunner
    from mlflow import set_tracking_uri
    from mlflow.experiments import commands

    client = tracking.connect()
    client.delete_experiment(client.create_experiment("churn"))
    with pytest.raises(InputError) as caught, tracking.start("churn", "run"):
        pass
    setting, *command = shlex.split(str(caught.value).partition("restore it: ")[2])
    assert command[:2] == ["mlflow", "experiments"] and str(new_runs) in setting
    set_tracking_uri(None)  # as in the shell that the command is typed into
    done = CliRunner(env=dict([setting.split("=", 1)])).invoke(commands, command[2:])
    assert done.exit_code == 0, done.output
    assert tracking.connect().get_experiment_by_name("churn").lifecycle_stage == "active"


@pytest.mark.usefixtures("new_runs")
def test_an_example_of_the_input_is_made_up_and_read_by_mlflow(tmp_path):
    import mlflow
    from mlflow.models import Model

    with tracking.start("churn", "run") as run:
        registered(run, small_model(tmp_path / "model"), ("rfm_orders", "basket_items"))
    home = mlflow.artifacts.download_artifacts("models:/churn/1")
    described = Model.load(home)
    example = described.load_input_example(home)
    assert example.to_dict("list") == {"rfm_orders": [1.0], "basket_items": [1.0]}
    assert list(example.columns) == described.get_input_schema().input_names()
    assert described.get_serving_input(home) is not None
    assert sorted(path.name for path in Path(home).glob("*example.json")) == [
        "input_example.json",
        "serving_input_example.json",
    ]


@pytest.mark.slow
@pytest.mark.xdist_group("server")
@pytest.mark.usefixtures("new_runs")
def test_a_server_with_a_user_and_artefacts_elsewhere(server, tmp_path, monkeypatch, capfd):
    with guarded(server.port) as uri:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri.replace("//", "//ada:right@"))
        monkeypatch.setenv(USER, "ada")
        monkeypatch.setenv(PASSWORD, "right")
        tracking.connect().create_experiment("apart", (tmp_path / "apart").as_uri())
        for experiment in ("handed on", "apart"):
            with tracking.start(experiment, "run") as run:
                run.log_text("{}", "plots of 优惠/a.json")
                model = small_model(tmp_path / f"{experiment} model", f'["{experiment}"]')
                version = registered(run, model, name="guarded")
            assert tracking.connect().get_run(run.run_id).data.tags["mlflow.user"] == "ada"
            assert tracking.registered("guarded", version.version).content == version.content
        assert list((tmp_path / "apart").rglob("MLmodel"))
        shutil.rmtree(server.folder / "files")
        (server.folder / "files").write_text("no folder")
        try:
            with (
                pytest.raises(tracking.StoreRefused, match=r"\*\*\*@.* can't be written \(HTTP 500\)"),
                tracking.start("handed on", "unwritable") as run,
            ):
                run.log_text("{}", "config.json")
        finally:
            (server.folder / "files").unlink()
    output = capfd.readouterr()
    assert "right" not in output.out + output.err


@pytest.mark.parametrize(
    "statement",
    [
        "drop table experiments",
        "alter table experiments rename column name to other",
        "update alembic_version set version_num = 'x'",
        "delete from alembic_version",
    ],
)
def test_a_damaged_database_is_one_error(statement, new_runs, capfd):
    with contextlib.closing(sqlite3.connect(new_runs / "mlflow.db")) as database, database:
        database.execute(statement)
    assert commands.run(lambda: tracking.connect().search_experiments() and None) == 2
    words = r"error: tracking store .* is damaged, or of another version of MLflow .*\n"
    assert re.fullmatch(words, capfd.readouterr().err)
