"""Errors of the system, the disk and the memory that are expected: one clear sentence in place of each."""

import errno
from collections.abc import Iterator

from crm_ml.errors import CrmError, InputError, IntegrityError

_FULL = "the disk is full; free some of it, or point CRM_ML_DATA, CRM_ML_RUNS or TMPDIR to another"
_DAMAGED = "a database file is damaged; bring it back from a copy, or move it away and start a new one"
_MEMORY = "there is not enough memory; give the process more, read less, or lower CRM_ML_MEMORY"
_OF_PATH = {
    errno.ENOENT: "does not exist; correct the path, or make its folder first",
    errno.ENOTDIR: "leads through a file that is no folder; correct the path",
    errno.EISDIR: "is a folder, and a file is needed; name a file",
    errno.EEXIST: "is there already, and is no folder; name another place, or move it away",
    errno.ENOTEMPTY: "is there already and not empty; name another place, or move it away",
    errno.EACCES: "may not be used by this user; see its mode and owner, or name another place",
    errno.EPERM: "may not be changed by this user; see its mode and owner, or name another place",
    errno.EROFS: "lies on a disk that can only be read; name another place",
    errno.ELOOP: "is a link that leads back to itself; correct the link",
    errno.ENAMETOOLONG: "has a name that is too long; shorten it",
    errno.ENXIO: "is no regular file; name a file",
    errno.ENODEV: "is no regular file; name a file",
    errno.EINVAL: "can't be used as a path here; name another",
    errno.EBUSY: "is used by another program; end that first",
    errno.EIO: "can't be read or written, its disk fails; use another",
    errno.ESTALE: "is gone from its network disk; mount it again",
    errno.EXDEV: "lies on another disk than its target; keep both on one",
}
_BY_NUMBER = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL.replace("the disk is full", "the quota of this user is used up"),
    errno.EFBIG: "a file is larger than this process may write; raise its limit (ulimit -f)",
    errno.EMFILE: "too many files are open; raise the limit (ulimit -n)",
    errno.ENFILE: "too many files are open on this machine; end other programs",
    errno.ENOMEM: _MEMORY,
    errno.EAGAIN: "no more threads or processes can be started; raise the limit (ulimit -u)",
}
_NO_DAY = (
    "a date lies before the year 1 or after 9999; correct the dates or the numbers of days in the settings"
)
_SIGNS = {
    "No space left on device": _FULL,
    "database or disk is full": _FULL,
    "Disk quota exceeded": _BY_NUMBER[errno.EDQUOT],
    "File too large": _BY_NUMBER[errno.EFBIG],
    "file is not a database": _DAMAGED,
    "database disk image is malformed": _DAMAGED,
    "malformed database schema": _DAMAGED,
    "disk I/O error": _DAMAGED,
    "attempt to write a readonly database": "a database file can't be written by this user; see its mode",
    "embedded null byte": "a path has a NUL character; correct the argument or the setting",
    "surrogates not allowed": "a path or a text has half of a character (a lone surrogate); correct the "
    "argument or the setting",
    "embedded null character": "a path has a NUL character; correct the argument or the setting",
    "Symlink loop from": "a path is a link that leads back to itself; correct the link",
    "date value out of range": _NO_DAY,
    "; must have magnitude <= 999999999": _NO_DAY,
    "can't start new thread": _BY_NUMBER[errno.EAGAIN],
}  # what libraries and Python say without a number
_PARQUET = (
    "Parquet",
    "parquet",
    "TProtocolException",
    "hrift",
    "magic bytes",
    "ecompress",
    "Unexpected end of stream",
    "Out of buffer",
    "corrupt",
    "base64",  # the schema of Arrow, which stands in the footer
)
_MISTAKES = (ArithmeticError, AssertionError, AttributeError, LookupError, NameError, TypeError)
_LONGEST = 300
_OF_DUCKDB = {"OutOfMemoryException": _MEMORY, "IOException": "", "PermissionException": ""}


def expected(error: BaseException) -> CrmError | None:
    """Return a clear error in place of one of the system, or None where nobody expects it.

    Errors that it follows from are looked at too: a library may wrap a full disk into one of its own.

    Examples
    --------
    >>> import datetime
    >>> str(expected(FileNotFoundError(2, "No such file or directory", "out/a.json")))
    'out/a.json does not exist; correct the path, or make its folder first'
    >>> try:
    ...     datetime.date(2024, 1, 1) - datetime.timedelta(days=10**6)
    ... except OverflowError as error:
    ...     str(expected(error)).partition(";")[0]
    'a date lies before the year 1 or after 9999'
    >>> mistake = KeyError("a")
    >>> mistake.__context__ = FileNotFoundError(2, "No such file or directory", "out/a.json")
    >>> expected(mistake) is None
    True
    """
    for cause in _chain(error):
        if _damaged(cause):
            return IntegrityError(
                f"a Parquet file is damaged, whether or not its sum agrees ({_first_line(cause)}); take it "
                "from its source, or remove it and make it again"
            )
        text = _of_system(cause) or _of_duckdb(cause)
        text = text or next((words for sign, words in _SIGNS.items() if sign in _said(cause)), "")
        if text:
            return InputError(text)
    return None


def _of_system(error: BaseException) -> str:
    if isinstance(error, MemoryError):
        return _MEMORY
    if not isinstance(error, OSError) or isinstance(error, BrokenPipeError):
        return ""
    number = error.errno or 0
    if number in _BY_NUMBER:
        return _BY_NUMBER[number]
    if error.filename is not None and number in _OF_PATH:
        paths = [_shown(path) for path in (error.filename, error.filename2) if path is not None]
        return f"{' or '.join(paths)} {_OF_PATH[number]}"
    if number == errno.EIO:
        return f"a file or device {_OF_PATH[number]}"
    if isinstance(error, ConnectionError | TimeoutError) or type(error).__module__.startswith("requests"):
        return f"a server can't be reached ({type(error).__name__}); see whether it runs, then run it again"
    return ""


def _of_duckdb(error: BaseException) -> str:
    kind = type(error)
    if not kind.__module__.endswith("duckdb") or kind.__name__ not in _OF_DUCKDB:
        return ""
    return _OF_DUCKDB[kind.__name__] or _first_line(error)


def _damaged(error: BaseException) -> bool:
    """Whether DuckDB or Arrow could not parse a Parquet file; DuckDB has no class for most such errors."""
    kind, text = type(error), _first_line(error)
    room = kind.__module__.partition(".")[0].removeprefix("_")
    of_arrow = isinstance(error, OSError) and error.errno is None  # it has no class of its own for some
    if room not in ("duckdb", "pyarrow") and not of_arrow:
        return False
    return (room == "duckdb" and kind.__name__ == "Error") or any(sign in text for sign in _PARQUET)


def _first_line(error: BaseException) -> str:
    return _said(error).partition("\n")[0][:_LONGEST]


def _said(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # an error that can't say what it is
        return ""


def _shown(path: object) -> str:
    text = path.decode("utf-8", "backslashreplace") if isinstance(path, bytes) else str(path)
    return text.encode("utf-8", "backslashreplace").decode() if text.isprintable() else ascii(text)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and those that it follows from, each once.

    What a mistake in code was raised beside of is no reason for it: an absent file may have been expected
    there.
    """
    seen: set[int] = set()
    following: BaseException | None = error
    while following is not None and id(following) not in seen:
        seen.add(id(following))
        yield following
        is_beside = following.__suppress_context__ or isinstance(following, _MISTAKES)
        following = following.__cause__ or (None if is_beside else following.__context__)
