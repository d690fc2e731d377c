"""A horizon of each customer: every value is that of the same horizon for all."""

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from clv_worlds import MODELS, simulate

from crm_ml.clv import (
    GammaGamma,
    MbgCnbdK,
    WithCovariates,
    discounted_purchases,
    lifetime_value,
    value_with_interval,
)
from crm_ml.errors import InputError

LENGTHS = (0.5, 13.0, 39.0, 400.0)


@pytest.fixture(scope="module")
def customers():
    summary = simulate(160, seed=2)
    joined = summary.assign(app=np.arange(len(summary)) % 3 == 0)
    joined.attrs = summary.attrs
    return joined


@pytest.fixture(scope="module", params=[*MODELS, "k", "covariates"], ids=str)
def model(request, customers):
    kinds = {"k": MbgCnbdK(k=2), "covariates": WithCovariates(MODELS[0](), ["app"], ["app"])}
    kind = request.param
    return (kinds[kind] if isinstance(kind, str) else kind()).fit(customers)


def each(customers):
    return np.array(LENGTHS)[np.arange(len(customers)) % len(LENGTHS)]


def test_each_value_is_that_of_its_horizon(model, customers):
    lengths, spend = each(customers), GammaGamma().fit(customers)
    asked = {
        "expected": lambda horizon: model.expected_purchases(customers, horizon),
        "once": lambda horizon: model.probability_of_purchase(customers, horizon),
        "twice": lambda horizon: model.purchase_counts(customers, horizon, 2)[2],
        "discounted": lambda horizon: discounted_purchases(model, customers, horizon, 0.1),
        "low": lambda horizon: value_with_interval(model, spend, customers, horizon, 0.1)["clv_low"],
        "value": lambda horizon: lifetime_value(model, spend, customers, horizon),
    }
    for name, ask in asked.items():
        found = ask(lengths)
        for length in LENGTHS:
            same = lengths == length
            np.testing.assert_allclose(found[same], ask(length)[same], rtol=1e-8, err_msg=name)
        assert found.index.equals(customers.index)


def test_a_series_goes_by_its_labels_and_times_by_their_unit(model, customers):
    lengths = pd.Series(each(customers), customers.index)
    found = model.expected_purchases(customers, lengths)
    for same in (
        lengths[::-1],
        lengths.tolist(),
        pd.to_timedelta(lengths * 7, unit="D"),
        [timedelta(weeks=length) for length in lengths],
    ):
        np.testing.assert_allclose(model.expected_purchases(customers, same), found, rtol=1e-12)
    some = model.expected_purchases(customers.iloc[3:9], lengths)
    pd.testing.assert_series_equal(some, found.iloc[3:9], check_exact=True)


def test_horizons_that_are_none_are_refused(model, customers):
    lengths = each(customers)
    with pytest.raises(InputError, match="horizon has 3 values for 160 customers; give one of each"):
        model.expected_purchases(customers, lengths[:3])
    for bad in (0.0, -1.0, np.nan):
        with pytest.raises(InputError, match="missing or not positive for 40 of 160 customers"):
            model.expected_purchases(customers, np.where(lengths == 0.5, bad, lengths))
    with pytest.raises(InputError, match="horizon is infinite; only lifetime_value takes that"):
        model.expected_purchases(customers, np.where(lengths == 0.5, np.inf, lengths))
    with pytest.raises(InputError, match="horizon is infinite and nothing is discounted"):
        discounted_purchases(model, customers, np.where(lengths == 0.5, np.inf, lengths))
    forever = discounted_purchases(model, customers, np.where(lengths == 0.5, np.inf, lengths), 0.1)
    same = discounted_purchases(model, customers, np.inf, 0.1)
    np.testing.assert_allclose(forever[lengths == 0.5], same[lengths == 0.5], rtol=1e-8)
