"""Importing does nothing: no heavy library before it is needed, and no state of the process changed."""

import json
import os
import subprocess
import sys

import pytest

HEAVY = (
    "pandas",
    "lightgbm",
    "sklearn",
    "mlflow",
    "matplotlib",
    "duckdb",
    "scipy",
    "polars",
    "optuna",
    "lifetimes",
)
STATE = """
import importlib, json, logging, os, pickle, pkgutil, random, sys, warnings
import duckdb, lightgbm, matplotlib, mlflow, narwhals, numba, numpy, pandas, pyarrow, pydantic, rich
import scipy.stats
import sklearn.linear_model, sklearn.preprocessing, sqlalchemy, yaml
import mlflow.pyfunc, rich.progress, pyarrow.parquet, pyarrow.compute, matplotlib.figure

def state():
    loggers = {name: logger for name, logger in logging.root.manager.loggerDict.items()
               if isinstance(logger, logging.Logger)}
    return {
        "warnings filters": [repr(one) for one in warnings.filters],
        "root handlers": [repr(one) for one in logging.root.handlers],
        "handlers": {n: repr(one.handlers) for n, one in loggers.items() if one.handlers},
        "levels": {n: one.level for n, one in loggers.items() if one.level} | {"root": logging.root.level},
        "environment": dict(os.environ),
        "matplotlib": repr(sorted((k, repr(v)) for k, v in dict.items(matplotlib.rcParams))),
        "pyplot": "matplotlib.pyplot" in sys.modules,
        "numpy errors": repr(numpy.geterr()),
        "numpy random": repr(numpy.random.get_state()),
        "random": repr(random.getstate()),
        "pandas options": repr([pandas.get_option(f"display.{n}") for n in ("width", "max_rows")]),
        "files": sorted(os.listdir(".")),
        "folder": os.getcwd(),
        "hooks": repr((sys.excepthook, sys.displayhook)),
    }

before = state()
import crm_ml
names = [one.name for one in pkgutil.walk_packages(crm_ml.__path__, "crm_ml.")]
for name in names:
    importlib.import_module(name)
after = state()
print(json.dumps({"modules": names, "changed": [key for key in before if before[key] != after[key]]}))
"""


def python(code, folder):
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=folder, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr
    return done


@pytest.mark.parametrize(
    "code",
    [
        "import crm_ml",
        "import crm_ml.train.__main__",
        "import crm_ml.score.__main__",
        "import crm_ml.tables.__main__",
        "from crm_ml.train.__main__ import main as run; run(['--help'])",
        "from crm_ml.score.__main__ import main as run; run(['--help'])",
        "from crm_ml.tables.__main__ import main as run; run(['--help'])",
        "import crm_ml.config, crm_ml.storage.paths, crm_ml.tracking, crm_ml.errors, crm_ml.storage.manifest",
        "import crm_ml.churn, crm_ml.churn.churn_pyfunc, crm_ml.features, crm_ml.evaluation, crm_ml.datasets",
        "import crm_ml.clv.clv_pyfunc, crm_ml.clv.model_selection, crm_ml.clv.cumulative_purchases",
        "import crm_ml.clv, crm_ml.plots, crm_ml.score_tables.clv",
    ],
)
def test_heavy_libraries_wait_until_they_are_used(code, tmp_path):
    program = (
        f"import sys\ntry:\n    {code}\nexcept SystemExit as end:\n    assert not end.code\n"
        f"print('loaded:', *sorted(set({HEAVY}) & set(sys.modules)))"
    )
    done = python(program, tmp_path)
    assert done.stdout.splitlines()[-1].strip() == "loaded:"
    assert done.stderr == ""
    assert list(tmp_path.iterdir()) == []


def test_importing_every_module_changes_nothing(tmp_path):
    done = python(STATE, tmp_path)
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["changed"] == []
    assert {"crm_ml.train.families.churn.experiment", "crm_ml.clv.pareto_nbd", "crm_ml.features.rfm"} <= set(
        found["modules"]
    )
    assert len(found["modules"]) > 60
    assert list(tmp_path.iterdir()) == []
