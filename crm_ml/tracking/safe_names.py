"""Names that come from data, such as arms of a trial, in a form that MLflow and file systems take."""

import hashlib
import posixpath
import re
from collections.abc import Iterable

_REFUSED = re.compile(r"[^\w/\- :]")
_REFUSED_OF_FILES = re.compile(r"[^\w.\- ]")
_LONGEST_PART, _LONGEST, _LONGEST_FILE, _DIGITS = 120, 250, 60, 8


def safe_name(name: str) -> str:
    """Return the name of a metric or a parameter as MLflow takes it, the same one in each run.

    Each part between dots is made safe by itself, so that ends such as ``.low`` stay. A part that has to
    change carries the first digits of its sha256, so that two names never become one.

    Parameters
    ----------
    name : str
        Letters of every language, digits and ``_ - . : /`` and spaces stay.

    Examples
    --------
    >>> safe_name("test.auc.low"), safe_name("test.50% off!.qini.low")
    ('test.auc.low', 'test.50_ off_-bedee95f.qini.low')
    """
    whole = ".".join(_safe_part(part) for part in name.split("."))
    if posixpath.normpath(whole) != whole or whole == "." or whole.startswith(("/", "..")):
        whole = _signed(whole.replace("/", "_").strip(".") or "_", name)
    return whole if len(whole) <= _LONGEST else _signed(whole[: _LONGEST - _DIGITS - 1], name)


def safe_file(name: str) -> str:
    """Return a name as that of a file in one folder; one that has to change carries its sha256 as well.

    Examples
    --------
    >>> safe_file("qini_mens e-mail"), safe_file("qini_a/../b")
    ('qini_mens e-mail', 'qini_a_.._b-b4bd9579')
    """
    safe = _REFUSED_OF_FILES.sub("_", name)
    if safe == name and len(safe) <= _LONGEST_FILE and safe.strip(" .") == safe and safe:
        return safe
    return _signed(safe[:_LONGEST_FILE].strip(" .") or "_", name)


def changed_names(names: Iterable[str]) -> dict[str, str]:
    """Return the full name of each that has to change, by its safe one.

    Examples
    --------
    >>> changed_names(["test.auc", "test.a=b.qini"])
    {'test.a_b-42144f39.qini': 'test.a=b.qini'}
    """
    return {safe: name for name in names if (safe := safe_name(name)) != name}


def _safe_part(part: str) -> str:
    safe = _REFUSED.sub("_", part)
    if safe and posixpath.normpath(safe) != safe:
        safe = safe.replace("/", "_")
    safe = safe.replace("/", "_") if safe.startswith("/") else safe
    if safe == part and len(part) <= _LONGEST_PART:
        return part
    return _signed(safe[: _LONGEST_PART - _DIGITS - 1], part)


def _signed(safe: str, name: str) -> str:
    return f"{safe}-{hashlib.sha256(name.encode(errors='surrogatepass')).hexdigest()[:_DIGITS]}"
