"""How idle threads of OpenMP wait, and how many threads a model takes.

A thread of OpenMP that waits for its neighbours spins on its core by default. On cores that are shared this
costs many times the CPU of the work itself; idle threads that sleep cost next to nothing. OpenMP reads the
setting once, when its library is loaded, so importing ``crm_ml`` makes it. The number of threads changes no
result of ``crm_ml``.

References
----------
.. [1] OpenMP Architecture Review Board (2021). OpenMP 5.2, section 21.1.5, ``OMP_WAIT_POLICY``.
"""

import os
import re
import sys
import warnings
from pathlib import Path

_POLICY, _COUNT = "OMP_WAIT_POLICY", "OMP_NUM_THREADS"
# the private copies in wheels of other packages have a hash in their name
_LIGHTGBM = re.compile(r"/(lib_lightgbm|libgomp|libomp|libiomp5)\.(so|dylib)")
_spinning = False


def let_idle_threads_sleep() -> None:
    """Set ``OMP_WAIT_POLICY`` to ``PASSIVE`` where nothing else is set.

    Where LightGBM or its OpenMP library was loaded before, this is too late, and `usable` gives one thread.
    """
    global _spinning
    if _POLICY in os.environ:
        return
    os.environ[_POLICY] = "PASSIVE"
    _spinning = _loaded()


def usable(wanted: int = sys.maxsize) -> int:
    """Return how many threads a model takes: at most `wanted`, ``OMP_NUM_THREADS`` and the cores.

    One where idle threads spin because LightGBM was loaded before ``crm_ml``; a warning says so once.

    Parameters
    ----------
    wanted : int
        At least 1; all cores without it.

    Examples
    --------
    >>> usable(1)
    1
    """
    if wanted > 1 and _spinning:
        _warn()
        return 1
    return max(1, min(wanted, _configured(), _cores()))


def _warn() -> None:
    """Warn under the place of this module, so that Python shows it once."""
    warnings.warn(
        "LightGBM was loaded before crm_ml, so its idle threads spin; crm_ml trains with one thread. "
        "Import crm_ml first, or set OMP_WAIT_POLICY=PASSIVE, to use more",
        RuntimeWarning,
        stacklevel=1,
    )


def _configured() -> int:
    """Return ``OMP_NUM_THREADS``, of a list its first; LightGBM ignores it where it is given a number."""
    first = os.environ.get(_COUNT, "").partition(",")[0].strip()
    return int(first) if first.isdecimal() and int(first) else sys.maxsize


def _cores() -> int:
    """Return the cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _loaded() -> bool:
    """Return whether LightGBM, or the OpenMP library of the system that it takes, is in this process."""
    maps = Path("/proc/self/maps")
    if "lightgbm" in sys.modules or not maps.is_file():
        return "lightgbm" in sys.modules
    return _LIGHTGBM.search(maps.read_text(encoding="utf-8", errors="replace")) is not None
