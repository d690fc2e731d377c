"""Totals of customers: intervals that hold where parameters run to their bounds, and refusals."""

import math

import numpy as np
import pytest
from clv_worlds import PARAMS, as_summary, simulate, with_params

from crm_ml.clv import BetaGeo, GammaGamma, ModifiedBetaGeo, ParetoNBD
from crm_ml.clv.purchase_and_spend_model import Valuer
from crm_ml.clv.purchase_histories import Histories
from crm_ml.clv.totals import HorizonRefused, total_purchases, total_value
from crm_ml.clv.valuation_terms import Terms
from crm_ml.errors import InputError

ROWS = [(0, 0, 30), (1, 9, 38), (2, 20, 36), (5, 30, 35), (9, 30, 30), (3, 12, 39), (0, 0, 4)]


@pytest.mark.parametrize("model", [BetaGeo, ModifiedBetaGeo, ParetoNBD])
def test_drawn_futures_have_the_mean_and_the_zeros_of_the_model(model):
    fitted, histories = with_params(model), Histories.of(as_summary(ROWS))
    future = fitted.future(histories)
    drawn = np.mean([future.drawn(26.0, np.random.default_rng(seed)) for seed in range(2_000)], axis=0)
    assert drawn == pytest.approx(future.expected(26.0), rel=0.15, abs=0.05)


def test_an_interval_with_a_parameter_at_its_bound_is_wide():
    summary = simulate(count=80, seed=7, stop=0.0, T=8)  # nobody drops out, and 8 weeks say little of it
    model = ParetoNBD().fit(summary)
    assert model.record_.at_bound
    total = total_purchases(model, summary, 26.0, np.random.default_rng(0))
    assert total.expectation_high / total.expectation_low > 1.5
    assert total.prediction_low < total.expectation_low < total.expected
    assert total.expectation_high < total.prediction_high


@pytest.mark.slow
def test_with_many_customers_the_interval_is_that_of_the_fit():
    summary = simulate(count=3_000, seed=5)
    model = ParetoNBD().fit(summary)
    total = total_purchases(model, summary, 26.0, np.random.default_rng(0))
    assert total.expectation_high / total.expectation_low < 1.35
    assert total.expectation_low < total.expected < total.expectation_high
    assert total == total_purchases(model, summary, 26.0, np.random.default_rng(0))


def test_five_years_ahead_of_a_month_are_refused_with_how_far_it_can():
    summary = simulate(count=30, seed=6, T=4)
    with pytest.raises(HorizonRefused, match=r"next 261 weeks can't be said: .*at most 4 weeks.*; up to \d+"):
        total_purchases(BetaGeo().fit(summary), summary, 261.0, np.random.default_rng(0))


def test_money_has_the_chance_of_spend_and_the_errors_of_earlier_windows():
    summary = simulate(count=150, seed=7)
    valuer = Valuer("beta_geo", BetaGeo().fit(summary), GammaGamma().fit(summary))
    terms = Terms.of_months(6, 0.1, 0.5)
    total = total_value(valuer, summary, terms, np.random.default_rng(0))
    wider = total_value(valuer, summary, terms, np.random.default_rng(0), 2.0, [0.4, -0.4, 0.4])
    assert total.expected == pytest.approx(valuer.value(summary, terms).sum())
    assert wider.expected == pytest.approx(2 * total.expected)
    assert total.prediction_low < total.expectation_low < total.expectation_high < total.prediction_high
    assert wider.prediction_high / wider.prediction_low > 2 * total.prediction_high / total.prediction_low
    with pytest.raises(InputError, match="needs one that ends"):
        total_purchases(with_params(BetaGeo, PARAMS[BetaGeo]), summary, math.inf, np.random.default_rng(0))
