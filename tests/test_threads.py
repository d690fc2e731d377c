"""Idle threads sleep, in every process that imports the package, and the environment may ask for fewer."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from crm_ml import threads

TOLD = "LightGBM was loaded before crm_ml"


def said(code: str, **environment: str) -> tuple[Any, str]:
    """Return what a Python of its own, in which no policy is set, prints as JSON, and what it warns of."""
    clean = {
        name: value
        for name, value in os.environ.items()
        if name not in ("OMP_WAIT_POLICY", "OMP_NUM_THREADS")
    }
    ended = subprocess.run(
        [sys.executable, "-c", code], env=clean | environment, text=True, capture_output=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout), ended.stderr


@pytest.mark.parametrize(
    "module", ["crm_ml", "crm_ml.models", "crm_ml.train.__main__", "crm_ml.score.__main__"]
)
def test_every_import_of_the_package_lets_idle_threads_sleep(module: str) -> None:
    code = f"import os, json, {module}; print(json.dumps(os.environ['OMP_WAIT_POLICY']))"
    assert said(code)[0] == "PASSIVE"
    assert said(code, OMP_WAIT_POLICY="ACTIVE")[0] == "ACTIVE"  # whoever sets it knows why


USABLE = (
    "import json; from crm_ml.threads import usable; print(json.dumps([usable(2), usable(2), usable(1)]))"
)


@pytest.mark.parametrize("first", ["", "import sklearn.linear_model, scipy.linalg"])
def test_other_libraries_may_be_loaded_first(first: str) -> None:
    counts, warned = said(f"{first}\n{USABLE}")
    assert counts[0] == min(2, len(os.sched_getaffinity(0))) and TOLD not in warned


def test_where_lightgbm_was_loaded_first_one_thread_is_taken_and_told_once() -> None:
    counts, warned = said(f"import lightgbm\n{USABLE}")
    assert counts == [1, 1, 1] and warned.count(TOLD) == 1
    counts, warned = said(f"import lightgbm\n{USABLE}", OMP_WAIT_POLICY="passive")
    assert counts[0] > 1 or len(os.sched_getaffinity(0)) == 1
    assert TOLD not in warned


@pytest.mark.parametrize(
    ("configured", "most"), [("1", 1), ("1,4", 1), (" 3 ", 3), ("0", 8), ("many", 8), ("", 8)]
)
def test_fewer_threads_may_be_configured(configured: str, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "_cores", lambda: 8)
    monkeypatch.setenv("OMP_NUM_THREADS", configured)
    assert threads.usable(16) == most and threads.usable(1) == 1


def test_no_more_threads_than_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(threads, "_cores", lambda: 1)
    assert threads.usable(2) == 1
