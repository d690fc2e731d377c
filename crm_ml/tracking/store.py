"""The tracking store: where it is, and a client of it."""

import contextlib
import logging
import os
from collections.abc import Iterator
from typing import Any

from crm_ml.errors import InputError
from crm_ml.storage.paths import runs_folder
from crm_ml.tracking.store_retry import Patient, patiently

_URI = "MLFLOW_TRACKING_URI"


class Client(Patient):
    """An ``MlflowClient`` whose calls wait where the store is locked or away for a moment."""


def tracking_uri() -> str:
    """Return ``MLFLOW_TRACKING_URI``, or the local SQLite store of the project."""
    return os.environ.get(_URI) or f"sqlite:///{runs_folder() / 'mlflow.db'}"


def connect() -> Client:
    """Point MLflow to `tracking_uri` and return a client.

    Raises
    ------
    StoreUnavailable
        Also by every call of the client, see `crm_ml.tracking.store_retry.patiently`.
    """
    mlflow = load_mlflow()
    if not _served(tracking_uri()):
        runs_folder().mkdir(parents=True, exist_ok=True)
    for logger in ("mlflow", "alembic"):
        logging.getLogger(logger).setLevel(logging.WARNING)
    given = os.environ.get(_URI)
    mlflow.set_tracking_uri(tracking_uri())
    if given is None:
        os.environ.pop(_URI, None)  # MLflow sets it, and `tracking_uri` would take it for the user's own
    return Client(patiently(mlflow.MlflowClient, tracking_uri()), tracking_uri())


def connect_to(store: str) -> Client:
    """Return a client of another store by its URI; that of the project stays the one that is written to."""
    connect()
    made = patiently(lambda: load_mlflow().MlflowClient(tracking_uri=store, registry_uri=store), store)
    return Client(made, store)


@contextlib.contextmanager
def refusing(message: str) -> Iterator[None]:
    """Turn what MLflow refuses within the block into an InputError with `message`."""
    from mlflow.exceptions import MlflowException

    try:
        yield
    except MlflowException as error:
        raise InputError(message) from error


@contextlib.contextmanager
def absent(message: str) -> Iterator[None]:
    """Leave the block in peace where MLflow says that something does not exist.

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
            raise InputError(f"{message}: {str(error).partition(chr(10))[0][:200]}") from error


def _missing(error: Any) -> bool:
    """Say whether MLflow names something that does not exist; an alias has a code that says less."""
    code = error.error_code
    return code == "RESOURCE_DOES_NOT_EXIST" or (
        code == "INVALID_PARAMETER_VALUE" and "alias" in str(error) and "not found" in str(error)
    )


def load_mlflow() -> Any:
    """Import MLflow, without reports of usage to its makers and with few tries of its own, unless asked."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    import mlflow

    return mlflow


def artefacts_location() -> str | None:
    """Return where a new experiment keeps its files: beside the runs, unless a server decides."""
    return None if _served(tracking_uri()) else (runs_folder() / "artefacts").resolve().as_uri()


def _served(uri: str) -> bool:
    return uri.startswith(("http:", "https:"))
