"""Random parameters and histories: probabilities, monotone expectations, one value in days and weeks."""

import math

import numpy as np
from clv_worlds import MODELS, as_summary, with_params
from hypothesis import Phase, given
from hypothesis import strategies as st
from soak import examples

from crm_ml.clv import GammaGamma, discounted_purchases, lifetime_value, months, value_with_interval

# The quadratures promise 1e-7 at the corners of the parameters' range; below 1e-200 nothing is compared.
DIGITS, NOTHING = 1e-6, 1e-200
params = st.tuples(*[st.floats(-6, 4)] * 4).map(np.exp)
history = st.tuples(st.sampled_from([0, 1, 2, 9, 70, 800]), st.floats(0, 1), st.floats(0.1, 500))
histories = st.lists(history, min_size=1, max_size=4).map(
    lambda rows: as_summary([(x, share * T if x else 0.0, T) for x, share, T in rows])
)
models = st.sampled_from(MODELS)
# a failure is shown as it is found: making it smaller takes minutes
some = examples(20, phases=[Phase.generate])


def made(model, values, unit="W"):
    return with_params(model, dict(zip(model.NAMES, values, strict=True)), unit)


def spend(p=6.25, above=2.74, v=15.4):
    """A fitted model of spend with given parameters."""
    rows = as_summary([(2, 1, 3), (1, 1, 3), (4, 2, 3)]).assign(monetary_value=[9.0, 4, 30])
    model = GammaGamma().fit(rows)
    model.theta_, model.covariance_ = np.log([p, above, v]), np.eye(3) / 100
    return model


def at_most(less, more):
    return (less <= more * (1 + DIGITS) + NOTHING).all()


@some
@given(models, params, histories)
def test_probabilities_are_probabilities(model, values, summary):
    found = made(model, values)
    assert found.probability_alive(summary).between(0, 1).all()
    once = found.probability_of_purchase(summary, 39.0)
    assert once.between(0, 1).all()
    counts = found.purchase_counts(summary, 39.0, 5)
    assert ((counts >= 0) & (counts <= 1)).all(axis=None)
    assert (counts.sum(axis=1) <= 1 + 1e-8).all()
    np.testing.assert_allclose(counts[0], 1 - once, rtol=0, atol=1e-8)
    assert (once <= found.expected_purchases(summary, 39.0) + 1e-8).all()


@some
@given(models, params, histories, st.floats(1e-3, 1e3), st.floats(1.0, 100.0))
def test_purchases_grow_with_the_horizon_and_never_faster(model, values, summary, horizon, times):
    found = made(model, values)
    less, more = (found.expected_purchases(summary, length) for length in (horizon, horizon * times))
    assert (less >= 0).all() and np.isfinite(more).all()
    assert at_most(less, more) and at_most(more, less * times)
    once, again = (found.probability_of_purchase(summary, length) for length in (horizon, horizon * times))
    assert (once <= again + 1e-8).all()


@some
@given(models, params, histories, st.floats(0.1, 200), st.floats(1, 20), st.floats(0.01, 1), st.floats(1, 5))
def test_value_grows_with_the_horizon_and_falls_with_the_discount(
    model, values, summary, horizon, times, rate, higher
):
    def worth(length, discount):
        found = discounted_purchases(made(model, values), summary, length, discount)
        assert (found >= 0).all() and np.isfinite(found).all()
        return found

    now, later, ever = (worth(length, rate) for length in (horizon, horizon * times, math.inf))
    assert at_most(now, later) and at_most(later, ever)
    assert at_most(worth(horizon, rate * higher), now) and at_most(now, worth(horizon, 0.0))


@some
@given(models, params, histories, st.floats(0, 0.5))
def test_a_year_is_one_value_in_days_and_weeks(model, values, summary, rate):
    weeks = made(model, values)
    longer = {name: value * (7 if name in model.TIMES else 1) for name, value in weeks.params_.items()}
    in_days = summary.assign(recency=summary["recency"] * 7, T=summary["T"] * 7)
    in_days.attrs["time_unit"] = "D"
    one = discounted_purchases(weeks, summary, months(12), rate)
    two = discounted_purchases(with_params(model, longer, "D"), in_days, months(12), rate)
    np.testing.assert_allclose(one, two, rtol=DIGITS, atol=NOTHING)
    year = weeks.expected_purchases(summary, 365.25 / 7)
    np.testing.assert_allclose(weeks.expected_purchases(summary, months(12)), year, rtol=1e-12)


@some
@given(models, params, histories, st.floats(0.1, 1e6), st.sampled_from([0.0, 0.2, 1.0]))
def test_money_and_margin_are_factors_and_the_interval_holds_the_value(model, values, summary, money, margin):
    found = made(model, values)
    paid = summary.assign(monetary_value=np.where(summary["frequency"] > 0, money, 0.0))
    table = value_with_interval(found, spend(v=money), paid, months(12), 0.1, margin)
    assert np.isfinite(table).all(axis=None) and (table >= 0).all(axis=None)
    assert (table["clv_low"] <= table["clv"]).all() and (table["clv"] <= table["clv_high"]).all()
    cents = paid.assign(monetary_value=paid["monetary_value"] * 100)
    hundredfold = lifetime_value(found, spend(v=money * 100), cents, months(12), 0.1, margin)
    np.testing.assert_allclose(hundredfold, table["clv"] * 100, rtol=1e-9, atol=NOTHING)
    whole = lifetime_value(found, spend(v=money), paid, months(12), 0.1)
    np.testing.assert_allclose(table["clv"], whole * margin, rtol=1e-12, atol=NOTHING)


@some
@given(
    st.floats(-5, 9),
    st.floats(-7, 7),
    st.floats(-9, 9),
    st.lists(st.tuples(st.integers(0, 400), st.floats(0.01, 1e7)), min_size=1),
)
def test_spend_lies_between_the_own_mean_and_that_of_all(p, above, v, rows):
    model = spend(math.exp(p), math.exp(above), math.exp(v))
    summary = as_summary([(n, 1.0 if n else 0.0, 2.0) for n, _ in rows])
    summary = summary.assign(monetary_value=[money for _, money in rows])
    found = model.expected_value(summary)
    own = summary["monetary_value"].where(summary["frequency"] > 0, model.mean_)
    assert (found >= np.minimum(own, model.mean_) * (1 - 1e-9)).all()
    assert (found <= np.maximum(own, model.mean_) * (1 + 1e-9)).all()
