"""The wheel alone: what it holds, and the way from an empty folder to a list without the checkout.

The libraries are those of the environment of the tests, lent to a fresh one by a path; those that an
installation without the named extras lacks are hidden. crm_ml comes from the wheel.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pandas as pd
import pytest
from installed_sizes import PROJECT, closure
from packaging.utils import canonicalize_name

from crm_ml import datasets
from crm_ml.lists import read_list

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("wheel")]
SOURCES = ("crm_ml", "configs", "pyproject.toml", "README.md", "LICENSE")
BUILD = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"
HIDE = """
import os, sys
HIDDEN = set(os.environ.get("HIDDEN", "").split())

class Hide:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] in HIDDEN:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Hide)
"""
QUICK = ["replicates=100", "split.training_snapshots=12", "model.name=logistic",
         "baselines=[{name: recency_rule}]"]  # fmt: skip


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("source")
    for name in SOURCES:
        source = PROJECT / name
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, folder / name, symlinks=True, ignore=ignored)
        else:
            shutil.copy(source, folder / name)
    command = [sys.executable, "-W", "ignore", "-c", BUILD, str(folder)]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def fresh(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the programs of an environment with the wheel."""
    home = tmp_path_factory.mktemp("fresh")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", home], check=True)
    pip = [sys.executable, "-m", "pip", "--python", home / "bin" / "python", "install", "--quiet"]
    subprocess.run([*pip, "--disable-pip-version-check", "--no-deps", "--no-index", wheel], check=True)
    site = next((home / "lib").glob("python*")) / "site-packages"
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    (site / "sitecustomize.py").write_text(HIDE, encoding="utf-8")
    return home / "bin"


@cache
def _hidden(*extras: str) -> str:
    """Modules that an installation with extras lacks."""
    there = closure(*extras) | {"crm-ml", "pip", "setuptools"}
    owners = packages_distributions()
    return " ".join(name for name, of in owners.items() if not there & {canonicalize_name(one) for one in of})


def test_the_wheel_holds_licence_types_templates_and_the_configs_byte_by_byte(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        configs = [path for path in (PROJECT / "configs").rglob("*") if path.is_file()]
        for path in configs:
            name = f"crm_ml/init/{path.relative_to(PROJECT).as_posix()}"
            assert archive.read(name) == path.read_bytes(), name
        assert sum("/init/configs/" in name for name in names) == len(configs)
        information = next(name for name in names if name.endswith(".dist-info/METADATA"))
        metadata = archive.read(information).decode()
        licence = information.replace("METADATA", "licenses/LICENSE")
        assert archive.read(licence) == (PROJECT / "LICENSE").read_bytes()
    files = [path for path in (PROJECT / "crm_ml").rglob("*") if path.is_file()]
    data = {path.relative_to(PROJECT).as_posix() for path in files if "__pycache__" not in path.parts}
    assert {"crm_ml/py.typed", "crm_ml/init/templates/gitignore"} <= data
    assert data <= names, sorted(data - names)
    assert "License-Expression: Apache-2.0" in metadata and "Author: The crm_ml developers" in metadata


def test_a_project_in_an_empty_folder_trains_and_writes_a_list(fresh, tmp_path):
    project = tmp_path / "shop"
    environment = {"PATH": f"{fresh}:{os.environ['PATH']}", "HOME": str(tmp_path), "COLUMNS": "120",
                   "OMP_WAIT_POLICY": "PASSIVE", "CRM_ML_THREADS": "1"}  # fmt: skip

    def run(*words: str, extras: tuple[str, ...] = (), code: int = 0, folder: Path = project) -> str:
        done = subprocess.run(
            ["crm-ml", *words],
            cwd=folder,
            env=environment | {"HIDDEN": _hidden(*extras)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    assert "notebooks/first_look.ipynb" in run("init", "shop", folder=tmp_path)
    assert "there are already configs/" in run("init", "shop", code=2, folder=tmp_path)
    shop = datasets.load("simulated", tmp_path / "simulated", customers=300, seed=5)
    rows = shop.pandas("order_lines")
    columns = {"at": pd.to_datetime(rows["ordered_at_epoch_s"], unit="s"), "paid": rows["paid_cents"] / 100}
    orders = rows[["customer_id", "order_id", "item_id"]].assign(**columns)
    (project / "data").mkdir()
    orders.to_csv(project / "data" / "orders.csv", index=False)
    run("tables", "--guess", "data/orders.csv", "--out", "configs/data/mine.yaml")
    run("train", "--new", "churn", "--data", "configs/data/mine.yaml")
    sets = [part for setting in QUICK for part in ("--set", setting)]
    assert 'pip install "crm_ml[plots]"' in run("train", "churn/mine", code=2)
    assert "churn_mine version 1 (champion)" in run("train", "churn/mine", *sets, extras=("plots",))
    run("score", "--new", "--data", "configs/data/mine.yaml")
    assert "next: " in run("score", "score/mine")  # without an extra
    assert len(read_list(project / "data" / "lists" / "mine")) > 10
    code = "import crm_ml; print(crm_ml.__file__)"
    home = subprocess.run(
        [fresh / "python", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert Path(home.stdout.strip()).is_relative_to(fresh.parent)
