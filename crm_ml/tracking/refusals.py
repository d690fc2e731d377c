"""Clear errors where a tracking store refuses the user, or the place of its artefacts can't be used."""

import re
import traceback

from crm_ml import environment
from crm_ml.errors import InputError
from crm_ml.masking import masked_text

USER, PASSWORD, TOKEN = "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN"
_CODES = {"UNAUTHENTICATED": 401, "PERMISSION_DENIED": 403}
_STATUS = re.compile(r"(?:failed with error code|too many) (\d{3})")
_WRITES = ("log_text", "log_artifact", "log_figure", "log_model_artifact")  # also those that end with s
_READS = "download_artifacts"
_DAMAGED = (
    "no such table",
    "no such column",
    "has no column named",
    "out-of-date database schema",
    "Can't locate revision",
    "disk image is malformed",
    "malformed database schema",
    "file is not a database",
)
_LONGEST = 200
_BROUGHT_BY = {
    "boto3": "boto3",
    "botocore": "boto3",
    "google": "google-cloud-storage",
    "azure": "azure-storage-blob azure-identity",
    "paramiko": "paramiko pysftp",
    "pysftp": "paramiko pysftp",
    "psycopg": "'psycopg[binary]'",
    "psycopg2": "psycopg2-binary",
    "pymysql": "pymysql",
    "MySQLdb": "mysqlclient",
    "pyodbc": "pyodbc",
    "pymssql": "pymssql",
}  # distributions by what is imported


class StoreRefused(InputError):
    """A store that refuses the user, or whose place of artefacts can't be used (exit code 2)."""


def refusal(error: Exception, store: str, method: str = "") -> StoreRefused | None:
    """Return a clear error in place of one of MLflow or of a file system, or None where there is none.

    Parameters
    ----------
    error : Exception
    store : str
        URI of the store, masked.
    method : str
        Of the client, by which it is known whether artefacts are written or read; ``download`` where the
        caller says itself what can't be read.
    """
    status = _status(error)
    if status in (401, 403):
        return StoreRefused(_of_user(store, status))
    writes, reads = method.removesuffix("s") in _WRITES, method.startswith("download")
    if isinstance(error, ModuleNotFoundError) and not str(error.name).startswith(("crm_ml", "mlflow")):
        return StoreRefused(_of_package(store, str(error.name), of_files=writes or reads))
    if writes and (isinstance(error, OSError) or refuses_artefacts(error) or _of_library(error)):
        return StoreRefused(
            f"the artefact store of {store} can't be written ({_reason(error, status)}); see where its "
            "experiments keep their artefacts, and who may write there"
        )
    if method == _READS and _of_library(error):
        return StoreRefused(
            f"the artefact store of {store} can't be read ({_reason(error, status)}); see where its "
            "experiments keep their artefacts, and who may read there"
        )
    if is_damaged(error):
        return StoreRefused(
            f"tracking store {store} is damaged, or of another version of MLflow ({_reason(error, status)}); "
            "bring it back from a copy, or name another by MLFLOW_TRACKING_URI or CRM_ML_RUNS"
        )
    return None


def refuses_artefacts(error: Exception) -> bool:
    """Return whether a server that hands artefacts on can't write or read them."""
    return "mlflow-artifacts/" in str(error) and _status(error) == 500


def is_damaged(error: Exception) -> bool:
    """Return whether MLflow could not make anything of what stands in the database of a store."""
    if any(sign in str(error) for sign in _DAMAGED):
        return True
    if isinstance(error, OSError) or error.__traceback__ is None:
        return False
    *_, (frame, _) = traceback.walk_tb(error.__traceback__)
    raised_in = str(frame.f_globals.get("__name__")).partition(".")[0]
    return type(error).__module__ == "builtins" and raised_in in ("mlflow", "sqlalchemy", "google", "alembic")


def _of_library(error: Exception) -> bool:
    """Return whether an error is one of a library of a file store, such as that of a bucket."""
    if type(error).__module__ == "builtins":
        return type(error) is Exception
    return not type(error).__module__.startswith(("mlflow", "crm_ml"))


def _of_package(store: str, module: str, *, of_files: bool) -> str:
    what = "the artefact store of" if of_files else "the tracking store"
    names = _BROUGHT_BY.get(module.partition(".")[0])
    mend = f"pip install {names}" if names else "install the package that has it"
    return f"{what} {store} needs the module {module}, which is not installed: {mend}"


def _of_user(store: str, status: int) -> str:
    if status == 403:
        return f"tracking store {store} does not allow this user to do it (403); ask for the permission"
    given = [name for name in (USER, PASSWORD, TOKEN) if environment.text(name)]
    if TOKEN in given or {USER, PASSWORD} <= set(given):
        return f"tracking store {store} does not accept {' and '.join(given)} (401); correct them"
    return f"tracking store {store} wants a user and a password (401); set {USER} and {PASSWORD}"


def _status(error: Exception) -> int | None:
    """Return the HTTP status behind an error of MLflow or of requests; buckets have statuses of their own."""
    if not type(error).__module__.startswith(("mlflow", "requests")):
        return None
    response = getattr(error, "response", None)
    if response is not None and hasattr(response, "status_code"):
        return int(response.status_code)
    match = _STATUS.search(str(error))
    return int(match[1]) if match else _CODES.get(str(getattr(error, "error_code", "")))


def _reason(error: Exception, status: int | None) -> str:
    if status is not None:
        return f"HTTP {status}"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    words = masked_text(str(error).partition("\n")[0])[:_LONGEST]
    return f"{type(error).__name__}: {words}" if words else type(error).__name__
