"""Clear errors where a tracking store refuses the user, or the place of its artefacts can't be used."""

import os
import re

from crm_ml.errors import InputError

USER, PASSWORD, TOKEN = "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN"
_CODES = {"UNAUTHENTICATED": 401, "PERMISSION_DENIED": 403}
_STATUS = re.compile(r"(?:failed with error code|too many) (\d{3})")


class StoreRefused(InputError):
    """A store that refuses the user, or whose place of artefacts can't be used (exit code 2)."""


def masked(uri: str) -> str:
    """Return a URI without the user and the password that it may have.

    Examples
    --------
    >>> masked("postgresql://ada:secret@db.shop/mlflow"), masked("sqlite:///runs/mlflow.db")
    ('postgresql://***@db.shop/mlflow', 'sqlite:///runs/mlflow.db')
    """
    return re.sub(r"(?<=://)[^/?#]*@", "***@", uri)


def refusal(error: Exception, store: str, method: str = "") -> StoreRefused | None:
    """Return a clear error in place of one of MLflow or of a file system, or None where there is none.

    Parameters
    ----------
    error : Exception
    store : str
        URI of the store, masked.
    method : str
        Of the client; those that begin with ``log_`` write artefacts.
    """
    status = _status(error)
    if status in (401, 403):
        return StoreRefused(_of_user(store, status))
    if isinstance(error, ModuleNotFoundError) and not str(error.name).startswith(("crm_ml", "mlflow")):
        return StoreRefused(
            f"the artefact store of {store} needs the package {error.name}, which is not installed: "
            f"pip install {error.name}"
        )
    if method.startswith("log_") and (isinstance(error, OSError) or refuses_artefacts(error)):
        return StoreRefused(
            f"the artefact store of {store} can't be written ({_reason(error, status)}); see where its "
            "experiments keep their artefacts, and who may write there"
        )
    return None


def refuses_artefacts(error: Exception) -> bool:
    """Return whether a server that hands artefacts on can't write or read them."""
    return "mlflow-artifacts/" in str(error) and _status(error) == 500


def _of_user(store: str, status: int) -> str:
    if status == 403:
        return f"tracking store {store} does not allow this user to do it (403); ask for the permission"
    given = [name for name in (USER, PASSWORD, TOKEN) if os.environ.get(name)]
    if TOKEN in given or {USER, PASSWORD} <= set(given):
        return f"tracking store {store} does not accept {' and '.join(given)} (401); correct them"
    return f"tracking store {store} wants a user and a password (401); set {USER} and {PASSWORD}"


def _status(error: Exception) -> int | None:
    """Return the HTTP status behind an error of MLflow or of requests."""
    response = getattr(error, "response", None)
    if response is not None and hasattr(response, "status_code"):
        return int(response.status_code)
    if not type(error).__module__.startswith(("mlflow", "requests")):
        return None
    match = _STATUS.search(str(error))
    return int(match[1]) if match else _CODES.get(str(getattr(error, "error_code", "")))


def _reason(error: Exception, status: int | None) -> str:
    if status is not None or not isinstance(error, OSError):
        return f"HTTP {status}"
    return (
        f"{error.strerror}: {error.filename}"
        if error.filename
        else str(error.strerror or type(error).__name__)
    )
