"""Facts that a run logs so that it can be run again: code, environment and inputs."""

import hashlib
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crm_ml import environment
from crm_ml.datasets._input_files import input_files
from crm_ml.storage.paths import project_root
from crm_ml.tables import Tables

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
        "threads": threads(tables),
        "tables": {"fingerprint": tables.fingerprint},
        "files": input_files(data.name, data.path),
    }


def threads(tables: Tables) -> dict[str, Any]:
    """Return the settings of threads, and how many each library that is loaded by now has taken from them.

    Parameters
    ----------
    tables : Tables
        Whose engine is asked; None stands for one that is not DuckDB, and for numba before it is loaded.
    """
    from threadpoolctl import threadpool_info

    wanted = ("internal_api", "version", "architecture", "num_threads")
    pools = sorted({" ".join(str(pool.get(name)) for name in wanted) for pool in threadpool_info()})
    numba = sys.modules.get("numba")
    return {
        **{name: environment.text(name) for name in _THREADS},
        "duckdb": _of_duckdb(tables),
        "numba": None if numba is None else numba.get_num_threads(),
        "pools": pools,
    }


def _cpu() -> str | None:
    """Return the name of the processor, where the system tells it."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8", errors="replace").splitlines() if info.is_file() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or None)


def _of_duckdb(tables: Tables) -> Any:
    if tables.engine != "duckdb":
        return None
    relation = getattr(tables.here(), tables.names[0])
    return relation.query("one", "SELECT current_setting('threads')").fetchall()[0][0]


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=project_root(), capture_output=True, text=True, check=True, timeout=10
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
