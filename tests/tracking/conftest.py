"""One tracking server for all tests of this folder: it takes a minute to start."""

import shutil

import pytest
from mlflow_server import Server


@pytest.fixture(scope="session")
def server(tmp_path_factory, template):
    """A server from an empty database, started once."""
    started = Server(tmp_path_factory.mktemp("server"))
    shutil.copy(template, started.folder / "mlflow.db")
    started.start()
    yield started
    started.stop()
