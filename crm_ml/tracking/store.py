"""The tracking store: its URI, and a client."""

import contextlib
import importlib
import logging
import os
from collections.abc import Iterator
from typing import Any

from crm_ml import environment
from crm_ml.errors import InputError
from crm_ml.masking import masked, masked_text
from crm_ml.private_files import create, make_folder, tell_open
from crm_ml.storage.paths import runs_folder, sqlite_file, sqlite_uri
from crm_ml.tracking.answer_limits import limit_answers
from crm_ml.tracking.store_retry import Patient, patiently
from crm_ml.tracking.store_uri import checked

_URI = environment.TRACKING_URI
_DEFAULTS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",  # seconds that a server may be silent
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # it may have a password
    "PGCONNECT_TIMEOUT": "30",
}
_FILE = "mlflow.db"


class Client(Patient):
    """An ``MlflowClient`` whose calls are retried while the store is locked or unavailable."""


def tracking_uri() -> str:
    """Return ``MLFLOW_TRACKING_URI``, or the local SQLite store of the project."""
    return environment.text(_URI) or sqlite_uri(runs_folder() / _FILE)


def store_name() -> str:
    """Return `tracking_uri` as messages show it, without a password."""
    return masked(tracking_uri())


def connect() -> Client:
    """Point MLflow to `tracking_uri` and return a client.

    Raises
    ------
    StoreUnavailable, StoreRefused
        Also from every call of the client, see `crm_ml.tracking.store_retry.patiently`.
    """
    checked(tracking_uri())
    mlflow = load_mlflow()
    if not _served(tracking_uri()):
        folder = make_folder(runs_folder())
        tell_open(folder)
        if not environment.text(_URI):
            create(folder / _FILE)
    for logger in ("mlflow", "alembic"):
        logging.getLogger(logger).setLevel(logging.WARNING)
    logging.getLogger("mlflow.store").setLevel(logging.CRITICAL)  # it logs what it raises too
    configured = os.environ.get(_URI)
    mlflow.set_tracking_uri(tracking_uri())
    if configured is None:
        os.environ.pop(_URI, None)  # MLflow sets it, and `tracking_uri` would take it for the user's own
    return Client(patiently(mlflow.MlflowClient, store_name()), store_name())


def connect_to(store: str) -> Client:
    """Return a client of another store by its URI; runs are still written to the store of the project."""
    connect()
    checked(store)
    if not _served(store):
        _open_databases_once()
    name = masked(store)
    made = patiently(lambda: load_mlflow().MlflowClient(tracking_uri=store, registry_uri=store), name)
    return Client(made, name)


@contextlib.contextmanager
def refusing(message: str) -> Iterator[None]:
    """Translate an ``MlflowException`` within the block into an InputError with `message`."""
    from mlflow.exceptions import MlflowException

    try:
        yield
    except MlflowException as error:
        raise InputError(message) from error


@contextlib.contextmanager
def absent(message: str) -> Iterator[None]:
    """Ignore errors of MLflow within the block that something does not exist.

    Raises
    ------
    InputError
        With `message`, if MLflow refuses for any other reason.
    """
    from mlflow.exceptions import MlflowException

    try:
        yield
    except MlflowException as error:
        if not _missing(error):
            reason = masked_text(str(error).partition("\n")[0])[:200]
            raise InputError(f"{message}: {reason}") from error


def _missing(error: Any) -> bool:
    """Return whether the error means that something does not exist; a missing alias has its own code."""
    code = error.error_code
    return code == "RESOURCE_DOES_NOT_EXIST" or (
        code == "INVALID_PARAMETER_VALUE" and "alias" in str(error) and "not found" in str(error)
    )


def load_mlflow() -> Any:
    """Import MLflow, by default without telemetry, with few retries of its own and with limits of time."""
    for name, value in _DEFAULTS.items():
        os.environ.setdefault(name, value)
    import mlflow

    limit_answers()
    if not _served(tracking_uri()):
        _open_databases_once()
    return mlflow


def _open_databases_once() -> None:
    """Let MLflow try once to open a database, as `patiently` tries again, and read its URI right.

    By itself it tries for 101 s, and makes a folder of the name that stands in the URI, escapes and all.
    """
    utils: Any = importlib.import_module("mlflow.store.db.utils")
    utils.MAX_RETRY_COUNT = 1
    utils._make_parent_dirs_if_sqlite = _make_parents


def _make_parents(uri: str) -> None:
    file = sqlite_file(uri)
    if file is not None and file.name:
        file.parent.mkdir(parents=True, exist_ok=True)


def artefacts_location() -> str | None:
    """Return where a new experiment stores its files: beside the runs; None if a server decides."""
    return None if _served(tracking_uri()) else (runs_folder() / "artefacts").resolve().as_uri()


def _served(uri: str) -> bool:
    return uri.startswith(("http:", "https:"))
