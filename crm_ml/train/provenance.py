"""Facts that a run logs so that it can be run again: code, environment and inputs."""

import hashlib
import os
import platform
import subprocess
from typing import Any

from crm_ml.paths import project_root
from crm_ml.tables import Tables


def provenance(tables: Tables) -> dict[str, Any]:
    """Return git commit, lock file, Python, machine, threads and the identity of the tables.

    Returns
    -------
    dict
        Plain data; values that can't be found out, such as the commit outside of git, are None.
    """
    lock = project_root() / "requirements.lock"
    threads = ("OMP_NUM_THREADS", "OMP_WAIT_POLICY", "CRM_ML_THREADS")
    return {
        "git_commit": _git("rev-parse", "HEAD"),
        "git_dirty": bool(_git("status", "--porcelain")),
        "lock_sha256": hashlib.sha256(lock.read_bytes()).hexdigest() if lock.exists() else None,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "threads": {name: os.environ.get(name) for name in threads},
        "tables": {"fingerprint": tables.fingerprint},
    }


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=project_root(), capture_output=True, text=True, check=True, timeout=10
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
