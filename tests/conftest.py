"""One store in which every committed run of every family was trained, each on a few customers."""

import contextlib
import io
import json
import os
import shutil
import sys
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
import soak
from small_data import FOLDERS
from stores import PROJECT, Store, committed_runs
from third_party import third_party

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # else every process of a test compiles the package again
sys.dont_write_bytecode = False
# no doctests in them, and no tests; collecting a package puts its folder on the path for good
collect_ignore_glob = ["conftest.py", "*/conftest.py", "*/make_*.py", "*/site"]
soak.register_profiles()
PLAYED: list[tuple[str, str, int]] = []


def pytest_sessionstart(session: pytest.Session) -> None:
    """Tell the seed; ``-q`` hides the header of pytest, where it would stand else."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if not hasattr(session.config, "workerinput") and reporter is not None:
        reporter.write_line(f"CRM_ML_TESTS={soak.LEVEL} CRM_ML_TEST_SEED={soak.SEED}")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the tests of a rota to their turn; let each report what it plays to who writes the table."""
    waiting = soak.left_out(items)
    config.hook.pytest_deselected(items=waiting)
    items[:] = [item for item in items if item not in waiting]
    for item in items:
        item.user_properties += [("soak", list(mark.args)) for mark in item.iter_markers("soak")]


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Keep what a test that passed has played."""
    PLAYED.extend(soak.played_by(report))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the table of a soak, in the process that has heard of all tests."""
    if soak.SOAK and not hasattr(session.config, "workerinput"):
        project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        soak.write_table(PLAYED, project["version"])


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database of MLflow in which nothing is yet; making its tables takes seconds, copying it does not."""
    from crm_ml import tracking

    folder = tmp_path_factory.mktemp("empty_mlflow")
    with pytest.MonkeyPatch.context() as monkeypatch, third_party():
        monkeypatch.setenv("CRM_ML_RUNS", str(folder))
        monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
        tracking.connect().search_experiments()
    return folder / "mlflow.db"


@pytest.fixture(scope="session")
def trained(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, template: Path
) -> Store:
    """Train committed runs by the command, on few customers, into a store of its own.

    Every run, or one of each kind where no slow test of the session uses the store.
    """
    slow = any(
        one.get_closest_marker("slow") and "trained" in one.fixturenames for one in request.session.items
    )
    folder = tmp_path_factory.mktemp("store")
    (folder / "runs").mkdir()
    shutil.copy(template, folder / "runs" / "mlflow.db")
    folders = {name: cut(folder / name) for name, cut in FOLDERS.items()}
    store = Store(folder / "runs", folder / "data", folders, committed_runs(every=slow), metrics={})
    output = io.StringIO()
    with pytest.MonkeyPatch.context() as monkeypatch, contextlib.redirect_stdout(output), third_party():
        store.use(monkeypatch)
        codes = [_train(store, names) for names in _together(store)]
    return replace(store, exit_code=max(codes), output=output.getvalue())


def _together(store: Store) -> "list[list[str]]":
    """Names of the runs by command: those of churn that have the same overrides, and each of the others."""
    by_overrides: dict[tuple[str, ...], list[str]] = {}
    for name in store.names:
        alone = () if name.startswith("churn/") else (name,)
        by_overrides.setdefault((*alone, *store.settings(name)), []).append(name)
    return list(by_overrides.values())


def _train(store: Store, names: "tuple[str, ...] | list[str]") -> int:
    """Train runs of the same overrides by one command, and take over the metrics that it wrote."""
    from crm_ml.train.__main__ import main

    sets = [part for setting in store.settings(names[0]) for part in ("--set", setting)]
    written = store.runs.parent / f"metrics_{names[0].replace('/', '_')}.json"
    code = main([*names, *sets, "--metrics-json", str(written)])
    if code == 0:
        store.metrics.update(json.loads(written.read_text(encoding="utf-8")))
    return code


@pytest.fixture
def project(tmp_path, monkeypatch):
    """An empty project that is the working folder."""
    (tmp_path / "configs").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CRM_ML_DATA", raising=False)
    return tmp_path


@pytest.fixture
def new_runs(template, monkeypatch, tmp_path):
    """An empty tracking store of its own, in use; its folder."""
    from challenge_world import new_store

    return new_store(template, tmp_path / "runs", monkeypatch)


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
