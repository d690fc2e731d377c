"""Environment variables of crm_ml and its stores: read here, and each checked before it is used.

Those of OpenMP are read by `crm_ml.threads` too, since they count before anything else is imported.
"""

import os
import re
from collections.abc import Callable
from pathlib import Path
from stat import S_ISDIR
from typing import TypeVar

from crm_ml.errors import ConfigError, Mistakes

THREADS, MEMORY = "CRM_ML_THREADS", "CRM_ML_MEMORY"
CACHE, CACHE_GB = "CRM_ML_CACHE", "CRM_ML_CACHE_GB"
STORE_WAIT_S = "CRM_ML_STORE_WAIT_S"
QUERY_SECONDS, QUERY_GB, QUERY_BACKENDS = "CRM_ML_QUERY_SECONDS", "CRM_ML_QUERY_GB", "CRM_ML_QUERY_BACKENDS"
DATA, RUNS, CACHE_HOME = "CRM_ML_DATA", "CRM_ML_RUNS", "XDG_CACHE_HOME"
TRACKING_URI = "MLFLOW_TRACKING_URI"
_POOLS = (
    "OMP_NUM_THREADS",
    "OMP_THREAD_LIMIT",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "LOKY_MAX_CPU_COUNT",
    "POLARS_MAX_THREADS",
)
_OF_MLFLOW = ("MLFLOW_HTTP_REQUEST_TIMEOUT", "MLFLOW_HTTP_REQUEST_MAX_RETRIES")
_MEMORY = re.compile(r"\s*(\d{1,12}(?:\.\d{1,6})?)\s*(?:([KMGT])(i?))?B\s*", re.IGNORECASE)
_DEFAULT_THREADS, _DEFAULT_GB, _DEFAULT_WAIT_S = 2, 5.0, 60.0
_DEFAULT_QUERY_SECONDS, _DEFAULT_QUERY_GB = 1_800.0, 4.0
_MOST_THREADS, _MOST = 4096, 1e9
_SHOWN = 60
Read = TypeVar("Read")


def text(name: str) -> str | None:
    """Return a variable, or None where it is absent or empty."""
    return os.environ.get(name) or None


def threads() -> int:
    """Return the threads of the table engine: ``CRM_ML_THREADS`` or 2.

    Raises
    ------
    ConfigError
        As every reader here, if the variable can't be used.
    """
    return _whole(THREADS) or _DEFAULT_THREADS


def memory() -> str | None:
    """Return the memory of the table engine, such as ``4GB``: ``CRM_ML_MEMORY``, or None without it."""
    value = text(MEMORY)
    if value is not None and not _MEMORY.fullmatch(value):
        raise ConfigError(f"{MEMORY} is {_shown(value)}; give a number and its unit, such as 4GB or 500MB")
    return None if value is None else value.strip()


def memory_bytes() -> int | None:
    """Return `memory` in bytes."""
    match = _MEMORY.fullmatch(memory() or "")
    if match is None:
        return None
    number, prefix, binary = match.groups(default="")
    return int(float(number) * (1024 if binary else 1000) ** " KMGT".index(prefix.upper() or " "))


def cache_kept() -> bool:
    """Return whether derived files are kept: unless ``CRM_ML_CACHE`` is ``off``."""
    value = (text(CACHE) or "on").lower()
    if value not in ("on", "off"):
        raise ConfigError(f"{CACHE} is {_shown(value)}; write on or off")
    return value == "on"


def cache_bytes() -> int:
    """Return how large the kept files may become: ``CRM_ML_CACHE_GB`` gigabytes, or 5."""
    return int(_number(CACHE_GB, _DEFAULT_GB, "gigabytes, such as 5") * 1e9)


def store_wait_s() -> float:
    """Return how long a store is waited for: ``CRM_ML_STORE_WAIT_S`` seconds, or 60."""
    return _number(STORE_WAIT_S, _DEFAULT_WAIT_S, "seconds, such as 60")


def query_seconds() -> float:
    """Return how long a query on a source may take: ``CRM_ML_QUERY_SECONDS``, or 1,800."""
    return _number(QUERY_SECONDS, _DEFAULT_QUERY_SECONDS, "seconds, such as 1800")


def query_bytes() -> int:
    """Return how much a query on a source may give: ``CRM_ML_QUERY_GB`` gigabytes, or 4."""
    return int(_number(QUERY_GB, _DEFAULT_QUERY_GB, "gigabytes, such as 4") * 1e9)


def query_backends() -> frozenset[str]:
    """Return the further kinds of databases whose user may only read: ``CRM_ML_QUERY_BACKENDS``."""
    return frozenset(name.strip().lower() for name in (text(QUERY_BACKENDS) or "").split(",") if name.strip())


def folder(name: str) -> Path | None:
    """Return the folder that a variable names, which may not exist yet; None where it is not set."""
    value = text(name)
    if value is None:
        return None
    try:
        value.encode()
        if not S_ISDIR(Path(value).stat().st_mode):
            raise ConfigError(f"{name} is {_shown(value)}, which is a file; name a folder")
    except FileNotFoundError:
        pass
    except UnicodeError:
        raise ConfigError(f"{name} is {_shown(value)}, which is not UTF-8; name a folder that is") from None
    except OSError as error:
        raise ConfigError(
            f"{name} is {_shown(value)}, which is no folder: {error.strerror}; name a folder"
        ) from None
    return Path(value)


def check() -> None:
    """Read all of them once.

    Raises
    ------
    ConfigError
        With every variable that can't be used.

    Examples
    --------
    >>> check()
    """
    mistakes = Mistakes()
    readers: list[Callable[[], object]] = [threads, memory, cache_kept, cache_bytes, store_wait_s]
    for read in [
        *readers,
        query_seconds,
        query_bytes,
        *(lambda name=name: folder(name) for name in (DATA, RUNS, CACHE_HOME)),
        *(lambda name=name: _whole(name) for name in (*_POOLS, *_OF_MLFLOW)),
    ]:
        with mistakes.noted():
            read()
    mistakes.refuse("environment")


def _whole(name: str) -> int | None:
    """Return a whole number above 0, of a list its first; 0 is one too of what MLFLOW repeats."""
    value = text(name)
    if value is None:
        return None
    parts = value.split(",") if name.startswith("OMP_") else [value]
    least = 0 if name in _OF_MLFLOW else 1
    numbers = [int(part) if re.fullmatch(r"\s*\d{1,9}\s*", part, re.ASCII) else -1 for part in parts]
    if min(numbers) < least or (name == THREADS and numbers[0] > _MOST_THREADS):
        above = "" if least == 0 else " above 0"
        raise ConfigError(f"{name} is {_shown(value)}; set it to a whole number{above}, such as 2")
    return numbers[0]


def _number(name: str, default: float, unit: str) -> float:
    value = text(name)
    try:
        number = default if value is None else float(value)
    except ValueError:
        number = -1.0
    if not 0 <= number <= _MOST:
        raise ConfigError(f"{name} is {_shown(str(value))}; give a number of {unit}")
    return number


def _shown(value: str) -> str:
    return repr(value if len(value) <= _SHOWN else f"{value[:_SHOWN]}...")
