"""The report of an error that nobody expected: where it happened, without what a cell or a secret held."""

import os
import platform
import re
import tempfile
import traceback
from collections.abc import Iterator
from pathlib import Path

from crm_ml import environment
from crm_ml.errors import CrmError
from crm_ml.masking import masked_text
from crm_ml.version import VERSION

_LONGEST, _LONGEST_MESSAGE = 1_000_000, 5_000
# what a library's error may have from the data: texts in quotes, and words with digits, @ or other letters
_QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|`[^`]*`")
_ODD = re.compile(r"[^\x00-/:-?A-~]")


def write_report(error: BaseException) -> str | None:
    """Write what happened where into a file that its owner alone may read.

    Returns
    -------
    str or None
        Its path; None where neither the temporary folder nor those of data and runs take it.
    """
    text = (
        f"crm_ml {VERSION}, Python {platform.python_version()}\n\n{masked_text(trace_of(error)[-_LONGEST:])}"
    )
    for folder in (None, environment.text(environment.DATA), environment.text(environment.RUNS)):
        try:
            number, path = tempfile.mkstemp(prefix="crm_ml-", suffix=".txt", dir=folder)
            with os.fdopen(number, "w", encoding="utf-8", errors="backslashreplace") as report:
                report.write(text)
        except (OSError, ValueError):
            continue
        return path
    return None


def place_of(error: BaseException) -> str:
    """Return the module and line of crm_ml in which an error was raised last."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "crm_ml" in frame.filename]
    return f"{Path(frames[-1].filename).stem} line {frames[-1].lineno}" if frames else "outside crm_ml"


def without_cells(message: str) -> str:
    r"""Return the message of a library's error, in which what may be of a cell is shown by its form.

    That is each text in quotes, each word with a digit, ``@`` or letters beyond ASCII, and all lines but the
    first: letters are ``a``, digits ``9``.

    Examples
    --------
    >>> without_cells("could not convert 'Jane Doe' of jane@example.com\nOriginal line: Jane,1979")
    "could not convert 'aaaa aaa' of aaaa@aaaaaaa.aaa\naaaaaaaa aaaa: aaaa,9999"
    """
    first, newline, rest = message[:_LONGEST_MESSAGE].partition("\n")
    unquoted = _QUOTED.sub(lambda part: _form(part[0]), first)
    words = re.sub(r"\S+", lambda word: _form(word[0]) if _ODD.search(word[0]) else word[0], unquoted)
    return words + newline + _form(rest)


def _form(text: str) -> str:
    return re.sub(r"\d", "9", re.sub(r"[^\W\d_]", "a", text))


def trace_of(error: BaseException) -> str:
    """Return the frames and messages of an error and of what it followed from, the first one last."""
    return "\n".join(
        "".join(traceback.format_tb(each.__traceback__)) + f"{type(each).__name__}: {_message(each)}\n"
        for each in _chain(error)
    )


def _message(error: BaseException) -> str:
    return str(error) if isinstance(error, CrmError) else without_cells(str(error))


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    following: BaseException | None = error
    while following is not None and id(following) not in seen:
        seen.add(id(following))
        yield following
        before = None if following.__suppress_context__ else following.__context__
        following = following.__cause__ or before
