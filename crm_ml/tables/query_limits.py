"""How long a query on a database may take, and how much it may give."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from itertools import chain
from sys import getsizeof
from typing import Any

from crm_ml import environment
from crm_ml.errors import InputError

CHUNK_ROWS = 100_000
_CHUNK_BYTES = 1 << 28
_AGAIN_S = 1.0


@contextlib.contextmanager
def time_limit(stop: Callable[[], object]) -> Iterator[Callable[[], bool]]:
    """Stop the query of the block where it takes longer than ``CRM_ML_QUERY_SECONDS``.

    Parameters
    ----------
    stop : callable
        Makes the query fail, called from another thread, every second until the block has ended.

    Yields
    ------
    callable
        Tells whether the time is over.

    Raises
    ------
    InputError
        If it is.
    """
    seconds = environment.query_seconds()
    ended, late = threading.Event(), threading.Event()

    def watch() -> None:
        wait = seconds
        while not ended.wait(wait):
            late.set()
            wait = _AGAIN_S
            with contextlib.suppress(Exception):
                stop()

    watcher = threading.Thread(target=watch, daemon=True, name="crm_ml time limit of a query")
    watcher.start()
    try:
        yield late.is_set
    except Exception:
        if not late.is_set():
            raise
    finally:
        ended.set()
        watcher.join()
    if late.is_set():
        raise too_slow()


def too_slow() -> InputError:
    """Return the error of a query that was stopped."""
    return InputError(
        f"the query took longer than {environment.query_seconds():g} s and was stopped; make it quicker, or "
        f"set {environment.QUERY_SECONDS}"
    )


class SizeLimit:
    """Bytes that a query has given; more than ``CRM_ML_QUERY_GB`` are refused.

    Parameters
    ----------
    at_least : int
        Bytes that may be given in any case.
    """

    def __init__(self, at_least: int = 0) -> None:
        self.most = max(at_least, environment.query_bytes())
        self.given = 0

    def add(self, size: int) -> None:
        """Count bytes.

        Raises
        ------
        InputError
            If there are too many.
        """
        self.given += size
        if self.given > self.most:
            raise InputError(
                f"the query gives more than {self.most / 1e9:g} GB; select fewer rows or columns, or set "
                f"{environment.QUERY_GB}"
            )


def chunks(fetch: Callable[[int], list[Any]], rows: int, is_late: Callable[[], bool]) -> Iterator[list[Any]]:
    """Fetch `rows` rows at a time and yield `CHUNK_ROWS` of them together, or fewer where they are large."""
    together: list[Any] = []
    held = 0
    while block := fetch(rows):
        if is_late():
            raise too_slow()
        together += block
        held += sum(map(getsizeof, chain.from_iterable(block)))
        if len(together) >= CHUNK_ROWS or held > _CHUNK_BYTES:
            yield together
            together, held = [], 0
    if together:
        yield together
