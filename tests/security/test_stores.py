"""Tracking stores that are silent, endless, damaged or oddly named: one clear line, within a stated time."""

import contextlib
import gzip
import shutil
import socket
import sqlite3
import threading
import time

import pytest
from soak import sample
from third_party import third_party

from crm_ml import tracking
from crm_ml.train.promote.__main__ import main as promote

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@pytest.fixture(autouse=True)
def warnings_of_others():
    with third_party():
        yield


def silent(_connection):
    """Accept, and never answer."""


def endless(connection):
    connection.sendall(HEAD + b"\r\n")
    while True:
        connection.sendall(b" " * 2**16)


def trickling(connection):
    connection.sendall(HEAD + b"\r\n")
    while True:
        connection.sendall(b" ")
        time.sleep(0.05)


def bomb(connection):
    body = gzip.compress(bytes(2**25))
    connection.sendall(HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


def garbage(connection):
    connection.sendall(b"\xff" * 999)
    connection.close()


@contextlib.contextmanager
def serving(answer):
    """Answer each connection by a thread of its own; yield the port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        connections = []

        def work(connection):
            with contextlib.suppress(OSError):
                connection.recv(2**16)
                answer(connection)

        def accept():
            with contextlib.suppress(OSError):
                while True:
                    connections.append(server.accept()[0])
                    threading.Thread(target=work, args=connections[-1:], daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        for connection in connections:
            connection.close()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (silent, "is locked or does not answer"),
        (endless, "answers with more than"),
        (trickling, "has not ended its answer within 1 s"),
        (bomb, "answers with more than"),
        (garbage, "is locked or does not answer"),
    ],
)
def test_a_server_that_never_ends_is_one_line_in_time(answer, words, monkeypatch, capsys):
    monkeypatch.setattr("crm_ml.tracking.answer_limits.MOST_BYTES", 2**22)
    monkeypatch.setattr("crm_ml.tracking.answer_limits.LEAST_S", 0.0)
    monkeypatch.setenv("CRM_ML_STORE_WAIT_S", "1")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    began = time.monotonic()
    with serving(answer) as port:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{port}")
        assert promote(["churn"]) == 2
    assert time.monotonic() - began < 15
    error = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert len(error) == 1 and words in error[0]


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("oracul://db/x", "it is no server or database that MLflow knows"),
        ("./mlruns", "it is no server or database that MLflow knows"),
        ("file:///tmp/mlruns", "it is no server or database that MLflow knows"),
        ("http://host:port", "its port is no number"),
        ("http://[::1", "its host can't be read"),
        ("http://", "it has no host"),
        ("postgresql://db:port/x", "its port is no number"),
        ("mysql+nodriver://db/x", "it is no URL of a database that SQLAlchemy knows"),
        ("sqlite:////tmp/%00.db", "it has a NUL character"),
        ("sqlite:////dev/null", "is no regular file"),
    ],
)
def test_a_uri_that_can_not_work_is_refused_at_once(uri, words, monkeypatch, capsys):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    monkeypatch.setattr("time.sleep", lambda _: pytest.fail("waited"))
    assert promote(["churn"]) == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(("content", "words"), [(b"hello", "no SQLite database"), (None, "is damaged")])
def test_a_damaged_store_is_one_clear_line(content, words, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CRM_ML_RUNS", str(tmp_path))
    (tmp_path / "mlflow.db").write_bytes(content or b"SQLite format 3\0" + b"\xff" * 5000)
    assert promote(["churn"]) == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    "name", ["what?", "100%20", "a#b", *sample("names of stores", ['it\'s "so"', "数据 é", "a;b&c=d"], 2)]
)
def test_a_store_lies_in_its_folder_whatever_that_is_called(name, template, tmp_path, monkeypatch):
    folder = tmp_path / name / "runs"
    folder.mkdir(parents=True)
    shutil.copy(template, folder / "mlflow.db")
    monkeypatch.setenv("CRM_ML_RUNS", str(folder))
    with tracking.start("named", "run") as run:
        run.log_text("{}", "config.json")
    with contextlib.closing(sqlite3.connect(folder / "mlflow.db")) as store:
        assert store.execute("select name from experiments where name = 'named'").fetchall() == [("named",)]
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert tracking.connect().list_artifacts(run.run_id)[0].path == "config.json"
    assert list((folder / "artefacts").rglob("config.json"))


def test_a_store_whose_file_or_schema_is_damaged_is_one_clear_line(template, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CRM_ML_RUNS", str(tmp_path))
    (tmp_path / "mlflow.db").symlink_to("/proc/self/mem")
    assert promote(["churn"]) == 2
    assert "mlflow.db can't be read (Input/output error)" in capsys.readouterr().err
    (tmp_path / "mlflow.db").unlink()
    content = template.read_bytes()
    assert b"CREATE TABLE" in content
    (tmp_path / "mlflow.db").write_bytes(content.replace(b"CREATE TABLE", b"CREATE TABLX"))
    assert promote(["churn"]) == 2
    assert "is damaged, or of another version" in capsys.readouterr().err
