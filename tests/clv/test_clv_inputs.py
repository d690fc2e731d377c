"""Summaries, horizons, rates and units that can't be used: one error names field, rule and rows."""

import math
import re
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from clv_worlds import MODELS, as_summary, simulate, with_params

from crm_ml.clv import (
    BetaGeo,
    GammaGamma,
    ParetoNBD,
    discounted_purchases,
    lifetime_value,
    months,
    value_with_interval,
)
from crm_ml.clv.purchase_histories import LARGEST_FREQUENCY
from crm_ml.errors import InputError

GOOD = simulate(30)
REPEAT = int(GOOD["frequency"].idxmax())


def with_cell(column, value):
    found = GOOD.astype({column: float})
    found.loc[REPEAT, column] = value
    return found


BAD = {
    "fractional frequency": (with_cell("frequency", 1.5), "frequency is no whole number in 1 of 30 rows"),
    "negative frequency": (with_cell("frequency", -1), "frequency is negative in 1 of 30 rows"),
    "no frequency": (with_cell("frequency", np.nan), "frequency is missing or infinite in 1 of 30 rows"),
    "infinite frequency": (with_cell("frequency", np.inf), "frequency is missing or infinite in 1 of 30"),
    "frequency out of scale": (with_cell("frequency", LARGEST_FREQUENCY + 1), "frequency is above 1,000,000"),
    "recency above T": (with_cell("recency", 41), "recency is above T in 1 of 30 rows"),
    "negative recency": (with_cell("recency", -1), "recency is negative in 1 of 30 rows"),
    "no recency": (with_cell("recency", np.nan), "recency is missing or infinite in 1 of 30 rows"),
    "infinite T": (with_cell("T", np.inf), "T is missing or infinite in 1 of 30 rows"),
    "T out of scale": (with_cell("T", 1e16), "T is above 1,000,000,000,000,000 in 1 of 30 rows"),
    "recency without repeat": (with_cell("frequency", 0), "recency is above 0 and frequency is 0 in 1"),
    "integers of pandas with NA": (
        GOOD.assign(frequency=GOOD["frequency"].astype("Int64").mask(GOOD.index == REPEAT)),
        "frequency is missing or infinite in 1 of 30 rows",
    ),
    "a missing column": (GOOD.drop(columns="recency"), "recency is missing"),
    "text": (GOOD.assign(T="long"), "T is str, no number"),
    "times": (GOOD.assign(T=pd.to_timedelta(GOOD["T"], unit="D")), "T is timedelta64"),
    "no rows": (GOOD.head(0), "no rows"),
}  # fmt: skip
BAD_MONEY = {
    "negative": (with_cell("monetary_value", -1), "monetary_value is negative in 1 of 30 rows"),
    "none": (with_cell("monetary_value", np.nan), "monetary_value is missing or infinite in 1 of 30 rows"),
    "infinite": (
        with_cell("monetary_value", np.inf),
        "monetary_value is missing or infinite in 1 of 30 rows",
    ),
    "out of scale": (
        with_cell("monetary_value", 1e300),
        "monetary_value is above 1,000,000,000,000,000 in 1 of 30",
    ),
    "no column": (GOOD.drop(columns="monetary_value"), "monetary_value is missing"),
    "no first column": (GOOD.drop(columns="first_value"), "first_value is missing"),
}


@pytest.fixture(scope="module")
def spend():
    return GammaGamma().fit(GOOD)


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("model", MODELS)
def test_no_summary_is_fitted_or_asked(model, name):
    summary, message = BAD[name]
    made = with_params(model)
    calls = (
        model().fit, made.probability_alive, lambda bad: made.expected_purchases(bad, 3),
        lambda bad: made.probability_of_purchase(bad, 3), lambda bad: made.purchase_counts(bad, 3, 2),
        lambda bad: discounted_purchases(made, bad, 3),
    )  # fmt: skip
    for call in calls:
        with pytest.raises(InputError, match=re.escape(message)):
            call(summary)


@pytest.mark.parametrize("name", BAD_MONEY)
def test_no_money_is_fitted_or_asked(name, spend):
    summary, message = BAD_MONEY[name]
    with pytest.raises(InputError, match=re.escape(message)):
        GammaGamma(use_first_purchase=True).fit(summary)
    if "first" not in name:
        for call in (GammaGamma().fit, spend.expected_value):
            with pytest.raises(InputError, match=re.escape(message)):
                call(summary)
        with pytest.raises(InputError, match=re.escape(message)):
            lifetime_value(with_params(BetaGeo), spend, summary, 39)


def test_one_error_names_everything_that_is_wrong():
    summary = GOOD.drop(columns="T").assign(frequency=np.where(GOOD.index < 4, -0.5, 1.0), recency="soon")
    with pytest.raises(InputError) as error:
        BetaGeo().fit(summary)
    for part in (
        "T is missing",
        "recency is str",
        "frequency is negative in 4",
        "frequency is no whole number in 4",
    ):
        assert part in str(error.value)


@pytest.mark.parametrize("model", MODELS)
def test_customers_of_whom_nobody_repeats_or_all_are_new(model):
    with pytest.raises(InputError, match="none of 30 customers has a repeat purchase"):
        model().fit(GOOD.assign(frequency=0, recency=0.0))
    with pytest.raises(InputError, match="T is 0 for all of 30 customers"):
        model().fit(GOOD.assign(frequency=2, recency=0.0, T=0.0))


HORIZONS = {
    0: "must be positive",
    -3: "must be positive",
    math.nan: "must be positive",
    math.inf: "horizon is infinite",
}


@pytest.mark.parametrize("horizon", HORIZONS)
@pytest.mark.parametrize("model", MODELS)
def test_horizons(model, horizon, spend):
    made = with_params(model)
    for call in (
        made.expected_purchases,
        made.probability_of_purchase,
        lambda s, h: made.purchase_counts(s, h, 3),
    ):
        with pytest.raises(InputError, match=HORIZONS[horizon]):
            call(GOOD, horizon)
    for call in (lifetime_value, value_with_interval):
        with pytest.raises(InputError, match=HORIZONS[horizon]):
            call(made, spend, GOOD, horizon)


@pytest.mark.parametrize("horizon", [timedelta(0), timedelta(days=-1), "39", None, np.timedelta64(3, "D")])
def test_horizons_that_are_no_positive_time(horizon):
    with pytest.raises(InputError, match="horizon is"):
        with_params(BetaGeo).expected_purchases(GOOD, horizon)


@pytest.mark.parametrize("count", [0, -1, math.nan, math.inf, 1e12])
def test_months_that_are_none(count):
    with pytest.raises(InputError, match="months is"):
        months(count)


@pytest.mark.parametrize("bad", [-0.1, math.nan, math.inf])
def test_rates_and_margins(bad, spend):
    made = with_params(ParetoNBD)
    for call in (lifetime_value, value_with_interval):
        with pytest.raises(InputError, match="annual_discount_rate is"):
            call(made, spend, GOOD, 39, bad)
        with pytest.raises(InputError, match="margin is"):
            call(made, spend, GOOD, 39, 0.1, bad)


def test_for_ever_needs_a_discount(spend):
    made = with_params(BetaGeo)
    with pytest.raises(InputError, match="nothing is discounted"):
        lifetime_value(made, spend, GOOD, math.inf, 0.0)
    assert np.isfinite(lifetime_value(made, spend, GOOD, math.inf, 0.001)).all()


def test_another_unit_than_that_of_the_fit(spend):
    made, days = with_params(BetaGeo), as_summary([(2, 200, 270)], "D")
    for call in (made.probability_alive, lambda s: made.expected_purchases(s, 3), made.unit_for):
        with pytest.raises(InputError, match="summary is in days, but the model was fitted in weeks"):
            call(days)
    with pytest.raises(InputError, match="fitted in weeks"):
        lifetime_value(made, spend, days.assign(monetary_value=1.0), 39)


def test_a_summary_of_no_unit(spend):
    bare = GOOD.copy()
    bare.attrs.clear()
    free = with_params(BetaGeo, unit=None)
    assert (free.expected_purchases(bare, 39) > 0).all()
    for horizon in (months(3), timedelta(days=7)):
        with pytest.raises(InputError, match="does not say its unit"):
            free.expected_purchases(bare, horizon)
    with pytest.raises(InputError, match="which a yearly discount needs"):
        lifetime_value(free, spend, bare, 39, 0.1)
    known = with_params(BetaGeo)  # the unit of the fit stands in
    np.testing.assert_array_equal(
        known.expected_purchases(bare, timedelta(weeks=39)), known.expected_purchases(bare, 39)
    )


@pytest.mark.parametrize("model", MODELS)
def test_an_unfitted_model_is_refused(model, spend):
    bare = model()
    calls = (
        lambda: bare.probability_alive(GOOD), lambda: bare.expected_purchases(GOOD, 3), bare.as_dict,
        lambda: bare.standard_errors_, bare.confidence_intervals, lambda: bare.expected_since_first([1]),
        lambda: lifetime_value(bare, spend, GOOD, 39),
    )  # fmt: skip
    for call in calls:
        with pytest.raises(InputError, match=f"{model.__name__} is not fitted; call fit first"):
            call()
    empty = GammaGamma()
    for call in (
        lambda: empty.expected_value(GOOD),
        empty.as_dict,
        lambda: empty.params_,
        lambda: empty.mean_,
    ):
        with pytest.raises(InputError, match="GammaGamma is not fitted"):
            call()


def test_other_arguments():
    made = with_params(BetaGeo)
    with pytest.raises(InputError, match="most is -1"):
        made.purchase_counts(GOOD, 3, -1)
    for level in (0, 1, -0.5, math.nan):
        with pytest.raises(InputError, match="level is"):
            made.confidence_intervals(level)
    with pytest.raises(InputError, match="2 of 3 are negative, infinite or NaN"):
        made.expected_since_first([1.0, -1.0, math.nan])
