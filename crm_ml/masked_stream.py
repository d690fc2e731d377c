"""Standard output and standard error of a command, on which no secret is written."""

import contextlib
import logging
import re
import sys
import threading
from collections.abc import Iterable, Iterator
from typing import Any, TextIO

from crm_ml.masking import masked_text

MOST_OF_LINE = 2_000
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class Unread(BrokenPipeError):
    """A stream whose reader, such as ``head``, went away."""


class MaskedStream:
    r"""A text stream whose every write passes `crm_ml.masking.masked_text`; a closed one, None, takes all.

    Examples
    --------
    >>> stream = MaskedStream(sys.stdout)
    >>> _ = stream.write("at https://ada:s3cret@host\n")
    at https://***@host
    """

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write a text without its secrets; what the encoding lacks stands as an escape."""
        if self._stream is None:
            return len(text)
        safe = masked_text(text)
        try:
            self._stream.write(safe)
        except UnicodeEncodeError:
            encoding = self._stream.encoding or "ascii"
            self._stream.write(safe.encode(encoding, "backslashreplace").decode(encoding))
        except BrokenPipeError as error:
            raise Unread(*error.args) from None
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write each line."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Flush what was written."""
        try:
            if self._stream is not None:
                self._stream.flush()
        except BrokenPipeError as error:
            raise Unread(*error.args) from None

    def isatty(self) -> bool:
        """Return whether a terminal shows it."""
        return self._stream is not None and self._stream.isatty()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextlib.contextmanager
def masked_streams() -> Iterator[None]:
    """Mask both streams within the block, and let libraries write no traceback on them."""
    if isinstance(sys.stdout, MaskedStream):  # a command within a command
        yield
        return
    before = sys.stdout, sys.stderr, logging.getLogRecordFactory(), logging.raiseExceptions
    hooks = threading.excepthook, sys.unraisablehook
    sys.stdout, sys.stderr = MaskedStream(sys.stdout), MaskedStream(sys.stderr)
    logging.setLogRecordFactory(lambda *given, **more: _short(before[2](*given, **more)))
    logging.raiseExceptions = False
    if hooks[0] is threading.__excepthook__:
        threading.excepthook = _tell
    if hooks[1] is sys.__unraisablehook__:
        sys.unraisablehook = _tell
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before[:2]
        logging.setLogRecordFactory(before[2])
        logging.raiseExceptions = before[3]
        threading.excepthook, sys.unraisablehook = hooks


def _short(record: logging.LogRecord) -> logging.LogRecord:
    """Return a record that names its exception in place of a traceback."""
    if record.exc_info and record.exc_info[0] is not None:
        record.msg = f"{record.msg} ({record.exc_info[0].__name__})"  # its arguments may not fit: not here
    record.exc_info = record.exc_text = record.stack_info = None
    return record


def _tell(failure: Any) -> None:
    """Tell in one line of an exception in a thread or a finaliser, which ends nothing."""
    if failure.exc_type is not SystemExit:
        sys.stderr.write(f"warning: {failure.exc_type.__name__} beside the work, which went on\n")


def printable(text: str) -> str:
    """Write out what controls a terminal, which a cell, a column or a path may hold, but lines and tabs.

    Of a line that is longer than `MOST_OF_LINE` characters, such as one that repeats a path, the middle is
    left out.

    Examples
    --------
    >>> len(printable("a" * 9_000)), len(printable("a" * 2_000))
    (2001, 2000)
    """
    text = _CONTROLS.sub(lambda control: ascii(control[0])[1:-1], text)
    return "\n".join(map(_bounded, text.split("\n")))


def _bounded(line: str) -> str:
    half = MOST_OF_LINE // 2
    return line if len(line) <= MOST_OF_LINE else f"{line[:half]}…{line[-half:]}"
