"""The URI of a tracking store, checked before MLflow reads it: it tries for minutes what can't work."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from crm_ml import environment
from crm_ml.errors import InputError
from crm_ml.masking import masked, note
from crm_ml.storage.paths import sqlite_file
from crm_ml.storage.regular_file import open_regular
from crm_ml.tracking.refusals import StoreRefused

_SERVERS = ("http", "https")
_DATABASES = ("sqlite", "postgresql", "mysql", "mssql")
_OF_DATABRICKS = ("databricks", "databricks-uc", "uc")
_SQLITE = b"SQLite format 3\0"


def checked(uri: str) -> str:
    """Return the URI of a tracking store.

    Raises
    ------
    StoreRefused
        If it is none that MLflow knows, has no host or no port where one is needed, or names a file that is
        no SQLite database.

    Examples
    --------
    >>> checked("https://mlflow.example.com:8443/api")
    'https://mlflow.example.com:8443/api'
    >>> checked("http://host:port")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    crm_ml.tracking.refusals.StoreRefused: tracking store http://host:port: its port is no number; ...
    """
    note(uri)
    scheme = uri.partition("://")[0].partition(":")[0].lower()
    kind = scheme.partition("+")[0]
    if scheme in _OF_DATABRICKS:
        return uri
    if "://" not in uri or kind not in (*_SERVERS, *_DATABASES):
        raise _refused(uri, "it is no server or database that MLflow knows")
    if "\0" in unquote(uri):
        raise _refused(uri, "it has a NUL character")
    if kind in _SERVERS:
        _check_server(uri)
    else:
        _check_database(uri)
    return uri


def _check_server(uri: str) -> None:
    try:
        host = urlsplit(uri).hostname
        _ = urlsplit(uri).port
    except ValueError as error:
        what = "port is no number" if "ort" in str(error) else "host can't be read"
        raise _refused(uri, f"its {what}; in a user or password write signs such as / @ # as %2F") from None
    if not host:
        raise _refused(uri, "it has no host")


def _check_database(uri: str) -> None:
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(uri)
        _ = url.get_dialect()
    except ImportError:
        return  # the client says which driver is missing
    except ValueError:
        raise _refused(uri, "its port is no number; in a password write signs such as / @ # as %2F") from None
    except ArgumentError:  # no such dialect, too
        raise _refused(uri, "it is no URL of a database that SQLAlchemy knows") from None
    file = sqlite_file(uri)
    if file is not None and file != Path():
        _check_file(uri, file)


def _check_file(uri: str, file: Path) -> None:
    """Refuse a file that is no database; one that is absent is made, and so is an empty one."""
    if not file.exists():
        return
    if not file.is_file():
        raise _refused(uri, f"{file} is no regular file")
    try:
        with open_regular(file) as opened:
            head = opened.read(len(_SQLITE))
    except (InputError, OSError) as error:
        raise _refused(uri, f"{file} can't be read ({getattr(error, 'strerror', None) or error})") from None
    if head and head != _SQLITE:
        raise _refused(uri, f"{file} is no SQLite database; bring it back from a copy, or move it away")


def _refused(uri: str, why: str) -> StoreRefused:
    text = masked(uri) if "://" in uri else repr(uri[:80])
    return StoreRefused(f"tracking store {text}: {why}; correct {environment.TRACKING_URI} or the --store")
