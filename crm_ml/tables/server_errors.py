"""Errors of database servers without what they may repeat: parts of an address, and cells of the data."""

from typing import Any

from crm_ml.errors import InputError
from crm_ml.tables.query_limits import too_slow

_POSTGRESQL_STATES = {
    "25006": "it writes; the transaction is read-only",
    "28": "the user or password is not accepted",
    "3D": "there is no such database",
    "08": "the server can't be reached",
}
_MYSQL_NUMBERS = {
    1044: "the user may not read that database",
    1045: "the user or password is not accepted",
    1049: "there is no such database",
    1792: "it writes; the transaction is read-only",
    2003: "the server can't be reached",
    2005: "the host is unknown",
}
_MYSQL_OF_QUERY = frozenset((1052, 1054, 1064, 1142, 1143, 1146, 1305))
_STOPPED = {"57014", 1317, 1969, 3024}
_UNREACHED = {
    "password authentication failed": "the user or password is not accepted",
    "no password supplied": "a password is needed",
    "no pg_hba.conf entry": "the server does not admit this user from here",
    "Connection refused": "no server listens there",
    "No such file or directory": "there is no such socket",
    "could not translate host name": "the host is unknown",
    "failed to resolve host": "the host is unknown",
    "timeout": "the server did not answer in time",
    "timed out": "the server did not answer in time",
    "unreachable": "the server can't be reached",
    'role "': "there is no such user",
    'database "': "there is no such database",
}


def explained(error: Exception, kind: str) -> InputError:
    """Return the error of a query; what a server says is shown where it speaks of the query alone.

    Parameters
    ----------
    error : Exception
        Of SQLAlchemy or a driver.
    kind : str
        Such as ``postgresql``.
    """
    said = getattr(error, "orig", None) or error
    state = _state(said)
    if state in _STOPPED:
        return too_slow()
    return InputError(f"the query fails on {kind}: {_reason(said, state)}")


def _state(said: Any) -> str | int | None:
    """Return the SQLSTATE of PostgreSQL, or the number of MySQL."""
    first = said.args[0] if getattr(said, "args", ()) else None
    if isinstance(first, dict):  # pg8000
        return str(first.get("C"))
    return (
        getattr(said, "sqlstate", None)
        or getattr(said, "pgcode", None)
        or (first if isinstance(first, int) else None)
    )


def _reason(said: Any, state: str | int | None) -> str:
    if isinstance(state, int):
        of_query = state in _MYSQL_OF_QUERY and len(said.args) > 1
        return str(said.args[1]) if of_query else _MYSQL_NUMBERS.get(state, f"error {state}")
    if state is not None and state.startswith("42") and not state.startswith("425"):
        told = said.args[0].get("M") if isinstance(said.args[0], dict) else said.diag.message_primary
        return " ".join(str(told).split())
    if state is not None:
        known = (meaning for sign, meaning in _POSTGRESQL_STATES.items() if state.startswith(sign))
        return next(known, f"SQLSTATE {state}")
    known = (meaning for sign, meaning in _UNREACHED.items() if sign in str(said))
    return next(known, f"the driver reports {type(said).__name__}")
