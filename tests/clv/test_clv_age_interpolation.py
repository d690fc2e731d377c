"""Values and slopes interpolated over age against the same without interpolation."""

import math

import numpy as np
import pytest
from clv_worlds import MODELS, PARAMS, as_summary, simulate, with_params
from soak import sample

from crm_ml.clv import GammaGamma, ModifiedBetaGeo, ParetoNBD
from crm_ml.clv.age_interpolation import by_age
from crm_ml.clv.purchase_histories import Histories
from crm_ml.clv.purchase_outlook import Outlook, log_if_alive
from crm_ml.clv.spend_summary import Spend

FORCE = math.log1p(0.1) * 7 / 365.25
WORLDS = [(model, PARAMS[model]) for model in MODELS] + [
    (ModifiedBetaGeo, {"r": 40.0, "alpha": 90.0, "a": 300.0, "b": 900.0}),
    (ParetoNBD, {"r": 1.4, "alpha": 9.6, "s": 36_000.0, "beta": 3e8}),
    (ParetoNBD, {"r": 0.1, "alpha": 230.0, "s": 2.2, "beta": 8e-4}),
]


def histories():
    """Ages from none to a hundred years, with purchases that fit them."""
    rng = np.random.default_rng(4)
    T = np.concatenate([[0.0, 1e-9], np.geomspace(1e-3, 5_000.0, 300)])
    x = np.where(T > 0, rng.poisson(rng.gamma(0.5, 20.0, len(T))), 0)
    last = np.where(x > 0, T * rng.beta(3, 1, len(T)), 0.0)
    return Histories.of(as_summary(np.array([x, last, T]).T))


def without(model, theta, some, length, force):
    """Discounted purchases of each history by itself."""
    alive, _ = model.alive_with_slopes(theta, some)
    return alive * np.exp(log_if_alive(model, 0, theta, some.x, some.T, length, force))


@pytest.mark.parametrize(("model", "params"), WORLDS)
@pytest.mark.parametrize("length", [52.0, *sample("lengths of values", (1e-3, math.inf), 1)])
def test_values_and_slopes_are_those_of_each_history_by_itself(model, params, length):
    made, some = with_params(model, params), histories()
    wanted = without(made, made.theta_, some, length, FORCE)
    np.testing.assert_allclose(Outlook(made, some, length, FORCE).discounted, wanted, rtol=1e-11)
    slopes = Outlook(made, some, length, FORCE).log_slopes
    for i, move in enumerate(np.eye(4) * 1e-4):
        up, down = (without(made, made.theta_ + side * move, some, length, FORCE) for side in (1, -1))
        np.testing.assert_allclose(slopes[i], np.log(up / down) / 2e-4, rtol=1e-6, atol=1e-7)


def test_few_ages_are_computed_for_many_customers():
    counted = []

    def quantity(x, T):
        counted.append(len(T))
        return np.array([np.exp(-x / (1 + T))])

    x, T = np.repeat([1, 2], 5_000), np.tile(np.linspace(0, 19.0, 5_000), 2)
    np.testing.assert_allclose(by_age(quantity, x, T, 1.0)[0], np.exp(-x / (1 + T)), rtol=1e-12)
    assert sum(counted) == 2 * 3 * 14  # two frequencies, ages from 0 to 19 in three ranges


@pytest.mark.parametrize("first", [False, True])
def test_slopes_of_spend_are_the_derivatives_of_its_logarithm(first):
    summary = simulate(300)
    made, spend = GammaGamma(first, largest_correlation=0.0).fit(summary), Spend.of(summary, first)
    slopes, theta = made.log_slopes(spend), made.theta_.copy()
    for i, move in enumerate(np.eye(3) * 1e-5):
        logs = []
        for side in (1, -1):
            made.theta_ = theta + side * move
            logs.append(np.log(made.expected(spend)))
        np.testing.assert_allclose(slopes[i], (logs[0] - logs[1]) / 2e-5, rtol=1e-7, atol=1e-9)
