"""Lifetime values do not depend on how a summary is stored, and outcomes follow the index."""

from datetime import timedelta

import numpy as np
import pandas as pd
import polars as pl
import pytest
import value_shop

from crm_ml.clv import clv_pyfunc
from crm_ml.clv.challenger import Challenger, challenger_features
from crm_ml.clv.clv_model import ClvModel
from crm_ml.clv.purchase_and_spend_model import Valuer
from crm_ml.clv.valuation_terms import Terms
from crm_ml.clv.value_calibration import fit_tilt
from crm_ml.errors import InputError
from crm_ml.models.model_folder import PyfuncModel

TERMS = Terms(timedelta(days=365), 0.1, 0.3)
SUMMARY = value_shop.summary(value_shop.lines(300, seed=6))
POLARS = pl.from_pandas(SUMMARY.reset_index())
KINDS = {
    "Int64": SUMMARY.astype({"frequency": "Int64"}),
    "Float64": SUMMARY.convert_dtypes(),
    "Arrow numbers": SUMMARY.convert_dtypes(dtype_backend="pyarrow"),
    "int8": SUMMARY.astype({"frequency": "int8"}),
    "Polars": POLARS,
    "Arrow": POLARS.to_arrow(),
}


@pytest.fixture(scope="module")
def windows():
    """Features, predictions and outcomes of a year, by customer."""
    valuer = Valuer.fit("beta_geo", SUMMARY)
    base = valuer.value(SUMMARY, TERMS)
    return valuer, base, base * np.random.default_rng(0).exponential(size=len(base))


@pytest.fixture(scope="module")
def model(windows):
    valuer, base, y = windows
    X = challenger_features(valuer, SUMMARY, TERMS)
    trees = Challenger(rounds=5, min_data_in_leaf=20).fit(X, base, y)
    again = Challenger(rounds=5, min_data_in_leaf=20).fit(X, base[::-1], y.sample(frac=1, random_state=0))
    assert again.text_ == trees.text_
    with pytest.raises(InputError, match="y: its index is not that of the features"):
        Challenger().fit(X, base, y.reset_index(drop=True))
    return ClvModel(valuer, TERMS, "D", challenger=trees)


@pytest.mark.parametrize("kind", KINDS)
def test_values_do_not_depend_on_how_a_summary_is_stored(model, kind):
    wanted = model.predict(SUMMARY)
    for predict in (model.predict, PyfuncModel(model, clv_pyfunc.score).predict):
        pd.testing.assert_frame_equal(predict(KINDS[kind]), wanted, check_exact=True, check_index_type=False)


def test_outcomes_follow_the_index_of_predictions(windows):
    _, base, y = windows
    wanted = fit_tilt([(base.to_numpy(), y.to_numpy())])
    assert fit_tilt([(base, y[::-1])]) == wanted
    with pytest.raises(InputError, match="outcomes: its index is not that of the features"):
        fit_tilt([(base, y.reset_index(drop=True))])


def test_no_message_shows_a_cell(model):
    broken = (SUMMARY.assign(frequency="ada@example.com"), SUMMARY.assign(T=SUMMARY.index), [["ada"]])
    for summary in broken:
        with pytest.raises(InputError, match=r"^summary: ") as told:
            model.predict(summary)
        assert not any(cell in str(told.value) for cell in ("ada@", str(SUMMARY.index[0])))
