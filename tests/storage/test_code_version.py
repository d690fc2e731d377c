"""The version of code: it changes with every file and library that a result follows from, and only then."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import crm_ml
from crm_ml.storage import code_version as module
from crm_ml.storage.code_version import code_version, import_closure

SCORED = """
import sys, pathlib, numpy as np, pyarrow as pa, pyarrow.parquet as pq
from crm_ml.evaluation.calibrators import Platt
from crm_ml.models.calibrated_model import CalibratedModel
from crm_ml.score_tables.churn import ChurnSource
from crm_ml.score_tables.joined import score_day
from crm_ml.score_tables.source import ScoringDay

class Half:
    def predict_proba(self, X):
        p = X["rfm_days_since_order"].to_numpy() / 100
        return np.stack([1 - p, p]).T

work = pathlib.Path("work")
features = work / "features-0" / "features.parquet"
features.parent.mkdir(parents=True, exist_ok=True)
pq.write_table(pa.table({"customer_id": ["a", "b"], "rfm_days_since_order": [20.0, 50.0]}), features)
model = CalibratedModel(Half(), Platt(slope=1.0, intercept=0.0))
source = ChurnSource(name="churn", sums="0" * 16, predict=model.expected, where="rfm_days_since_order < 56")
path = score_day(work, ScoringDay(None, None, features), [source], []).tables[0].path
print(path.parent.name, *pq.read_table(path)["p_churn"].to_pylist())
"""


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package on the path: ``top`` imports ``low`` late, and finds what lies in ``kinds`` by its name."""
    files = {
        "__init__.py": "",
        "top.py": 'def f():\n    from wares.low import g\n    return g\nKINDS = "wares.kinds"\n',
        "low.py": "import numpy\ng = 1\n",
        "other.py": "import pandas\n",
        "kinds/__init__.py": "",
        "kinds/first.py": "",
    }
    for name, content in files.items():
        path = tmp_path / "wares" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path / "wares"


@pytest.mark.usefixtures("package")
def test_the_closure_follows_late_imports_and_packages_that_are_named():
    files, libraries = import_closure("wares.top")
    assert set(files) == {"wares", "wares.top", "wares.low", "wares.kinds", "wares.kinds.first"}
    assert libraries == {"numpy"}
    assert set(import_closure("wares")[0]) == {*files, "wares.other"}
    assert set(import_closure("wares.top", without=["wares.low"])[0]) == {*files} - {"wares.low"}


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("top.py", True),
        ("low.py", True),
        ("kinds/first.py", True),
        ("kinds/new.py", True),
        ("other.py", False),
    ],
)
def test_the_version_changes_with_every_file_of_the_closure_alone(package, name, changes):
    before = code_version("wares.top")
    assert code_version("wares.top") == before
    with (package / name).open("a") as file:
        file.write("# changed\n")
    assert (code_version("wares.top") != before) == changes


def test_relative_imports_and_packages_without_init_are_followed(package):
    files = {
        "near.py": "from .low import g\nfrom . import other\n",
        "kinds/near.py": "from ..low import g\nfrom .first import *\n",
        "bare/one.py": "import wares.bare.two\n",
        "bare/two.py": "",
    }
    for name, content in files.items():
        path = package / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
    assert set(import_closure("wares.near")[0]) == {"wares", "wares.near", "wares.low", "wares.other"}
    inner = {"wares", "wares.kinds", "wares.kinds.near", "wares.kinds.first", "wares.low"}
    assert set(import_closure("wares.kinds.near")[0]) == inner
    assert set(import_closure("wares.bare")[0]) == {"wares", "wares.bare.one", "wares.bare.two"}


def test_the_version_does_not_depend_on_where_the_package_lies(package, tmp_path, monkeypatch):
    before = code_version("wares.top")
    shutil.copytree(package, tmp_path / "elsewhere" / "wares")
    monkeypatch.syspath_prepend(tmp_path / "elsewhere")
    assert code_version("wares.top") == before


@pytest.mark.usefixtures("package")
def test_another_version_of_a_library_is_another_version(monkeypatch):
    before = code_version("wares.top")
    monkeypatch.setattr(module, "library_version", lambda name: {"numpy": "99.0"}[name])
    assert code_version("wares.top") != before


def test_a_module_without_source_is_named():
    with pytest.raises(ModuleNotFoundError, match=r"no source of crm_ml\.absent"):
        code_version("crm_ml.absent")


def test_scores_of_changed_code_are_made_again(tmp_path):
    copied = tmp_path / "code" / "crm_ml"
    shutil.copytree(Path(crm_ml.__file__).parent, copied, ignore=shutil.ignore_patterns("__pycache__"))

    def scored():
        environment = os.environ | {"PYTHONPATH": str(copied.parent)}
        done = subprocess.run(
            [sys.executable, "-c", SCORED], cwd=tmp_path, env=environment, capture_output=True, check=True
        )
        stage, *p = done.stdout.decode().split()
        return stage, [float(value) for value in p]

    stage, p = scored()
    assert scored() == (stage, p)
    calibrators = copied / "evaluation" / "calibrators.py"
    before = calibrators.read_text(encoding="utf-8")
    line = "return np.asarray(expit("
    assert line in before, "Platt.predict reads differently now; halve it here"
    calibrators.write_text(before.replace(line, "return 0.5 * np.asarray(expit("), encoding="utf-8")
    changed, halved = scored()
    assert changed != stage
    assert halved == pytest.approx([value / 2 for value in p])
