"""Through MLflow a model takes all types that it takes itself, and errors show no row."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest

from crm_ml.errors import InputError
from crm_ml.models import model_folder
from crm_ml.models.model import create
from crm_ml.tracking.logged_models import signature_of
from crm_ml.tracking.store import load_mlflow

N = 300
LEVEL = np.random.default_rng(0).integers(1, 4, N)
X = pd.DataFrame(
    {
        "level": LEVEL.astype(str),
        "count": np.where(np.arange(N) % 9, 2.0 * LEVEL, np.nan),
        "flag": LEVEL % 2.0,
    },
    index=pd.Index([f"ada{number}" for number in range(N)], name="customer_id"),
)
POLARS = pl.from_pandas(X.reset_index())
KINDS = {
    "as fitted": X,
    "Int64": X.astype({"count": "Int64", "flag": "int64"}),
    "bool": X.astype({"flag": "bool"}),
    "boolean": X.astype({"flag": "boolean"}),
    "category": X.assign(level=pd.Categorical(LEVEL)),
    "Polars": POLARS,
    "Arrow": POLARS.with_columns(pl.col("level").cast(pl.Categorical)).to_arrow(),
}


@pytest.fixture(scope="module")
def model():
    return create("logistic").fit(X, (LEVEL > 2) ^ (np.arange(N) % 7 == 0))


@pytest.fixture(scope="module")
def served(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("types")
    model_folder.save(model, folder / "model", "churn")
    inputs = {"level": "string", "count": "double", "flag": "double"}
    mlflow = load_mlflow()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of MLflow, which wants an example of the input
        mlflow.pyfunc.save_model(
            path=str(folder / "pyfunc"),
            loader_module="crm_ml.churn.churn_pyfunc",
            data_path=str(folder / "model"),
            signature=signature_of(inputs, {"p_churn": "double"}),
            pip_requirements=[],
        )
        return mlflow.pyfunc.load_model(str(folder / "pyfunc"))


@pytest.mark.parametrize("kind", KINDS)
def test_scores_through_mlflow_are_those_of_the_model(model, served, kind):
    scores = served.predict(KINDS[kind])
    assert np.array_equal(scores["p_churn"], model.expected(X))
    assert scores.index.equals(X.index)
    assert served.metadata.get_input_schema().input_names() == list(X.columns)


def test_errors_through_mlflow_show_no_row(served):
    for broken in (
        X.assign(count="ada@example.com"),
        X.drop(columns="flag"),
        X.assign(level=1.0),
        [["ada17"]],
    ):
        with pytest.raises(InputError, match=r"^features: ") as told:
            served.predict(broken)
        assert "ada" not in str(told.value)
