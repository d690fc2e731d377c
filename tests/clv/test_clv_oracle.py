"""The fitters of lifetimes at the same parameters, which agree with 60-digit arithmetic to 1e-6 if finite."""

import numpy as np
import pytest
from clv_worlds import MODELS, PARAMS, as_summary, fitter, quiet, with_params

from crm_ml.clv import BetaGeo, GammaGamma, ModifiedBetaGeo, ParetoNBD
from crm_ml.clv.purchase_histories import Histories
from crm_ml.clv.spend_likelihood import log_likelihood
from crm_ml.clv.spend_summary import Spend

DIGITS = 1e-6
HISTORIES = [
    (0, 0, 5),
    (0, 0, 38.86),
    (1, 1.71, 38.86),
    (2, 30.43, 38.86),
    (12, 20, 38),
    (29, 37, 38.5),
    (3, 38, 38),
]
MORE = [
    {BetaGeo: {"r": 2.5, "alpha": 1.3, "a": 1.7, "b": 0.9}},
    {ModifiedBetaGeo: {"r": 1.5, "alpha": 20.0, "a": 0.3, "b": 0.8}},
    {ParetoNBD: {"r": 2.1, "alpha": 3.2, "s": 1.8, "beta": 40.0}},
    {ParetoNBD: {"r": 0.4, "alpha": 30.2, "s": 0.2, "beta": 2.0}},
]
CASES = [(model, PARAMS[model]) for model in MODELS] + [case for some in MORE for case in some.items()]
IDS = [f"{model.__name__}-{params['r']}" for model, params in CASES]
cases = pytest.mark.parametrize(("model", "params"), CASES, ids=IDS)


@pytest.fixture(scope="module")
def few():
    return as_summary(HISTORIES)


def columns(summary):
    return tuple(summary[name].to_numpy(float) for name in ("frequency", "recency", "T"))


@cases
def test_log_likelihood(model, params, sample):
    theirs, (x, t_x, T) = fitter(model, params), columns(sample)
    values = np.array(list(params.values()))
    given = values if model is ParetoNBD else np.log(values)
    with quiet():
        if model is ParetoNBD:
            wanted = theirs._conditional_log_likelihood(given, x, t_x, T).sum()
        else:
            wanted = -theirs._negative_log_likelihood(given, x, t_x, T, np.ones(len(x)), 0) * len(x)
    found = with_params(model, params)._log_likelihood(np.log(values), Histories.of(sample))[0]
    assert found == pytest.approx(wanted, rel=DIGITS)


@cases
@pytest.mark.parametrize("horizon", [0.5, 39.0, 300.0])
def test_expected_purchases(model, params, few, horizon):
    with quiet():
        wanted = fitter(model, params).conditional_expected_number_of_purchases_up_to_time(
            horizon, *columns(few)
        )
    found = with_params(model, params).expected_purchases(few, horizon)
    np.testing.assert_allclose(found, wanted, rtol=DIGITS)


@cases
def test_probability_alive(model, params, few):
    with quiet():
        wanted = np.ravel(fitter(model, params).conditional_probability_alive(*columns(few)))
    np.testing.assert_allclose(with_params(model, params).probability_alive(few), wanted, rtol=DIGITS)


@cases
def test_expected_purchases_of_a_new_customer(model, params):
    times = [0, 0.3, 4, 39, 200]
    with quiet():
        theirs = fitter(model, params)
        wanted = [float(theirs.expected_number_of_purchases_up_to_time(t)) if t else 0.0 for t in times]
    np.testing.assert_allclose(with_params(model, params).expected_since_first(times), wanted, rtol=DIGITS)


@pytest.mark.parametrize("params", [p for model, p in CASES if model is ParetoNBD])
def test_count_distribution_of_pareto(params, few):
    """Where lifetimes keeps its digits: counts up to 9 of customers with few purchases."""
    some = few[few["frequency"] <= 3]
    found = with_params(ParetoNBD, params).purchase_counts(some, 39, 9).to_numpy()
    theirs = fitter(ParetoNBD, params)
    for n in range(10):
        with quiet():
            wanted = [
                float(theirs.conditional_probability_of_n_purchases_up_to_time(n, 39, *row))
                for row in zip(*columns(some), strict=True)
            ]
        np.testing.assert_allclose(found[:, n], wanted, rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("params", [p for model, p in CASES if model is BetaGeo])
def test_count_distribution_of_a_new_customer_of_beta_geo(params):
    """Lifetimes has it for new customers only: those of age 0."""
    found = with_params(BetaGeo, params).purchase_counts(as_summary([(0, 0, 0)]), 39, 9).to_numpy()[0]
    with quiet():
        theirs = fitter(BetaGeo, params)
        wanted = [float(theirs.probability_of_n_purchases_up_to_time(39, n)) for n in range(10)]
    np.testing.assert_allclose(found, wanted, rtol=DIGITS, atol=1e-12)


@pytest.mark.parametrize("model", MODELS)
def test_fits_reach_the_likelihood_of_lifetimes(model, fitted, sample):
    with quiet():
        theirs = fitter(model).fit(*columns(sample), penalizer_coef=0)
    params = np.log([theirs.params_[name] for name in model.NAMES])
    there = fitted[model]._log_likelihood(params, Histories.of(sample))[0]
    assert fitted[model].log_likelihood_ >= there - 1e-9 * abs(there)
    assert fitted[model].log_likelihood_ == pytest.approx(there, abs=0.01)


def test_standard_errors_of_beta_geo(fitted, sample):
    """Lifetimes differentiates in another scale of time; 1e-3 is what its numerical Hessian gives."""
    with quiet():
        theirs = fitter(BetaGeo).fit(*columns(sample), penalizer_coef=0)
    found = fitted[BetaGeo].standard_errors_
    for name in ("r", "a", "b", "alpha"):
        assert found[name] == pytest.approx(float(theirs.standard_errors_[name]), rel=1e-3), name


def test_gamma_gamma(sample):
    params = {"p": 6.25, "q": 3.744, "v": 15.44}
    theta = np.log([params["p"], params["q"] - 1, params["v"]])
    known = sample[sample["frequency"] > 0]
    x, mean = known["frequency"].to_numpy(float), known["monetary_value"].to_numpy()
    with quiet():
        import lifetimes
        import pandas as pd

        theirs = lifetimes.GammaGammaFitter()
        theirs.params_ = pd.Series(params)
        total = -theirs._negative_log_likelihood(
            np.log(list(params.values())), x, mean, np.ones(len(x)), 0
        ) * len(x)
        value = theirs.conditional_expected_average_profit(
            sample["frequency"].astype(float), sample["monetary_value"]
        )
    assert log_likelihood(theta, Spend.of(sample, False).known())[0] == pytest.approx(total, rel=DIGITS)
    model = GammaGamma().fit(sample)
    model.theta_ = theta
    found = model.expected(Spend.of(sample, False))
    np.testing.assert_allclose(found, value, rtol=DIGITS)
