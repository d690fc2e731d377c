"""Small runs of churn on made-up rows, logged and registered in a store of their own within a second."""

import functools
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd

from crm_ml import tracking
from crm_ml.churn import churn_pyfunc
from crm_ml.config import ChurnRun
from crm_ml.evaluation.predictions import Predictions
from crm_ml.models import model_folder
from crm_ml.models.labelled_rows import LabelledRows
from crm_ml.models.model import create
from crm_ml.storage.manifest import verify
from crm_ml.tables.strict import validate
from crm_ml.train.families.churn import experiment
from crm_ml.train.families.probability.study import Study
from crm_ml.train.families.probability.test_rows import of_probability
from crm_ml.train.promote import promotion
from crm_ml.train.promote.aliases import number_of
from crm_ml.train.record import outcome_log
from crm_ml.train.record.outcome import Candidate, Gate, Outcome, Trace

COLUMNS = ("signal", "noise", "answer")
HOLDS, FAILS = Gate("calibrated", True, "ECE 0.0100, limit 0.03"), Gate("calibrated", False, "ECE 0.2000")
LOADED = "crm_ml.churn.churn_pyfunc"
BEFORE = "2017-11-22"  # labels that end here tell nothing of the test window that begins here


def config(days=("2017-11-22",), **changes):
    content = {
        "family": "churn",
        "data": {"name": "complete_journey"},
        "target": {"horizon_days": 28, "active_within_days": 56},
        "split": {"test": list(days), "training_snapshots": 2, "every_days": 28},
        "model": {"name": "logistic"},
        "baselines": [{"name": "recency_rule"}],
        "register_as": {"name": "churn", "as_of": "2017-12-27"},
        "replicates": 100,
        "seed": 17,
    }
    return validate(content | changes, ChurnRun, "test")


@functools.cache
def rows(days, customers=300, seed=0):
    """Rows of each day; churn follows `signal`, `answer` is the label itself, `noise` says nothing."""
    draw = np.random.default_rng(seed)
    names = [f"customer-{number:04d}" for number in range(customers)]
    index = pd.MultiIndex.from_product([sorted(days), names], names=["as_of", "customer_id"])
    X = pd.DataFrame(draw.normal(size=(len(index), 2)), columns=["signal", "noise"], index=index)
    y = (draw.random(len(X)) < 1 / (1 + np.exp(-1.5 * X["signal"]))).astype("int8")
    X["answer"] = y.astype(float) + draw.normal(0, 0.01, len(X))
    return LabelledRows(X, pd.Series(y, index=index, name="churned"))


def fitted(*columns):
    """A model that looks at some columns alone."""
    known = rows(("2017-08-30",), 600, 5)
    return create("logistic", strength=1.0).fit(known.X[list(columns)], known.y)


def outcome(sees, judged_by=None, days=("2017-11-22",), gates=(HOLDS,), lacks=(), **changes):
    """A run whose registered model sees one column (``a+b``: two), and whose models of the tests another."""
    given, run = rows(tuple(days)), config(days)
    given = LabelledRows(given.X.drop(columns=list(lacks)), given.y)
    folds = tuple(experiment.fold(run, one) for one in run.split.test)
    columns = [name for name in COLUMNS if name in given.X]
    model, judge = fitted(*sees.split("+")), fitted(*(judged_by or sees).split("+"))
    details = {"labels_end": "2017-12-27", "horizon_days": 28, "gap_days": 0, "active_within_days": 56}
    details |= {"features": {}, **changes}
    study = Study(
        run,
        given,
        folds,
        experiment.fold(run, run.register_as.as_of),
        experiment.VIEWS,
        churn_pyfunc,
        details,
    )
    ids, fold = given.customer_id.to_numpy(), given.fold.to_numpy()
    X = rows(tuple(days)).X
    said = {"model": judge.expected(X), "recency_rule": np.full(len(ids), 0.5)}
    predictions = Predictions(ids, fold, given.y.to_numpy().astype(float), said)
    return Outcome(
        metrics={"test.auc": 0.8, "test.auc.low": 0.7, "test.auc.high": 0.9, "baseline.no.auc": 0.5},
        summary=pd.DataFrame(),
        gates=tuple(gates),
        candidate=Candidate(
            "churn", lambda folder: model_folder.save(model, folder, "churn", **details), LOADED,
            dict.fromkeys(sees.split("+"), "double"), {"p_churn": "double"},
        ),
        trace=Trace({}, {}, {}, {}),
        rows=of_probability(study, LabelledRows(given.X[columns], given.y), predictions),
    )  # fmt: skip


def finish(found, run=None):
    """Log the rows of an outcome, register its model and let the gate decide, as a run does."""
    run = run or config()
    with tempfile.TemporaryDirectory() as parent, tracking.start("churn", "churn/small") as active:
        folder = Path(parent) / "model"
        found.candidate.save(folder)
        logged = outcome_log._log_rows(active, run, found)
        one = found.candidate
        version = active.register(folder, one.name, one.loader_module, one.inputs, one.outputs)
        version = replace(version, details=verify(folder))
        decision = promotion.settle(active, version, found, logged, lambda _: None)
    return SimpleNamespace(run_id=active.run_id, version=version.version, decision=decision, logged=logged)


def new_store(template, folder, monkeypatch):
    """A store of its own from an empty database, in use."""
    folder.mkdir()
    shutil.copy(template, folder / "mlflow.db")
    monkeypatch.setenv("CRM_ML_RUNS", str(folder))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return folder


def alias(name):
    return number_of(tracking.connect(), "churn", name)


def aliases():
    return tuple(alias(name) for name in ("champion", "previous", "challenger"))
