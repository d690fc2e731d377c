"""A command in a process of its own, with what the operating system counted for it."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence


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
