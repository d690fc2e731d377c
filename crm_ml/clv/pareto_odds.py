"""Pareto/NBD: the odds that a customer has dropped out, by one compiled quadrature."""

from functools import cache
from typing import Any

import numpy as np

from crm_ml.clv.purchase_histories import Floats, Histories, Ints
from crm_ml.clv.quadrature import gauss_legendre

_LONGEST = 40.0
_RULES = (8, 12, 16, 24, 32, 48)  # numbers of nodes; `_integrate` chooses


def log_odds_dropped(theta: Floats, histories: Histories) -> tuple[Floats, Floats]:
    """Return log Q, shape (k,), and the gradient of ``log(1 + Q)`` by r, alpha, s, beta, shape (4, k).

    Parameters
    ----------
    theta : numpy.ndarray, shape (4,) or (4, k)
        Logarithms of r, alpha, s, beta, of all histories or of each.
    histories : Histories

    Notes
    -----
    Q, see `crm_ml.clv.ParetoNBD`, is integrated by Gauss and Legendre over ``v = log((c + t) / (c + t_x))``
    with c the smaller of alpha and beta, as far as the integrand falls by ``exp(-40)``. For each history the
    number of nodes follows from the width in v and from the logarithm of the fall over it, so that log Q
    agrees with 128 nodes to 1e-12. That needs no difference of hypergeometric functions and gives the
    gradient along the way.
    """
    log_odds, slopes = np.empty(len(histories.x)), np.empty((4, len(histories.x)))
    parameters = np.ascontiguousarray(np.exp(theta).reshape(4, -1))
    _kernel()(parameters, histories.x, histories.t_x, histories.T, *_rules(), log_odds, slopes)
    return log_odds, slopes


@cache
def _rules() -> tuple[Floats, Floats, Ints]:
    """Return nodes and weights of all rules, one after the other, and where each rule begins and ends."""
    nodes, weights = np.concatenate([np.array(gauss_legendre(count)) for count in _RULES]).T
    ends = np.cumsum([0, *_RULES], dtype=np.int64)
    return np.ascontiguousarray(nodes), np.ascontiguousarray(weights), ends


@cache
def _kernel() -> Any:
    import numba

    return numba.njit(cache=True, nogil=True)(_integrate)


def _integrate(
    parameters: Floats,
    x: Ints,
    t_x: Floats,
    T: Floats,
    nodes: Floats,
    weights: Floats,
    ends: Ints,
    log_odds: Floats,
    slopes: Floats,
) -> None:  # pragma: no cover  (compiled)
    """Write the results of `log_odds_dropped`; masses are relative to the integrand at t_x."""
    step = 1 if parameters.shape[1] > 1 else 0
    for i in range(len(x)):
        r, alpha = parameters[0, step * i], parameters[1, step * i]
        s, beta = parameters[2, step * i], parameters[3, step * i]
        power, left, at_alpha, at_beta = r + x[i], T[i] - t_x[i], alpha + t_x[i], beta + t_x[i]
        base = min(at_alpha, at_beta)
        up_alpha, up_beta = np.log1p(left / at_alpha), np.log1p(left / at_beta)
        falls = power * base / at_alpha + (1 + s) * base / at_beta - 1  # at least, for each v
        width = min(max(up_alpha, up_beta), _LONGEST / max(falls, 1e-9))
        fall = min(power * up_alpha + (1 + s) * up_beta, _LONGEST + width)
        if width <= 0.5 and fall <= 1:
            rule = 0
        elif width <= 2 and fall <= 4:
            rule = 1
        elif width <= 3:
            rule = 2 if fall <= 8 else 3
        else:
            rule = 4 if width <= 6 else 5
        total = by_r = by_alpha = by_s = by_beta = 0.0
        for j in range(ends[rule], ends[rule + 1]):
            v = width * nodes[j]
            since = base * np.expm1(v)
            grown_alpha = v if alpha <= beta else np.log1p(since / at_alpha)
            grown_beta = v if beta <= alpha else np.log1p(since / at_beta)
            mass = weights[j] * np.exp(v - power * grown_alpha - (1 + s) * grown_beta)
            total += mass
            by_r += mass * (up_alpha - grown_alpha)
            by_alpha += mass * (left - since) / (at_alpha + since)
            by_s += mass * (up_beta - grown_beta)
            by_beta += mass * (s * (left - since) / (at_beta + left) + 1) / (at_beta + since)
        if not total * width > 0:
            log_odds[i], slopes[:, i] = -np.inf, 0.0
            continue
        log_odds[i] = np.log(s * base / at_beta * total * width) + power * up_alpha + s * up_beta
        share = 1 / (1 + np.exp(-log_odds[i])) / total
        slopes[0, i] = share * by_r
        slopes[1, i] = -share * power * by_alpha / (at_alpha + left)
        slopes[2, i] = share * (by_s + total / s)
        slopes[3, i] = -share * by_beta
