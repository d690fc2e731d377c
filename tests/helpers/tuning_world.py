"""A made-up churn study before a test: dated folds with a signal, and models that are real and quick."""

import numpy as np
import pandas as pd

from crm_ml.config import ChurnRun
from crm_ml.models.labelled_rows import LabelledRows
from crm_ml.tables.strict import validate
from crm_ml.train.families.churn import experiment
from crm_ml.train.families.probability.search import judges

CUSTOMERS, SIGNAL = 300, 1.5
BOOSTING = {"rounds": 12, "learning_rate": 0.1, "lambda_l2": 5.0, "num_leaves": 4, "num_threads": 1}
SPACE = {
    "rounds": {"low": 2, "high": 40},
    "learning_rate": {"low": 0.01, "high": 0.5, "log": True},
    "num_leaves": {"choices": [2, 4, 8]},
}


def config(model="gradient_boosting", options=BOOSTING, **tuning):
    """Config of a churn run with a search."""
    given = {"trials": 8, "startup": 3, "pruning": {"startup": 2}, "space": SPACE}
    return validate(
        {
            "family": "churn",
            "data": {"name": "complete_journey"},
            "target": {"horizon_days": 28, "active_within_days": 56},
            "split": {"test": ["2017-08-30"], "training_snapshots": 2, "every_days": 28},
            "model": {"name": model, "options": dict(options)},
            "baselines": [{"name": "recency_rule"}],
            "register_as": {"name": "churn", "as_of": "2018-01-01"},
            "replicates": 200,
            "seed": 17,
            "tuning": {**given, "validation": {"search": 2, "confirm": 2}, **tuning},
        },
        ChurnRun,
        "small.yaml",
    )


def rows_of(run, signal=SIGNAL):
    """Rows of every fold of the search: three features, the first of which says something of the label."""
    tests = [experiment.fold(run, day) for day in run.split.test]
    days = sorted(
        {
            one
            for each in (*experiment.folds_ahead(run).every, *tests)
            for one in (str(each.test), *map(str, each.training))
        }
    )
    parts = []
    for number, day in enumerate(days):
        rng = np.random.default_rng(number)
        X = pd.DataFrame(rng.normal(size=(CUSTOMERS, 3)), columns=["a", "b", "c"])
        y = rng.random(CUSTOMERS) < 1 / (
            1 + np.exp(1 - signal * X["a"] - 0.5 * signal * X["b"] * (X["c"] > 0))
        )
        X.index = pd.MultiIndex.from_arrays(
            [[day] * CUSTOMERS, [f"c{i:04d}" for i in range(CUSTOMERS)]], names=["as_of", "customer_id"]
        )
        parts.append((X, pd.Series(y.to_numpy().astype("int8"), index=X.index)))
    return LabelledRows(pd.concat([X for X, _ in parts]), pd.concat([y for _, y in parts]))


def judges_of(run, signal=SIGNAL):
    """The judges of the made-up rows."""
    tests = [experiment.fold(run, day) for day in run.split.test]
    return judges(run, rows_of(run, signal), experiment.folds_ahead(run), tests)
