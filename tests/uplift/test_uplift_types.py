"""Arms, outcomes and probabilities follow the index; features are compared as declared; no cell is shown."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

from crm_ml.errors import InputError
from crm_ml.models import model_folder
from crm_ml.uplift import create, uplift_pyfunc

N = 600
SECRET = "ada@example.com"


def trial():
    rng = np.random.default_rng(0)
    ids = pd.Index([f"c{number}" for number in range(N)], name="customer_id")
    level, arm = rng.integers(1, 4, N), rng.integers(0, 2, N)
    y = (rng.random(N) < 0.2 + 0.2 * level * arm / 3).astype(int)
    X = pd.DataFrame({"x": rng.normal(size=N), "level": level.astype(str)}, index=ids)
    return X, arm, y, level


X, ARM, Y, LEVEL = trial()
P = np.random.default_rng(1).uniform(0.3, 0.7, N)


def fit(X, arm, y, p):
    return create("dr_learner", base="logistic").fit(X, y, treatment=arm, treatment_probability=p)


@pytest.fixture(scope="module")
def wanted():
    return fit(X, ARM, Y, P).predict(X)


def series(values):
    """Return values by customer, in another order of rows."""
    return pd.Series(values, X.index).iloc[np.random.default_rng(2).permutation(N)]


TRIALS = {
    "series": (X, series(ARM), series(Y), series(P)),
    "a frame of probabilities": (X, ARM, Y, pd.DataFrame({1: series(P), 0: 1 - series(P)})),
    "nullable": (X, series(ARM).astype("Int64"), series(Y).astype("boolean"), series(P).astype("Float64")),
    "declared": (X.assign(level=pd.Categorical(LEVEL)), pd.Categorical(ARM), pd.Categorical(Y), P),
    "flags": (X, ARM.astype(bool), Y.astype(bool), P),
    "Polars": (
        pl.from_pandas(X.reset_index()).with_columns(pl.col("level").cast(pl.Enum(["2", "1", "3"]))),
        pl.Series(ARM),
        pl.Series(Y),
        pl.Series(P),
    ),
}


@pytest.mark.parametrize("kind", TRIALS)
def test_effects_do_not_depend_on_how_a_trial_is_stored(wanted, kind):
    learner = fit(*TRIALS[kind])
    assert np.array_equal(learner.predict(X), wanted)
    served = model_folder.PyfuncModel(learner, uplift_pyfunc.score).predict(TRIALS[kind][0])
    assert np.array_equal(served["uplift_1"], wanted)
    assert served.index.equals(X.index)


@pytest.mark.parametrize("place", [1, 2, 3])
def test_another_index_is_refused(place):
    arguments = [X, ARM, Y, P]
    arguments[place] = pd.Series(arguments[place])
    what = ("treatment", "y", "probability")[place - 1]
    with pytest.raises(
        InputError, match=f"{what}: its index is not that of the features: it lacks 600 of 600"
    ):
        fit(*arguments)


def test_probabilities_of_other_arms_are_refused():
    with pytest.raises(InputError, match="probability: its columns are not 0, 1; give one for each arm"):
        fit(X, ARM, Y, pd.DataFrame({"mail": P, "none": 1 - P}, X.index))


@pytest.mark.parametrize("place", [0, 1, 2, 3])
def test_no_message_shows_a_cell(place):
    arguments = [X, ARM, Y, P]
    emails = [f"{SECRET} {number}" for number in range(N)]
    arguments[place] = X.assign(x=X.index) if place == 0 else emails
    with pytest.raises(InputError) as told:
        fit(*arguments)
    assert not any(cell in str(told.value) for cell in (SECRET, "c17"))


def test_missing_arms_of_a_nullable_type_are_counted():
    with pytest.raises(InputError, match="treatment is missing in 7 of 600 rows"):
        fit(X, pd.Series(ARM, X.index, dtype="Int64").where(np.arange(N) > 6), Y, P)
