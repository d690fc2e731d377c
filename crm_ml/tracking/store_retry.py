"""Retries while the tracking store is locked or unavailable."""

import logging
import time
from collections.abc import Callable
from typing import Any, TypeVar

from crm_ml import environment
from crm_ml.errors import StoreUnavailable
from crm_ml.masking import masked_file, masked_text
from crm_ml.tracking.refusals import is_damaged, refusal, refuses_artefacts

log = logging.getLogger(__name__)
WAIT = environment.STORE_WAIT_S
_FIRST_S, _LONGEST_S = 0.25, 8.0
_CODES = ("TEMPORARILY_UNAVAILABLE", "RESOURCE_EXHAUSTED")
_WORDS = (
    "database is locked",
    "database table is locked",
    "unable to open database file",
    "Max retries exceeded",
    "Connection refused",
    "Connection aborted",
    "Connection reset",
    "Read timed out",
    "failed with error code 502",
    "failed with error code 503",
    "failed with error code 504",
)
Result = TypeVar("Result")


def patiently(
    call: Callable[[], Result], store: str, find: Callable[[], Result | None] | None = None, method: str = ""
) -> Result:
    """Return the result of a call, retried with growing waits while the store is locked or unavailable.

    A call whose answer was lost may have been executed. Repeating a log or set changes nothing; a call that
    creates something needs `find`.

    Parameters
    ----------
    call : callable
        Without arguments.
    store : str
        URI of the store for the error, masked.
    find : callable, optional
        Returns the result of an earlier attempt, or None; called before each retry.
    method : str
        Of the client, by which it is known whether artefacts are written.

    Raises
    ------
    StoreRefused
        If the store refuses the user, or the place of artefacts can't be used.
    StoreUnavailable
        After ``CRM_ML_STORE_WAIT_S`` seconds (60).
    ConfigError
        If that is no number.
    """
    started, wait, tries = time.monotonic(), _FIRST_S, 0
    longest = environment.store_wait_s()
    while True:
        tries += 1
        try:
            earlier = find() if find is not None and tries > 1 else None
            return call() if earlier is None else earlier
        except Exception as error:
            passed = time.monotonic() - started
            if is_damaged(error) or not _passing(error):
                clear = refusal(error, store, method)
                if clear is None:
                    raise
                raise clear from error
            if passed + wait > longest:
                raise StoreUnavailable(_unavailable_message(error, store, tries, passed)) from error
            log.warning("tracking store %s: %s; trying again in %g s", store, _short(error), wait)
        time.sleep(wait)
        wait = min(2 * wait, _LONGEST_S)


class Patient:
    """A wrapper whose method calls are made by `patiently`; no text that it hands on has a secret."""

    def __init__(self, wrapped: Any, store: str) -> None:
        self._wrapped = wrapped
        self._store = store

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._wrapped, name)
        if not callable(attribute):
            return attribute

        def call(*arguments: Any, **named: Any) -> Any:
            safe = [_masked(each) for each in arguments]
            safe_named = {key: _masked(each) for key, each in named.items()}
            return patiently(lambda: attribute(*safe, **safe_named), self._store, method=name)

        return call

    def once(self, make: Callable[[Any], Result], find: Callable[[Any], Result | None]) -> Result:
        """Create something; use `find` if an earlier attempt was executed and its answer lost."""
        return patiently(lambda: make(self._wrapped), self._store, lambda: find(self._wrapped))


def _masked(value: Any) -> Any:
    return masked_file(value) if isinstance(value, str) else value


def _passing(error: Exception) -> bool:
    """Return whether an error is temporary: a lock, or a store that does not answer."""
    if not type(error).__module__.startswith(("mlflow", "sqlalchemy", "requests", "urllib3")):
        return False
    if refuses_artefacts(error):
        return False
    return getattr(error, "error_code", None) in _CODES or any(word in str(error) for word in _WORDS)


def _unavailable_message(error: Exception, store: str, tries: int, passed: float) -> str:
    return (
        f"tracking store {store} is locked or does not answer: {_short(error)}; tried {tries} times in "
        f"{passed:.0f} s; see whether it runs and who holds it, then run the command again, or wait longer "
        f"with {WAIT}"
    )


def _short(error: Exception) -> str:
    """Return the essential part of an error, without statements and parameters."""
    text = str(error)
    return next((word for word in _WORDS if word in text), masked_text(text.partition("\n")[0])[:200])
