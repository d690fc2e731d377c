"""One store in which every committed run of every family was trained, each on a few customers."""

import contextlib
import inspect
import io
import json
import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from small_data import FOLDERS
from small_settings import QUICK, SMALL, SMALL_DATA, SMALL_RUNS, TUNED
from third_party import third_party

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # else every process of a test compiles the package again
sys.dont_write_bytecode = False
collect_ignore_glob = ["conftest.py", "*/conftest.py", "*/make_*.py"]  # no doctests in them, and no tests
PROJECT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Store:
    """One tracking store and its data, and what the training command said and left."""

    runs: Path
    data: Path
    folders: dict[str, Path]
    names: tuple[str, ...]
    exit_code: int = 0
    output: str = ""
    metrics: dict[str, dict[str, float]] | None = None

    @property
    def households(self) -> Path:
        """Files of a few households of Complete Journey."""
        return self.folders["complete_journey"]

    def of(self, family: str) -> tuple[str, ...]:
        """Names of the runs of a family."""
        return tuple(name for name in self.names if name.startswith(f"{family}/"))

    def use(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let everything read and write here."""
        monkeypatch.chdir(PROJECT)
        monkeypatch.setenv("CRM_ML_RUNS", str(self.runs))
        monkeypatch.setenv("CRM_ML_DATA", str(self.data))
        monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
        monkeypatch.setenv("COLUMNS", "200")
        monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)

    def settings(self, name: str, **more: str) -> list[str]:
        """Overrides that make a run small: few snapshots and customers, few trees and replicates."""
        from crm_ml.config import load_run

        run = load_run(name)
        wanted = dict(SMALL[run.family]) | SMALL_DATA.get((run.family, run.data.name), {})
        wanted |= SMALL_RUNS.get(name, {})
        if run.family in ("churn", "propensity"):
            wanted |= _quick(run.model.name)
        if getattr(run, "tuning", None) is not None:
            wanted |= TUNED[run.family]
        wanted |= {"data.path": str(self.folders[run.data.name])} | more
        return [f"{key}={value}" for key, value in wanted.items()]


def _quick(model: str) -> dict[str, str]:
    """Options that make a model quick, of those that it has."""
    from crm_ml.models.model import models

    known = inspect.signature(models()[model]).parameters
    return {f"model.options.{key}": str(value) for key, value in QUICK.items() if key in known}


def committed_runs() -> tuple[str, ...]:
    """Names of all runs: the YAML files in the folders of the families."""
    from crm_ml.config.loading import RUNS

    configs = PROJECT / "configs"
    found = [path for family in RUNS for path in sorted(configs.glob(f"{family}/*.yaml"))]
    return tuple(path.relative_to(configs).with_suffix("").as_posix() for path in found)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Train every committed run by the command, on few customers, into a store of its own."""
    folder = tmp_path_factory.mktemp("store")
    folders = {name: cut(folder / name) for name, cut in FOLDERS.items()}
    store = Store(folder / "runs", folder / "data", folders, committed_runs(), metrics={})
    output = io.StringIO()
    with pytest.MonkeyPatch.context() as monkeypatch, contextlib.redirect_stdout(output), third_party():
        store.use(monkeypatch)
        codes = [_train(store, names) for names in _together(store)]
    return replace(store, exit_code=max(codes), output=output.getvalue())


def _together(store: Store) -> "list[list[str]]":
    """Names of the runs by command: those of churn that have the same overrides, and each of the others."""
    from crm_ml.config import load_run

    churn = [name for name in store.of("churn") if load_run(name).tuning is None]
    return [churn, *([name] for name in store.names if name not in churn)]


def _train(store: Store, names: "tuple[str, ...] | list[str]") -> int:
    """Train runs of the same overrides by one command, and take over the metrics that it wrote."""
    from crm_ml.train.__main__ import main

    sets = [part for setting in store.settings(names[0]) for part in ("--set", setting)]
    written = store.runs.parent / f"metrics_{names[0].replace('/', '_')}.json"
    code = main([*names, *sets, "--metrics-json", str(written)])
    if code == 0:
        store.metrics.update(json.loads(written.read_text(encoding="utf-8")))
    return code


@pytest.fixture(scope="session")
def real_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of derived files, so that tests of one group clean the whole of a real data set once."""
    folder = tmp_path_factory.mktemp("real_data")
    (folder / "tables").mkdir()
    return folder


@pytest.fixture
def store(trained: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    """The trained store, in use."""
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    trained.use(monkeypatch)
    return trained
