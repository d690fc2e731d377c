"""What the measurements share: a process of its own with its resources, and the machine in words."""

import os
import platform
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).parent
sys.path.append(str(HERE.parent))  # for what all experiments share


def resources(script: str, arguments: Sequence[object], environment: Mapping[str, str]) -> dict[str, float]:
    """Run a script of Python to its end and return its CPU and wall seconds and its peak memory in GB."""
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, script, *map(str, arguments)], env=os.environ | dict(environment)
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(map(str, arguments))} ended with exit code {process.returncode}")
    return {
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "wall_s": time.perf_counter() - started,
        "peak_gb": usage.ru_maxrss * 1024 / 1e9,
    }


def machine(*packages: str) -> dict[str, object]:
    """Return cores, architecture and versions of Python and packages."""
    return {
        "cores": os.cpu_count(),
        "architecture": platform.machine(),
        "python": platform.python_version(),
        **{name: version(name) for name in packages},
    }


def machine_text(*packages: str) -> str:
    """Return the machine in words.

    Examples
    --------
    >>> machine_text().startswith("cores ")
    True
    """
    return ", ".join(f"{name} {value}" for name, value in machine(*packages).items())
