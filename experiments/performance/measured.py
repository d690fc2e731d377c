"""What the measurements share: a process of its own with its resources, and the machine in words."""

import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).parent
sys.path.append(str(HERE.parent))  # for what all experiments share


def resources(script: str, arguments: Sequence[object], environment: Mapping[str, str]) -> dict[str, float]:
    """Run a script of Python to its end and return its CPU and wall seconds and its peak memory in GB."""
    return resources_of([script, *map(str, arguments)], environment)[1]


def resources_of(
    arguments: Sequence[str], environment: Mapping[str, str], codes: Collection[int] = (0,)
) -> tuple[str, dict[str, float]]:
    """Run Python to its end; return what it printed, and its CPU and wall seconds and peak memory in GB.

    Parameters
    ----------
    arguments : sequence of str
        Script and its arguments.
    environment : mapping of str to str
        Beside the variables of this process.
    codes : collection of int
        Exit codes that are no failure.
    """
    started = time.perf_counter()
    with tempfile.TemporaryFile("w+", encoding="utf-8") as output:
        process = subprocess.Popen(
            [sys.executable, *arguments], env=os.environ | dict(environment), stdout=output
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        printed = output.read()
    if process.returncode not in codes:
        raise SystemExit(f"{' '.join(arguments)} ended with exit code {process.returncode}")
    return printed, {
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "wall_s": time.perf_counter() - started,
        "peak_gb": usage.ru_maxrss * 1024 / 1e9,
    }


def machine(*packages: str) -> dict[str, object]:
    """Return cores, processor, architecture and versions of Python and packages."""
    return {
        "cores": os.cpu_count(),
        "processor": processor(),
        "architecture": platform.machine(),
        "python": platform.python_version(),
        **{name: version(name) for name in packages},
    }


def processor() -> str:
    """Return the name of the processor as its maker or host gives it."""
    file = Path("/proc/cpuinfo")
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def machine_text(*packages: str) -> str:
    """Return the machine in words.

    Examples
    --------
    >>> machine_text().startswith("cores ")
    True
    """
    return ", ".join(f"{name} {value}" for name, value in machine(*packages).items())
