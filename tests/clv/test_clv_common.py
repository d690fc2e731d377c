"""What every value model keeps to: input, bits, refits, JSON, batches, columns and units."""

import json
import math
import pickle

import numpy as np
import pandas as pd
import pytest
from clv_worlds import MODELS, simulate

from crm_ml.clv import GammaGamma, discounted_purchases, lifetime_value, months, value_with_interval
from crm_ml.errors import InputError

TERMS = [(months(12), 0.0), (months(12), 0.1), (math.inf, 0.1)]


@pytest.fixture(scope="module")
def customers():
    return simulate(120, seed=0)


def everything(model, value, summary):
    """All that can be asked, as columns."""
    found = {
        "alive": model.probability_alive(summary), "expected": model.expected_purchases(summary, 39.0),
        "once": model.probability_of_purchase(summary, months(1)), "value": value.expected_value(summary),
    }  # fmt: skip
    found |= {f"count {n}": column for n, column in model.purchase_counts(summary, 13.0, 4).items()}
    for horizon, rate in TERMS:
        found[f"det {horizon} {rate}"] = discounted_purchases(model, summary, horizon, rate)
    interval = value_with_interval(model, value, summary, *TERMS[0], 0.4)
    found |= dict(interval.items())
    return pd.DataFrame(found)


@pytest.fixture(scope="module", params=MODELS, ids=lambda model: model.__name__)
def asked(request, customers):
    model, value = request.param().fit(customers), GammaGamma(use_first_purchase=True).fit(customers)
    return model, value, everything(model, value, customers)


def test_the_input_is_not_changed(asked, customers):
    model, value, _ = asked
    before, attrs = customers.copy(deep=True), dict(customers.attrs)
    type(model)().fit(customers)
    GammaGamma().fit(customers)
    everything(model, value, customers)
    pd.testing.assert_frame_equal(customers, before)
    assert customers.attrs == attrs


def test_the_same_input_gives_the_same_bits(asked, customers):
    model, _, found = asked
    again = everything(
        type(model)().fit(customers), GammaGamma(use_first_purchase=True).fit(customers), customers
    )
    pd.testing.assert_frame_equal(again, found, check_exact=True)


def test_a_refit_forgets(asked, customers):
    model, value, found = asked
    other = simulate(400, seed=9, stop=0.5).assign(monetary_value=3.0)
    one, two = type(model)().fit(other), GammaGamma(use_first_purchase=True).fit(other)
    again = everything(one.fit(customers), two.fit(customers), customers)
    pd.testing.assert_frame_equal(again, found, check_exact=True)
    assert one.as_dict() == model.as_dict() and two.as_dict() == value.as_dict()


def test_a_refit_that_fails_leaves_the_model_as_it_was(asked, customers):
    model, value, found = asked
    other = simulate(200, seed=9)
    other.attrs["time_unit"] = "D"
    with pytest.raises(InputError):
        model.fit(other.assign(frequency=0, recency=0.0))
    with pytest.raises(InputError):
        value.fit(other.assign(monetary_value=0.0, first_value=0.0))
    pd.testing.assert_frame_equal(everything(model, value, customers), found, check_exact=True)


def test_json_keeps_every_bit(asked, customers):
    model, value, found = asked
    texts = [json.dumps(one.as_dict(), allow_nan=False) for one in (model, value)]
    assert all(len(text) < 10_000 for text in texts)
    one, two = type(model).from_dict(json.loads(texts[0])), GammaGamma.from_dict(json.loads(texts[1]))
    pd.testing.assert_frame_equal(everything(one, two, customers), found, check_exact=True)
    assert [json.dumps(back.as_dict()) for back in (one, two)] == texts
    assert one.params_ == model.params_ and one.standard_errors_ == pytest.approx(
        model.standard_errors_, nan_ok=True
    )
    assert two.params_ == value.params_ and two.independence_ == value.independence_


def test_json_keeps_parameters_at_a_bound(customers):
    model = MODELS[0]().fit(customers)
    model.covariance_[2] = model.covariance_[:, 2] = math.nan
    back = MODELS[0].from_dict(json.loads(json.dumps(model.as_dict(), allow_nan=False)))
    np.testing.assert_array_equal(back.covariance_, model.covariance_)
    spent = GammaGamma().fit(customers.assign(monetary_value=20.0))
    assert spent.record_.at_bound
    again = GammaGamma.from_dict(json.loads(json.dumps(spent.as_dict(), allow_nan=False)))
    np.testing.assert_array_equal(again.covariance_, spent.covariance_)


def test_pickle_keeps_every_bit(asked, customers):
    model, value, found = asked
    one, two = pickle.loads(pickle.dumps((model, value)))
    pd.testing.assert_frame_equal(everything(one, two, customers), found, check_exact=True)


@pytest.mark.parametrize("part", [slice(7, 8), slice(0, None, 3), slice(None, None, -1)])
def test_predictions_do_not_depend_on_the_batch(asked, customers, part):
    model, value, found = asked
    some = everything(model, value, customers.iloc[part])
    pd.testing.assert_frame_equal(some, found.iloc[part], check_exact=True)


def test_order_and_doubled_ids_keep_their_rows(asked, customers):
    model, value, found = asked
    doubled = pd.concat([customers, customers.head(5)])
    doubled.attrs = customers.attrs
    again = everything(model, value, doubled)
    pd.testing.assert_frame_equal(again, pd.concat([found, found.head(5)]), check_exact=True)
    clv = lifetime_value(model, value, doubled, months(12), 0.1)
    assert clv.name == "clv" and clv.index.equals(doubled.index)


def test_extra_columns_and_other_types_do_not_matter(asked, customers):
    model, value, found = asked
    other = customers.assign(name="x").astype({"frequency": float, "T": "Float64"})[list(customers)[::-1]]
    other.attrs = customers.attrs
    pd.testing.assert_frame_equal(everything(model, value, other), found, check_exact=True)


def test_information_criteria_and_intervals_of_parameters(asked):
    model = asked[0]
    assert model.aic_ == pytest.approx(8 - 2 * model.log_likelihood_)
    assert model.bic_ == pytest.approx(4 * math.log(120) - 2 * model.log_likelihood_)
    narrow, wide = model.confidence_intervals(0.5), model.confidence_intervals(0.99)
    known = {name: value for name, value in model.params_.items() if name not in model.record_.at_bound}
    assert len(known) >= 3
    for name, value in known.items():
        assert wide[name][0] < narrow[name][0] < value < narrow[name][1] < wide[name][1]
