"""Limits of what a tracking server may answer: MLflow has none of its size, nor of the time of all of it."""

import time
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

from crm_ml import environment
from crm_ml.errors import StoreUnavailable

LEAST_S, LEAST_S_OF_FILE = 30.0, 600.0  # a shorter wait for the store cuts no answer off
MOST_BYTES, MOST_BYTES_OF_FILE = 100 * 2**20, 10 * 2**30
_CHUNK = 2**16


class LimitedAnswer:
    """The raw body of an answer; reading beyond a limit is an error.

    Parameters
    ----------
    raw : urllib3.response.BaseHTTPResponse
    most : int
        Bytes, unpacked.
    seconds : float
        For the whole answer.
    """

    def __init__(self, raw: Any, most: int, seconds: float) -> None:
        self._raw, self._most, self._seconds = raw, most, seconds
        self._ends = time.monotonic() + seconds

    def stream(self, amt: int = _CHUNK, decode_content: bool | None = None) -> Iterator[bytes]:
        """Yield the body in pieces.

        Raises
        ------
        StoreUnavailable
            If it is larger, or takes longer, than the limits.
        """
        read = 0
        reader = getattr(self._raw, "read1", self._raw.read)  # what is there, without waiting for all of it
        while piece := reader(min(amt, _CHUNK), decode_content=decode_content):
            read += len(piece)
            if read > self._most or time.monotonic() > self._ends:
                self._raw.close()
                raise StoreUnavailable(self._message(read))
            yield piece

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)

    def _message(self, read: int) -> str:
        if read > self._most:
            return f"the tracking server answers with more than {self._most / 2**20:,.0f} MiB; see what it is"
        return (
            f"the tracking server has not ended its answer within {self._seconds:g} s; see whether it is the "
            f"right one, or wait longer with {environment.STORE_WAIT_S}"
        )


def limit_answers() -> None:
    """Let every session in which MLflow asks a server limit what it reads; once is enough."""
    from mlflow.utils import request_utils

    make: Callable[..., Any] = request_utils._get_request_session
    if hasattr(make, "__wrapped__"):
        return

    @wraps(make)
    def session(*given: Any, **named: Any) -> Any:
        made = make(*given, **named)
        if _limit not in made.hooks["response"]:
            made.hooks["response"].append(_limit)
        return made

    request_utils._get_request_session = session


def _limit(response: Any, **options: Any) -> None:
    """Limit an answer whose headers are read and whose body is not."""
    is_file = bool(options.get("stream"))
    seconds = max(LEAST_S_OF_FILE if is_file else LEAST_S, environment.store_wait_s())
    if not isinstance(response.raw, LimitedAnswer):
        response.raw = LimitedAnswer(response.raw, MOST_BYTES_OF_FILE if is_file else MOST_BYTES, seconds)
