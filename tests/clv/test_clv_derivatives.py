"""Slopes and curvature of the four likelihoods, changes of unit, and equal rows judged once."""

import numpy as np
import pandas as pd
import pytest
from clv_worlds import MODELS, simulate

import crm_ml.clv.purchase_likelihood
from crm_ml.clv import BetaGeo, GammaGamma, ModifiedBetaGeo, ParetoNBD, lifetime_value, months
from crm_ml.clv.maximum_likelihood import NotConverged, maximise
from crm_ml.clv.purchase_histories import Histories
from crm_ml.clv.spend_likelihood import log_likelihood
from crm_ml.clv.spend_summary import Spend

POINTS = ((0.5, 0.3, 0.8, 2.5), (2.0, 1.4, 0.2, 0.4), (0.05, 20.0, 3.0, 40.0))
SAME = 1e-9  # rounding of the search: the last step of Newton's method is below it


def slopes(function, theta, step=1e-5):
    """Central differences; their error is about step ** 2."""
    found = []
    for i in range(len(theta)):
        move = np.eye(len(theta))[i] * step
        found.append((function(theta + move)[0] - function(theta - move)[0]) / (2 * step))
    return np.array(found)


@pytest.fixture(scope="module")
def customers():
    return simulate(500)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("point", POINTS)
def test_gradients_of_purchases(model, point, customers):
    histories = Histories.of(customers).scaled(30.0)

    def value(theta):
        return model()._log_likelihood(theta, histories)

    theta = np.log(point)
    gradient = value(theta)[1]
    np.testing.assert_allclose(gradient, slopes(value, theta), rtol=1e-6, atol=1e-6 * np.abs(gradient).max())


@pytest.mark.parametrize("point", [(6.0, 2.7, 15.0), (0.3, 0.1, 200.0), (80.0, 40.0, 0.5)])
@pytest.mark.parametrize("first", [False, True])
def test_gradient_of_spend(point, first, customers):
    known = Spend.of(customers, first).known()
    theta = np.log(point)
    gradient = log_likelihood(theta, known)[1]
    wanted = slopes(lambda at: log_likelihood(at, known), theta)
    np.testing.assert_allclose(gradient, wanted, rtol=1e-6, atol=1e-6 * np.abs(gradient).max())


@pytest.mark.parametrize("model", MODELS)
def test_the_end_is_a_maximum_and_covariance_its_curvature(model, customers):
    found, histories = model().fit(customers), Histories.of(customers)

    def value(theta):
        return model()._log_likelihood(theta, histories)

    assert np.abs(value(found.theta_)[1]).max() < 1e-5
    rows = [
        (value(found.theta_ + move)[1] - value(found.theta_ - move)[1]) / 2e-4 for move in np.eye(4) * 1e-4
    ]
    np.testing.assert_allclose(np.linalg.inv(-np.array(rows)), found.covariance_, rtol=1e-4)
    for move in np.random.default_rng(1).normal(0, 0.05, (20, 4)):
        assert value(found.theta_ + move)[0] < found.log_likelihood_


def answers(model, summary, unit_of_time=1.0):
    found = {"alive": model.probability_alive(summary)}
    found["expected"] = model.expected_purchases(summary, 39 * unit_of_time)
    found["once"] = model.probability_of_purchase(summary, 13 * unit_of_time)
    return pd.DataFrame(found)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("factor", [7.0, 1 / 1000])
def test_another_unit_of_time(model, factor, sample):
    one, other = (
        model().fit(sample),
        sample.assign(recency=sample["recency"] * factor, T=sample["T"] * factor),
    )
    two = model().fit(other)
    for name in model.NAMES:
        scale = factor if name in model.TIMES else 1.0
        assert two.params_[name] == pytest.approx(one.params_[name] * scale, rel=SAME), name
        assert two.standard_errors_[name] == pytest.approx(one.standard_errors_[name] * scale, rel=1e-6), name
    np.testing.assert_allclose(answers(two, other, factor), answers(one, sample), rtol=SAME)
    repeats = int(sample["frequency"].sum())  # each density of a time is per unit of it
    assert two.log_likelihood_ == pytest.approx(one.log_likelihood_ - repeats * np.log(factor), rel=SAME)


@pytest.mark.parametrize("model", MODELS)
def test_days_and_weeks_give_one_value(model, sample, sample_in_days, spend):
    weeks, days = model().fit(sample), model().fit(sample_in_days)
    for discount in (0.0, 0.1):
        one = lifetime_value(weeks, spend, sample, months(12), discount)
        two = lifetime_value(days, spend, sample_in_days, months(12), discount)
        np.testing.assert_allclose(one, two, rtol=SAME)


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("factor", [1e9, 1e-3])
def test_another_currency(first, factor, sample):
    other = sample.assign(**{name: sample[name] * factor for name in ("monetary_value", "first_value")})
    one, two = (GammaGamma(use_first_purchase=first).fit(rows) for rows in (sample, other))
    for name, scale in (("p", 1.0), ("q", 1.0), ("v", factor)):
        assert two.params_[name] == pytest.approx(one.params_[name] * scale, rel=SAME), name
    np.testing.assert_allclose(two.expected_value(other), one.expected_value(sample) * factor, rtol=SAME)


@pytest.mark.parametrize("model", MODELS)
def test_repeated_and_permuted_rows(model, customers):
    whole = model().fit(customers)
    mixed = pd.concat([customers] * 3, ignore_index=True).sample(frac=1, random_state=5)
    again = model().fit(mixed)
    assert again.log_likelihood_ == pytest.approx(3 * whole.log_likelihood_, rel=1e-12)
    assert tuple(again.params_.values()) == pytest.approx(tuple(whole.params_.values()), rel=1e-12)
    turned = model().fit(customers.iloc[::-1])
    assert turned.params_ == whole.params_ and turned.log_likelihood_ == whole.log_likelihood_
    assert len(Histories.of(mixed).x) == len(Histories.of(customers).x)


def test_equal_histories_are_one_row_and_weights_count_customers():
    rows = pd.DataFrame({"frequency": [2, 0, 2, 2], "recency": [5.0, 0, 5, 6], "T": [9.0, 9, 9, 9]})
    found = Histories.of(rows)
    assert found.x.tolist() == [0, 2, 2] and found.t_x.tolist() == [0, 5, 6]
    assert found.weight.tolist() == [1, 2, 1] and found.row.tolist() == [1, 0, 1, 2]
    each = BetaGeo()._log_likelihood(np.log(POINTS[0]), found)[0]
    assert each == pytest.approx(
        sum(BetaGeo()._log_likelihood(np.log(POINTS[0]), Histories.of(rows.iloc[[i]]))[0] for i in range(4)),
        rel=1e-12,
    )


@pytest.mark.parametrize("model", [BetaGeo, ModifiedBetaGeo, ParetoNBD])
def test_starting_on_some_of_many_histories_ends_at_the_same_maximum(monkeypatch, model, sample):
    whole = model().fit(sample)
    monkeypatch.setattr(crm_ml.clv.purchase_likelihood, "SEARCH_ROWS", 150)
    assert len(Histories.of(sample).x) > 2 * 150
    some = model().fit(sample)
    assert tuple(some.params_.values()) == pytest.approx(tuple(whole.params_.values()), rel=1e-7)
    assert some.log_likelihood_ == pytest.approx(whole.log_likelihood_, rel=1e-13)


def test_a_likelihood_without_maximum_is_refused():
    with pytest.raises(NotConverged, match="not finite from any of 2 starts"):
        maximise(lambda theta: (float("nan"), theta), ("a",), [(0.0,), (1.0,)], 10.0)
    with pytest.raises(NotConverged, match=r"slope of 1 where the search ended"):  # a gradient that lies
        maximise(lambda theta: (-float(theta[0]), np.ones(1)), ("a",), [(0.0,)], 10.0)


def test_a_flat_direction_holds_one_parameter():
    """Only the sum of both logarithms is known: one of them gets no error, the other that of the sum."""
    fit = maximise(
        lambda at: (-((at.sum() - 1) ** 2), -2 * (at.sum() - 1) * np.ones(2)), ("a", "b"), [(0.0, 0.0)], 50.0
    )
    errors = np.sqrt(np.diag(fit.covariance))
    assert np.isnan(errors).sum() == 1 and np.nanmax(errors) == pytest.approx(0.1, rel=1e-6)


def test_a_parameter_without_a_limit_stops_at_the_bound():
    fit = maximise(lambda at: (float(-np.exp(-at[0] / 3)), np.exp(-at / 3) / 3), ("a",), [(0.0,)], 50.0)
    assert fit.record.at_bound == ("a",) and np.isnan(fit.covariance[0, 0])
