"""Facts that a run logs so that it can be run again: code, environment and inputs."""

import hashlib
import os
import platform
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crm_ml.paths import project_root
from crm_ml.tables import Tables
from crm_ml.train.input_files import input_files

if TYPE_CHECKING:
    from crm_ml.config import Data

_THREADS = (
    "OMP_NUM_THREADS",
    "OMP_WAIT_POLICY",
    "OPENBLAS_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "CRM_ML_THREADS",
)


def provenance(tables: Tables, data: "Data") -> dict[str, Any]:
    """Return git commit, lock file, Python, machine, threads, and the identity of tables and files.

    Parameters
    ----------
    tables : Tables
    data : Data
        Of the run's config, which names the files.

    Returns
    -------
    dict
        Plain data; values that can't be found out, such as the commit outside of git, are None.
    """
    lock = project_root() / "requirements.lock"
    return {
        "git_commit": _git("rev-parse", "HEAD"),
        "git_dirty": bool(_git("status", "--porcelain")),
        "lock_sha256": hashlib.sha256(lock.read_bytes()).hexdigest() if lock.exists() else None,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "threads": {name: os.environ.get(name) for name in _THREADS},
        "pools": _pools(),
        "tables": {"fingerprint": tables.fingerprint},
        "files": input_files(data),
    }


def _cpu() -> str | None:
    """Return the name of the processor, where the system tells it."""
    told = Path("/proc/cpuinfo")
    lines = told.read_text(encoding="utf-8", errors="replace").splitlines() if told.is_file() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or None)


def _pools() -> list[str]:
    """Return kind, version, kernel and number of threads of each library of threads that is loaded."""
    from threadpoolctl import threadpool_info

    wanted = ("internal_api", "version", "architecture", "num_threads")
    return sorted(" ".join(str(one.get(name)) for name in wanted) for one in threadpool_info())


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=project_root(), capture_output=True, text=True, check=True, timeout=10
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
