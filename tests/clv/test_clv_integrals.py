"""Expectations and distributions against numerical integration, also where closed forms overflow."""

import itertools
import math
import warnings

import numpy as np
import pytest
from clv_worlds import MODELS, PARAMS, as_summary, fitter, quiet, with_params
from scipy.integrate import IntegrationWarning, quad
from scipy.special import betaln, expit, hyperu
from scipy.stats import nbinom

from crm_ml.clv import BetaGeo, ModifiedBetaGeo, ParetoNBD, discounted_purchases
from crm_ml.clv.beta_quadrature import purchases
from crm_ml.clv.conditional_future import BetaGeometricFuture, ParetoFuture
from crm_ml.clv.pareto_odds import log_odds_dropped
from crm_ml.clv.purchase_histories import Histories

HEAVY = as_summary(
    [(300, 38, 38.5), (300, 20, 38.5), (5000, 38.4, 38.5), (0, 0, 38.5), (0, 0, 0), (7, 30, 35)]
)
RATE = 0.15


def pieces(function, edges, digits=1e-10):
    """The integral over consecutive pieces; where quad finds no more digits, what it has is kept."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", IntegrationWarning)
        pairs = itertools.pairwise(edges)
        return sum(quad(function, a, b, epsabs=0, epsrel=digits)[0] for a, b in pairs)


def beta_geometric(r, a, b, ratio):
    """Expected purchases if alive: over p, by its logit, with both tails in closed form."""

    def density(y):
        p, log_q = expit(y), -np.logaddexp(0.0, y)
        log_p = -np.logaddexp(0.0, -y)
        return math.exp(a * log_p + b * log_q - betaln(a, b)) * -math.expm1(-r * math.log1p(p * ratio)) / p

    far = 60.0
    low = r * ratio * math.exp(-far * a - betaln(a, b)) / a
    high = -math.expm1(-r * math.log1p(ratio)) * math.exp(-far * b - betaln(a, b)) / b
    return pieces(density, np.linspace(-far, far, 241)) + low + high


EXTREME = {
    "usual": (0.24, 0.79, 2.4, 1.0),
    "a is 1": (0.5, 1.0, 2.0, 8.0),
    "a next to 1": (0.5, 1 + 1e-7, 2.0, 2.0),
    "a + b is 1": (0.5, 0.3, 0.7, 3.0),
    "hardly a time": (0.5, 0.8, 2.4, 1e-12),
    "a long time": (0.5, 0.8, 2.4, 1e9),
    "a is large": (25.0, 391.0, 0.5, 6.0),
    "a and r are large": (554.0, 685.0, 218.0, 3.0),
    "nobody leaves": (0.5, 1e-6, 1e6, 8.0),
    "hypergeometric without digits": (0.98, 0.004, 235.7, 982.0),
    "one rate for all": (1e6, 0.5, 2.0, 39e-6),
    "one coin for all": (0.5, 1e6, 1e6, 8.0),
    "a whale": (1e5, 0.5, 1e5, 1.0),
    "everyone leaves": (0.5, 1e6, 1e-6, 8.0),
}


@pytest.mark.parametrize("name", EXTREME)
def test_expected_purchases_of_the_beta_geometric_models(name):
    """1e-7 is what the quadrature promises at the corners of the parameters' range."""
    r, a, b, ratio = EXTREME[name]
    wanted = beta_geometric(r, a, b, ratio)
    one = np.ones(1)
    assert BetaGeometricFuture(one, r * one, one, a, b * one).expected(ratio)[0] == pytest.approx(
        wanted, rel=1e-7
    )
    assert purchases(r * one, a, b * one, ratio * one)[0] == pytest.approx(wanted, rel=1e-7)


@pytest.mark.parametrize(("x", "horizon"), [(300, 39.0), (1000, 400.0)])
def test_where_lifetimes_overflows(x, horizon):
    """Its MBG/NBD is no number at 1,000 purchases and 400 weeks; ours is the integral there too."""
    with quiet():
        theirs = fitter(ModifiedBetaGeo).conditional_expected_number_of_purchases_up_to_time(
            horizon, x, 38.0, 38.5
        )
    assert np.isnan(theirs) == (x == 1000)
    few, model, params = as_summary([(x, 38, 38.5)]), with_params(ModifiedBetaGeo), PARAMS[ModifiedBetaGeo]
    found = model.expected_purchases(few, horizon)[0] / model.probability_alive(few)[0]
    ratio = horizon / (params["alpha"] + 38.5)
    wanted = beta_geometric(params["r"] + x, params["a"], params["b"] + x + 1, ratio)
    assert found == pytest.approx(wanted, rel=1e-8)


PARETO = {
    "usual": (0.55, 10.6, 0.6, 11.7, 2, 30.0, 38.9),
    "nobody repeats": (0.55, 10.6, 0.6, 11.7, 0, 0.0, 38.9),
    "beta next to nothing": (0.1, 230.0, 2.2, 8e-4, 0, 0.0, 90.0),
    "many leave early": (3.0, 43.0, 605.0, 0.0016, 0, 0.0, 135.0),
    "alpha next to nothing": (0.008, 0.005, 8.6, 9e-4, 5000, 0.18, 4.3),
    "last purchase a moment ago": (0.001, 441.0, 7.0, 0.76, 30, 3.70769, 3.7077),
}


@pytest.mark.parametrize("name", PARETO)
def test_odds_of_having_left_in_the_pareto_model(name):
    r, alpha, s, beta, x, t_x, T = PARETO[name]
    top = (r + x) * math.log((alpha + T) / (alpha + t_x)) + s * math.log((beta + T) / (beta + t_x))

    def integrand(t):
        up = (r + x) * math.log((alpha + T) / (alpha + t)) + s * math.log((beta + T) / (beta + t))
        return s / (beta + t) * math.exp(up - top)

    edges = t_x + (T - t_x) * np.concatenate([[0.0], np.logspace(-9, 0, 60)])
    history = Histories.of(as_summary([(x, t_x, T)]))
    found = log_odds_dropped(np.log([r, alpha, s, beta]), history)[0][0]
    assert found == pytest.approx(top + math.log(pieces(integrand, edges)), rel=1e-9)


@pytest.mark.parametrize("s", [0.606, 0.999_999_9, 1.0, 1.7])
def test_expected_purchases_of_the_pareto_model(s):
    params = PARAMS[ParetoNBD] | {"s": s}
    model = with_params(ParetoNBD, params)
    alive = model.probability_alive(HEAVY)
    for (x, _, T), value in zip(
        HEAVY.itertuples(index=False), model.expected_purchases(HEAVY, 39) / alive, strict=True
    ):
        beta = params["beta"] + T
        stays = pieces(lambda t, beta=beta: (beta / (beta + t)) ** s, [0, 1, 39])
        assert value == pytest.approx((params["r"] + x) / (params["alpha"] + T) * stays, rel=1e-9)


def test_residual_value_of_the_pareto_model():
    """Fader, Hardie and Lee (2005), equation 11, with Tricomi's function: DET without end, discount d."""
    params, model = PARAMS[ParetoNBD], with_params(ParetoNBD)
    r, alpha, s, beta = params.values()
    few = as_summary([(2, 30.43, 38.86), (0, 0, 38.43), (12, 20, 38), (40, 38, 39)])
    alive = model.probability_alive(few)
    d = math.log1p(RATE) * 7 / 365.25
    found = discounted_purchases(model, few, math.inf, RATE)
    for (x, _, T), p, value in zip(few.itertuples(index=False), alive, found, strict=True):
        z = d * (beta + T)
        wanted = p * (r + x) / (alpha + T) * z**s / d * hyperu(s, s, z)
        assert value == pytest.approx(wanted, rel=1e-9)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("horizon", [3.0, 52.0, math.inf])
def test_discounted_purchases_are_the_integral_of_their_rate(model, horizon):
    made, d, few = with_params(model), math.log1p(RATE) * 7 / 365.25, HEAVY.iloc[[0, 4, 5]]
    found = discounted_purchases(made, few, horizon, RATE)
    future, end = made.future(Histories.of(few)), min(horizon, 30 / d)
    for i, row in enumerate(Histories.of(few).row):

        def worth(t, row=row):
            return d * math.exp(-d * t) * future.expected(t)[row]

        whole = (
            pieces(worth, [0, *np.geomspace(0.1, end, 4)], 1e-8)
            + math.exp(-d * end) * future.expected(end)[row]
        )
        assert found.iloc[i] == pytest.approx(whole, rel=1e-7)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("horizon", [0.2, 39.0])
def test_counts_sum_to_one_and_have_the_expected_mean(model, horizon):
    """As far as the counts go: of a customer of 300 purchases 2,000 hold all but 1e-12."""
    made, few = with_params(model), HEAVY[HEAVY["frequency"] <= 300]
    few = few[few["T"] > 0]
    counts = made.purchase_counts(few, horizon, 2000)
    np.testing.assert_allclose(counts.sum(axis=1), 1, rtol=0, atol=1e-9)
    np.testing.assert_allclose(counts @ counts.columns, made.expected_purchases(few, horizon), rtol=1e-7)
    once = made.probability_of_purchase(HEAVY, horizon)
    np.testing.assert_allclose(once, 1 - made.purchase_counts(HEAVY, horizon, 3)[0], rtol=0, atol=1e-9)
    assert once.between(0, 1).all()


def poisson_gamma(n, r, p):
    """The probability of n purchases at a gamma rate; scipy's nbinom takes a hundred times as long."""
    ways = math.lgamma(r + n) - math.lgamma(r) - math.lgamma(n + 1)
    return math.exp(ways + r * math.log(p) + (n * math.log1p(-p) if n else 0.0))


@pytest.mark.parametrize("n", [0, 1, 40])
def test_the_oracle_of_counts_is_the_negative_binomial_of_scipy(n):
    for r, p in ((0.3, 0.6), (40.0, 0.99), (3000.0, 0.4)):
        assert poisson_gamma(n, r, p) == pytest.approx(nbinom.pmf(n, r, p), rel=1e-9, abs=1e-300)


@pytest.mark.parametrize("r", [0.3, 40.0, 3000.0])
@pytest.mark.parametrize("s", [0.05, 2.0, 800.0])
def test_counts_of_the_pareto_model_are_the_integral(r, s):
    alpha, beta, horizon, one = 30.0, 25.0, 60.0, np.ones(1)
    found = ParetoFuture(one, r * one, alpha * one, s, beta * one).counts(horizon, 40)[0]
    for n in (0, 1, 7, 40):

        def at(t, n=n):
            return poisson_gamma(n, r, alpha / (alpha + t))

        def left(t, at=at):
            return s / beta * (beta / (beta + t)) ** (s + 1) * at(t)

        wanted = (beta / (beta + horizon)) ** s * at(horizon) + pieces(
            left, [0, *np.geomspace(1e-7, horizon, 60)]
        )
        assert found[n] == pytest.approx(wanted, rel=1e-7, abs=1e-13)


def test_counts_of_the_beta_geometric_model_are_sums_over_the_coin():
    params, made = PARAMS[BetaGeo], with_params(BetaGeo)
    r, a, b = params["r"] + 2, params["a"], params["b"] + 2
    few = as_summary([(2, 30.43, 38.86)])
    found = made.purchase_counts(few, 39, 5).iloc[0] / made.probability_alive(few)[0]
    share = (params["alpha"] + 38.86) / (params["alpha"] + 38.86 + 39)
    for n in range(1, 6):
        stays = math.exp(betaln(a, b + n) - betaln(a, b)) * nbinom.pmf(n, r, share)
        leaves = math.exp(betaln(a + 1, b + n - 1) - betaln(a, b)) * nbinom.sf(n - 1, r, share)
        assert found[n] == pytest.approx(stays + leaves, rel=1e-10)
