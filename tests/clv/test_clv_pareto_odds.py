"""The compiled odds of having dropped out against a quadrature of 200 nodes for every history."""

import numpy as np
import pytest

from crm_ml.clv.pareto_odds import log_odds_dropped
from crm_ml.clv.purchase_histories import Histories

NODES, WEIGHTS = np.polynomial.legendre.leggauss(200)


def log_odds(theta, some):
    """Over ``log(c + t)`` as far as the integrand falls by exp(-45)."""
    r, alpha, s, beta = np.exp(theta)
    c, power = min(alpha, beta), (r + some.x)[:, None]
    start, left = some.t_x[:, None], (some.T - some.t_x)[:, None]
    falls = power * (c + start) / (alpha + start) + (1 + s) * (c + start) / (beta + start) - 1
    width = np.minimum(np.log1p(left / (c + start)), 45 / np.maximum(falls, 1e-9))
    t = start + (c + start) * np.expm1(width * (NODES + 1) / 2)
    logs = np.log(s * (c + t) / (beta + t)) + power * np.log((alpha + start + left) / (alpha + t))
    logs += s * np.log((beta + start + left) / (beta + t))
    top = logs.max(axis=1, keepdims=True)
    return top[:, 0] + np.log((np.exp(logs - top) * WEIGHTS / 2 * width).sum(axis=1))


def histories(rng, count=400):
    x = np.where(rng.random(count) < 0.3, 0, rng.geometric(1 / np.exp(rng.uniform(0, 7, count))))
    T = np.exp(rng.uniform(-3, 2, count))
    return Histories(x, np.where(x > 0, T * rng.beta(3, 1, count), 0.0), T, np.ones(count), np.arange(count))


@pytest.mark.parametrize("seed", range(40))
def test_the_nodes_chosen_are_enough(seed):
    rng = np.random.default_rng(seed)
    theta, some = rng.uniform([-3, -6, -3, -6], [3, 3, 7, 12]), histories(rng)
    found, slopes = log_odds_dropped(theta, some)
    wanted = log_odds(theta, some)
    np.testing.assert_allclose(found, wanted, rtol=1e-11, atol=1e-11)
    for i, move in enumerate(np.eye(4) * 1e-5):
        up, down = (np.logaddexp(0, log_odds(theta + side * move, some)) for side in (1, -1))
        steepest = np.abs(slopes[i] * np.exp(theta[i])).max()
        np.testing.assert_allclose(
            slopes[i] * np.exp(theta[i]), (up - down) / 2e-5, rtol=1e-5, atol=1e-8 + 1e-6 * steepest
        )


def test_who_bought_at_the_end_has_not_dropped_out():
    some = Histories(np.array([0, 4]), np.array([0.0, 9.0]), np.array([0.0, 9.0]), np.ones(2), np.arange(2))
    found, slopes = log_odds_dropped(np.zeros(4), some)
    assert (found == -np.inf).all() and (slopes == 0).all()
