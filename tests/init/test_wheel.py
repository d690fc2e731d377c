"""The wheel alone: what it holds, and the way from an empty folder to a list without the checkout.

The libraries are those of the environment of the tests, lent to a fresh one by a path; those that an
installation without the named extras lacks are hidden. crm_ml comes from the wheel.
"""

import os
import subprocess
import sys
import sysconfig
import zipfile
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from installed_sizes import closure
from packaging.utils import canonicalize_name
from wheel_project import CHAMPION, PROJECT, TRAIN, before_training, build, copy_sources, tracked, write_list

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("wheel")]
HIDE = """
import os, sys
from importlib.machinery import PathFinder

HIDDEN = set(os.environ.get("HIDDEN", "").split())

class Hiding(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.partition(".")[0] in HIDDEN else PathFinder.find_spec(name, path, target)

sys.meta_path = [Hiding if finder is PathFinder else finder for finder in sys.meta_path]
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("source")
    return build("wheel", copy_sources(folder), folder)


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
        configs = tracked("configs")
        for path in configs:
            assert archive.read(f"crm_ml/init/{path}") == (PROJECT / path).read_bytes(), path
        assert sum("/init/configs/" in name for name in names) == len(configs)
        information = next(name for name in names if name.endswith(".dist-info/METADATA"))
        metadata = archive.read(information).decode()
        licence = information.replace("METADATA", "licenses/LICENSE")
        assert archive.read(licence) == (PROJECT / "LICENSE").read_bytes()
    data = set(tracked("crm_ml")) - {"crm_ml/init/configs"}  # a link
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

    before_training(run, project, customers=300)
    assert 'pip install "crm_ml[plots]"' in run(*TRAIN, code=2)
    trained = run(*TRAIN, extras=("plots",))
    assert CHAMPION in trained and '(needs pip install "crm_ml[train]")' in trained
    assert write_list(run, project) > 10  # without an extra
    python = [fresh / "python", "-c", "import crm_ml; print(crm_ml.__file__)"]
    home = subprocess.run(python, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert Path(home.stdout.strip()).is_relative_to(fresh.parent)
