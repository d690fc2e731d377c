"""Priors and penalty: golden numbers of CLVTools, the gradient, their effect, and that none is none."""

import json

import apparel
import numpy as np
import pandas as pd
import pytest
from clv_worlds import MODELS, PARAMS, simulate

from crm_ml.clv import BetaGeo, BetaGeoBetaBinom, MbgCnbdK, ParetoNBD, WithCovariates, generate, prior_effect
from crm_ml.clv.bootstrap import bootstrap
from crm_ml.clv.parameter_priors import prior_of
from crm_ml.errors import InputError

BOTH = ["Gender", "Channel"]
REGULARISED = {  # vignette of advanced techniques of CLVTools, lambdas .1 of trans and .2 of life
    "r": 1.73887,
    "alpha": 69.85288,
    "s": 0.53350,
    "beta": 39.68346,
    "purchases.Gender": 0.17178,
    "purchases.Channel": 0.23676,
    "dropout.Gender": -0.04437,
    "dropout.Channel": 0.02465,
}


@pytest.fixture(scope="module")
def cohort():
    return simulate(400, seed=3)


def test_golden_penalty_of_clvtools():
    """Their search stops a little early, as in the fit without a penalty: 2e-3."""
    model = WithCovariates(ParetoNBD(), BOTH, BOTH, penalty=(0.1, 0.2)).fit(apparel.summary())
    for name, value in REGULARISED.items():
        assert model.params_[name] == pytest.approx(value, rel=2e-3), name
    squares = 0.1 * model.theta_[4:6] @ model.theta_[4:6] + 0.2 * model.theta_[6:] @ model.theta_[6:]
    assert model.log_likelihood_ / 600 - squares == pytest.approx(-9.7313, abs=5e-5)


def test_a_penalty_draws_coefficients_to_0_and_0_is_none():
    summary = apparel.summary()
    sizes = []
    for penalty in (0.0, 0.01, 1.0, 100.0):
        model = WithCovariates(BetaGeo(), BOTH, BOTH, penalty=penalty).fit(summary)
        sizes.append(np.abs(model.theta_[4:]).max())
        assert (
            WithCovariates.read(BetaGeo(), json.loads(json.dumps(model.as_dict()))).params_ == model.params_
        )
    assert sizes == sorted(sizes, reverse=True) and sizes[-1] < 1e-2
    plain = WithCovariates(BetaGeo(), BOTH, BOTH).fit(summary)
    same = WithCovariates(BetaGeo(), BOTH, BOTH, penalty=0.0).fit(summary)
    assert same.as_dict() == plain.as_dict()


@pytest.mark.parametrize("names", [("r", "alpha", "a", "b"), ("r", "alpha", "s", "beta", "x", "y")])
def test_the_gradient_of_the_prior(names):
    theta = np.linspace(-1.3, 2.1, len(names))
    steps = 1e-6 * np.eye(len(names))
    moved = [(prior_of(names, theta + s)[0] - prior_of(names, theta - s)[0]) / 2e-6 for s in steps]
    np.testing.assert_allclose(prior_of(names, theta)[1], moved, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("kind", MODELS)
def test_of_a_small_cohort_the_prior_is_told_and_of_a_large_one_it_fades(kind):
    ahead, ages = {}, np.random.default_rng(1).uniform(20, 60, 6_000)
    known = kind.of_params(PARAMS[kind], "W")
    drawn = generate(known, ages, np.random.default_rng(2)).summary
    for size in (60, 6_000):
        some = drawn.iloc[:size]
        model = kind(prior="weak").fit(some)
        table = prior_effect(model, some)
        assert list(table.index) == list(kind.NAMES)
        assert table["with_prior"].to_dict() == model.params_
        assert table.attrs["log_likelihood_lost"] >= 0
        plain = kind().fit(some)
        np.testing.assert_allclose(table["without"], list(plain.params_.values()))
        ahead[size] = model.expected_purchases(some, 39).sum() / plain.expected_purchases(some, 39).sum()
        assert model.prior is not None and plain.prior is None
        assert kind.from_dict(json.loads(json.dumps(model.as_dict(), allow_nan=False))).prior == "weak"
        assert "prior" not in plain.as_dict()
    assert abs(np.log(ahead[6_000])) < 0.05


def test_where_the_likelihood_has_no_end_the_prior_gives_one():
    """Nobody drops out: the likelihood of BG/NBD is flat along a and b."""
    rows = simulate(80, seed=1, stop=0.0)
    rows = rows.assign(recency=rows["T"].where(rows["frequency"] > 0, 0.0))
    plain, model = BetaGeo().fit(rows), BetaGeo(prior="weak").fit(rows)
    assert np.isnan(list(plain.standard_errors_.values())).any() and not model.record_.at_bound
    assert np.isfinite(list(model.standard_errors_.values())).all()
    drawn = bootstrap(model, rows, 10, np.random.default_rng(0))
    assert np.isfinite(drawn.to_numpy()).all()


def test_other_models_take_it_and_nonsense_is_refused(cohort):
    model = MbgCnbdK(k=2, prior="weak").fit(cohort)
    assert prior_effect(model, cohort)["moved"].abs().max() < 3
    joined = cohort.assign(app=np.arange(len(cohort)) % 2)
    joined.attrs = cohort.attrs
    known = WithCovariates(BetaGeo(), ["app"], ["app"], prior="weak").fit(joined)
    assert list(prior_effect(known, joined).index) == list(known.NAMES)
    gifts = pd.DataFrame({"frequency": [0, 1, 3, 0, 2], "recency": [0, 1, 5, 0, 6], "T": 6})
    assert not BetaGeoBetaBinom(prior="weak").fit(gifts).record_.at_bound
    with pytest.raises(InputError, match="BetaGeo has no prior, so nothing has an effect"):
        prior_effect(BetaGeo().fit(cohort), cohort)
    with pytest.raises(InputError, match="prior is 'strong'; it must be 'weak' or None"):
        BetaGeo(prior="strong")
    with pytest.raises(InputError, match="penalty is -1; it must be a number of 0 or more, or two of them"):
        WithCovariates(BetaGeo(), ["app"], penalty=-1)
