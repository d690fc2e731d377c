"""Static covariates: golden numbers of CLVTools, identities that must hold, recovery of known effects.

Golden numbers: Meierer, Bachmann, Naef, Schilter and Algesheimer (2026), "Estimating individual customer
lifetime values with R: the CLVTools package", and its vignette of advanced techniques, on 600 customers of an
apparel retailer. Their estimates stop a little before the maximum, on a flat ridge, and are printed with four
digits: 5e-3 holds for parameters and errors, 1e-3 for likelihoods.
"""

import json
import math
import pickle

import apparel
import numpy as np
import pandas as pd
import pytest
from clv_worlds import simulate as plain_customers
from clv_worlds import with_params
from covariate_worlds import COINS, DROPOUT, LIFETIMES, PURCHASES, covariates, simulate

import crm_ml
from crm_ml import datasets
from crm_ml.clv import (
    BetaGeo,
    GammaGamma,
    MbgCnbdK,
    ModifiedBetaGeo,
    ParetoNBD,
    WithCovariates,
    clv_pyfunc,
    discounted_purchases,
    months,
    profile_intervals,
    summarize,
    value_with_interval,
    with_attributes,
)
from crm_ml.clv.bootstrap import with_bootstrap_errors
from crm_ml.clv.clv_model import ClvModel
from crm_ml.clv.purchase_and_spend_model import Valuer
from crm_ml.clv.purchase_histories import Histories
from crm_ml.clv.purchase_outlook import Outlook
from crm_ml.clv.totals import total_purchases
from crm_ml.clv.valuation_terms import Terms
from crm_ml.clv.value_calibration import NO_TILT
from crm_ml.errors import InputError

BOTH = ["Gender", "Channel"]
GOLDEN = {
    "r": (1.8378, 0.3455),
    "alpha": (92.9123, 16.9670),
    "s": (0.5920, 0.2609),
    "beta": (49.6227, 36.2509),
    "purchases.Gender": (0.2859, 0.1041),
    "purchases.Channel": (0.6241, 0.1050),
    "dropout.Gender": (-0.6430, 0.2955),
    "dropout.Channel": (0.7907, 0.3059),
}
KINDS = pytest.mark.parametrize("kind", [BetaGeo, ModifiedBetaGeo, ParetoNBD])
TRUTH = {BetaGeo: COINS, ParetoNBD: LIFETIMES}


def fitted(kind, summary, purchases=("app", "age"), dropout=("app",)):
    return WithCovariates(kind(), purchases, dropout).fit(summary)


@pytest.fixture(scope="module")
def world():
    rng = np.random.default_rng(4)
    return simulate(LIFETIMES, covariates(600, rng), rng)


def test_golden_numbers_of_clvtools():
    summary = apparel.summary()
    plain = ParetoNBD().fit(summary)
    assert plain.log_likelihood_ == pytest.approx(-5848.097827, abs=1e-6)
    assert tuple(plain.params_.values()) == pytest.approx((1.4490, 48.6361, 0.5613, 46.8844), rel=2e-4)
    model = fitted(ParetoNBD, summary, BOTH, BOTH)
    assert model.log_likelihood_ == pytest.approx(-5821.0627, abs=1e-4)
    assert (model.aic_, model.bic_) == pytest.approx((11658.1254, 11693.3009), abs=1e-3)
    assert tuple(model.params_) == tuple(GOLDEN)
    for name, (value, error) in GOLDEN.items():
        assert model.params_[name] == pytest.approx(value, rel=5e-3), name
        assert model.standard_errors_[name] == pytest.approx(error, rel=5e-3), name


def test_predictions_are_those_of_clvtools_at_their_parameters():
    """Without covariates, fitted to all of the data: P(alive), purchases of 95 weeks, DERT at 7.5 %."""
    whole = summarize(apparel.lines(), "2010-12-21", "W")
    summary, model = whole.loc[["1", "10", "100"]], ParetoNBD().fit(whole)
    wanted = {
        "1": (0.007191623, 0.01300226, 0.06200625),
        "10": (0.836860928, 0.89770449, 4.28104733),
        "100": (0.922281780, 2.34558536, 11.18582123),
    }
    found = pd.DataFrame(
        {
            "alive": model.probability_alive(summary),
            "expected": model.expected_purchases(summary, 95.0),
            "for ever": discounted_purchases(model, summary, math.inf, 1.075 ** (365.25 / 364) - 1),
        }
    )
    for customer, values in wanted.items():
        assert tuple(found.loc[customer]) == pytest.approx(values, rel=2e-3), customer


@KINDS
def test_coefficients_of_0_give_the_likelihood_without_them_for_each_customer(kind, world):
    model = fitted(kind, world)
    bare = with_params(kind)
    theta = np.concatenate([bare.theta_, np.zeros(model.COEFFICIENTS)])
    histories, plain = model.histories_of(world), Histories.of(world)
    each, slopes = model.model.log_likelihood_each(model.each(theta, histories), histories)
    alone, alone_slopes = bare.log_likelihood_each(bare.theta_, plain)
    np.testing.assert_allclose(histories.for_each(each), plain.for_each(alone), rtol=1e-12)
    assert each @ histories.weight == pytest.approx(bare._log_likelihood(bare.theta_, plain)[0], rel=1e-12)
    np.testing.assert_allclose(
        slopes @ histories.weight, bare._log_likelihood(bare.theta_, plain)[1], rtol=1e-8
    )
    np.testing.assert_allclose(slopes @ histories.weight, alone_slopes @ plain.weight, rtol=1e-9)
    alive = model.alive_with_slopes(theta, histories)[0]
    np.testing.assert_allclose(
        histories.for_each(alive), bare.probability_alive(world), rtol=1e-12, atol=1e-300
    )
    future = model.future_at(theta, histories)
    expected = histories.for_each(future.expected(39.0))
    np.testing.assert_allclose(expected, bare.expected_purchases(world, 39.0), rtol=1e-9)
    counts = histories.for_each(future.counts(13.0, 3))
    np.testing.assert_allclose(counts, bare.purchase_counts(world, 13.0, 3), rtol=1e-9)


@KINDS
def test_customers_of_one_pattern_have_the_likelihood_of_its_parameters(kind, world):
    """With two patterns the likelihood is that of two models without covariates."""
    model = fitted(kind, world, ["app"], ["app"])
    theta, total = model.theta_, 0.0
    for app in (0, 1):
        part = world[world["app"] == app]
        own = theta[:4].copy()
        own[1] -= theta[4] * app
        if kind is ParetoNBD:
            own[3] -= theta[5] * app
        else:
            own[2:] += np.array([0.5, -0.5]) * theta[5] * app
        total += kind()._log_likelihood(own, Histories.of(part))[0]
        alone = with_params(kind, dict(zip(kind.NAMES, np.exp(own), strict=True)))
        for asked in (
            lambda m, p=part: m.expected_purchases(p, 20.0),
            lambda m, p=part: discounted_purchases(m, p, months(12), 0.1),
            lambda m, p=part: m.probability_of_purchase(p, 4.0),
        ):
            np.testing.assert_allclose(asked(model), asked(alone), rtol=1e-9)
    assert model.log_likelihood_ == pytest.approx(total, rel=1e-12)


@KINDS
def test_the_gradient_is_that_of_the_likelihood(kind, world):
    model = fitted(kind, world)
    histories, theta = model.histories_of(world), model.theta_ + 0.1
    _, slope = model._log_likelihood(theta, histories)
    steps = 1e-5 * np.eye(len(theta))
    moved = [[model._log_likelihood(theta + sign * step, histories)[0] for sign in (1, -1)] for step in steps]
    np.testing.assert_allclose(slope, [(up - down) / 2e-5 for up, down in moved], rtol=1e-5)


def test_slopes_of_values_are_those_of_values(world):
    model = fitted(BetaGeo, world)
    histories = model.histories_of(world)
    found = Outlook(model, histories, 52.0, 0.002).log_slopes
    for place in range(len(model.NAMES)):
        logs = []
        for sign in (1, -1):
            moved = WithCovariates.read(BetaGeo(), model.as_dict())
            moved.theta_ = model.theta_ + sign * 1e-4 * np.eye(len(model.NAMES))[place]
            logs.append(np.log(Outlook(moved, histories, 52.0, 0.002).discounted))
        np.testing.assert_allclose(found[place], (logs[0] - logs[1]) / 2e-4, atol=1e-6)


@KINDS
def test_more_covariates_than_needed_change_nothing(kind, world):
    """Further columns; one that is the same for all; and one that follows from another."""
    model = fitted(kind, world)
    more = world.assign(other=range(len(world)), shop="main", twice=world["age"] * 2 + 1)
    more.attrs = world.attrs
    same = fitted(kind, more)
    assert same.as_dict() == model.as_dict()
    flat = fitted(kind, more.assign(one=1.0), ["app", "age", "one", "twice"], ["app", "one"])
    assert flat.log_likelihood_ == pytest.approx(model.log_likelihood_, abs=1e-6)
    assert math.isnan(flat.standard_errors_["purchases.one"])
    np.testing.assert_allclose(
        flat.expected_purchases(more.assign(one=1.0), 20.0), model.expected_purchases(world, 20.0), rtol=1e-4
    )


@pytest.mark.parametrize("kind", [BetaGeo, ParetoNBD])
def test_known_effects_are_recovered(kind):
    """A sample of the worlds of experiments/002_clv/covariate_coverage.py."""
    rng = np.random.default_rng(11)
    summary = simulate(TRUTH[kind], covariates(4000, rng), rng)
    model = fitted(kind, summary)
    truth = TRUTH[kind] | {f"purchases.{name}": size for name, size in PURCHASES.items()}
    truth |= {f"dropout.{name}": size for name, size in DROPOUT.items()}
    for name, value in truth.items():
        low, high = model.confidence_intervals(0.999)[name]
        assert low < value < high, name
    assert model.standard_errors_["purchases.age"] < 0.04
    assert model.log_likelihood_ > kind().fit(summary).log_likelihood_ + 50


def test_errors_of_bootstrap_and_profile_agree_with_those_of_the_hessian(world):
    model = fitted(ParetoNBD, world)
    drawn = with_bootstrap_errors(model, world, 40, np.random.default_rng(0))
    for name in ("purchases.app", "purchases.age"):
        ratio = drawn.standard_errors_[name] / model.standard_errors_[name]
        assert 0.7 < ratio < 1.4, name
        low, high = profile_intervals(model, world)[name]
        wald = model.confidence_intervals()[name]
        assert (low, high) == pytest.approx(wald, abs=0.1 * (wald[1] - wald[0]))
    total = total_purchases(model, world, 20.0, np.random.default_rng(0))
    assert total.expectation_low < total.expected < total.expectation_high


def test_many_patterns_are_predicted_as_few_are(world):
    model = fitted(BetaGeo, world, ["app"], ["app"])
    values = value_with_interval(model, GammaGamma().fit(plain_customers()), spend(world), months(12), 0.1)
    model.few_patterns_ = False  # each history by itself, not by the polynomials of its pattern
    alone = value_with_interval(model, GammaGamma().fit(plain_customers()), spend(world), months(12), 0.1)
    np.testing.assert_allclose(alone, values, rtol=1e-8)
    assert not fitted(BetaGeo, world).few_patterns_


def spend(summary):
    paid = summary.assign(monetary_value=np.where(summary["frequency"] > 0, 20.0, 0.0))
    paid.attrs = summary.attrs
    return paid


@pytest.mark.parametrize("names", [["app"], ["app", "age"]])
@pytest.mark.parametrize("part", [slice(7, 8), slice(0, None, 3), slice(None, None, -1)])
def test_predictions_do_not_depend_on_the_batch(names, part, world):
    model, value = fitted(ParetoNBD, world, names), GammaGamma().fit(plain_customers())
    asked = value_with_interval(model, value, spend(world), months(12), 0.1)
    some = value_with_interval(model, value, spend(world).iloc[part], months(12), 0.1)
    pd.testing.assert_frame_equal(some, asked.iloc[part], check_exact=True)


def test_json_and_pickle_keep_every_bit(world):
    model = fitted(ParetoNBD, world.assign(channel=np.where(world["age"] > 0, "shop", "web")), ["channel"])
    known = world.assign(channel="shop")
    back = WithCovariates.read(ParetoNBD(), json.loads(json.dumps(model.as_dict(), allow_nan=False)))
    for other in (back, pickle.loads(pickle.dumps(model))):
        assert other.params_ == model.params_
        pd.testing.assert_series_equal(
            other.expected_purchases(known, 9.0), model.expected_purchases(known, 9.0), check_exact=True
        )


def test_texts_are_compared_to_their_first_and_unknown_ones_are_of_the_mean(world):
    channel = np.where(world["age"] > 0, "shop", "app")
    summary = world.assign(channel=channel)
    summary.attrs = world.attrs
    model = fitted(BetaGeo, summary, ["channel"], [])
    assert model.NAMES[4:] == ("purchases.channel=shop",)
    number = fitted(BetaGeo, summary.assign(shop=channel == "shop"), ["shop"], [])
    assert model.log_likelihood_ == number.log_likelihood_
    share = (channel == "shop").mean()
    theirs = number.expected_purchases(summary.assign(shop=share), 9.0)
    for unknown in ("kiosk", None):
        ours = model.expected_purchases(summary.assign(channel=unknown), 9.0)
        np.testing.assert_allclose(ours, theirs, rtol=1e-9)
    mean = model.expected_since_first([20.0])[0]
    ends = [model.expected_of({"channel": each}, [20.0])[0] for each in ("app", "shop")]
    assert min(ends) < mean < max(ends)


def test_what_can_not_be_a_covariate_is_refused(world):
    holes = world.assign(age=world["age"].where(world["age"] > 0), when=pd.Timestamp("2024-01-01"))
    with pytest.raises(InputError, match=r"none is missing; age is missing, infinite .* in \d+ of 600 rows"):
        fitted(BetaGeo, holes, ["none", "age"])
    with pytest.raises(InputError, match=r"when is datetime64.*; give numbers, booleans or texts"):
        fitted(BetaGeo, holes, ["when"], [])
    many = world.assign(name=[f"name {row}" for row in range(len(world))])
    with pytest.raises(InputError, match="name has 600 texts, above 30; join them to fewer"):
        fitted(BetaGeo, many, ["name"], [])
    with pytest.raises(InputError, match="MbgCnbdK takes no covariates; BetaGeo, ModifiedBetaGeo, ParetoNBD"):
        fitted(MbgCnbdK, world)
    with pytest.raises(InputError, match="no covariate varies; name columns in purchases or dropout"):
        WithCovariates(BetaGeo()).fit(world)
    with pytest.raises(InputError, match="the covariates age are missing; add them as columns"):
        fitted(BetaGeo, world).probability_alive(world.drop(columns="age"))
    with pytest.raises(InputError, match="the covariate age is str, but was a number at the fit"):
        fitted(BetaGeo, world).probability_alive(world.assign(age="old"))
    with pytest.raises(InputError, match="not fitted"):
        WithCovariates(BetaGeo(), ["app"]).expected_since_first([1.0])


def test_a_model_of_attributes_is_saved_scored_and_valued_as_it_was(tmp_path):
    shop = datasets.load("simulated", customers=400, seed=0)
    plain = summarize(shop, "2024-12-29", with_first_value=True)
    summary = with_attributes(plain, shop, ["acquired_through", "price_band"])
    assert summary.attrs == plain.attrs
    assert list(summary)[-2:] == ["acquired_through", "price_band"]
    purchases = fitted(BetaGeo, summary, ["acquired_through"], ["acquired_through"])
    model = ClvModel.of(
        Valuer("beta_geo", purchases, GammaGamma().fit(summary)), Terms.of_months(12, 0.1, 1.0), summary,
        NO_TILT, None,
    )  # fmt: skip
    assert model.covariates == ("acquired_through",)
    assert clv_pyfunc.covariate_inputs(model) == {"acquired_through": "string"}
    model.save(tmp_path)
    again = ClvModel.load(tmp_path).predict(summary)
    pd.testing.assert_frame_equal(again, model.predict(summary), check_exact=True)
    with pytest.raises(InputError, match=r"no attribute colour; there are .*acquired_through"):
        with_attributes(plain, shop, ["colour"])
    with pytest.raises(InputError, match="price_band is a column already"):
        with_attributes(summary, shop, ["price_band"])


@pytest.mark.slow
def test_a_run_takes_attributes_of_customers_and_scores_by_them():
    shop = datasets.load("simulated", customers=500, seed=0)
    known = {"purchases": ["acquired_through"], "dropout": ["acquired_through"]}
    candidates = [{"purchases": "pareto_nbd", "covariates": known}]
    settings = {"split.validation": ["2024-08-11"], "candidates": candidates, "challenger": None}
    fit = crm_ml.fit("clv", shop, horizon_days=56, interval_replicates=20, settings=settings)
    assert all(gate.passed for gate in fit.gates if gate.name == "no leak")
    scores = fit.predict()
    summary = with_attributes(
        summarize(shop, fit.config.register_as.as_of, with_first_value=True), shop, ["acquired_through"]
    )
    fresh = fitted(ParetoNBD, summary, ["acquired_through"], ["acquired_through"])
    alive = fresh.probability_alive(summary)  # fitted to all; the run learned of those who consented
    assert np.corrcoef(scores["p_alive"], alive)[0, 1] > 0.999
    assert np.corrcoef(scores["p_alive"], ParetoNBD().fit(summary).probability_alive(summary))[0, 1] < 0.999
    assert fit.plot_p_alive_matrix().axes


def test_the_curve_of_all_is_the_sum_of_its_patterns(world):
    model = fitted(ParetoNBD, world, ["app"], ["app"])
    parts = model.cohorts(world)
    assert [int(rows.sum()) for _, rows in parts] in (
        [int(world["app"].sum()), int((~world["app"]).sum())],
        [int((~world["app"]).sum()), int(world["app"].sum())],
    )
    for part, rows in parts:
        app = bool(world["app"][rows].iloc[0])
        assert part.expected_since_first([30.0]) == pytest.approx(
            model.expected_of({"app": app}, [30.0]), rel=1e-12
        )
