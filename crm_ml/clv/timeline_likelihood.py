"""The likelihood of Pareto/NBD with covariates that change over time, as a sum over stretches of time.

In a stretch with constant covariates the odds of dropping out are those of Pareto/NBD with other scales of
time: with A and B the time until its start, stretched by what covariates do to the rates, and a and b in it,
they are those at ``(alpha + A) / a`` and ``(beta + B) / b``.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from crm_ml.clv.covariate_timeline import Pieces, Timeline
from crm_ml.clv.pareto_odds import log_odds_dropped
from crm_ml.clv.purchase_histories import Floats, Histories, Ints


@dataclass(frozen=True, eq=False)
class Stretched:
    """Time as it passes at the rates of a customer.

    Parameters
    ----------
    rate : numpy.ndarray, shape (p,)
        By which time passes in each piece.
    start, end : numpy.ndarray, shape (p,)
        Stretched time at both ends of each piece.
    total : numpy.ndarray, shape (n,)
        Until the last piece of each customer.
    start_slopes, end_slopes, total_slopes : numpy.ndarray, shape (m, p), (m, p) and (m, n)
        Their gradients by the coefficients.
    """

    rate: Floats
    start: Floats
    end: Floats
    total: Floats
    start_slopes: Floats
    end_slopes: Floats
    total_slopes: Floats

    @classmethod
    def of(cls, pieces: Pieces, patterns: Floats, coefficients: Floats, customers: int) -> Self:
        """Return stretched time by coefficients of covariates, (m,), whose distinct values are (m, g)."""
        rate = np.exp(coefficients @ patterns)[pieces.pattern]
        passed = rate * pieces.length
        end, start, total = _sums(passed, pieces.owner, customers)
        slopes = [_sums(passed * row[pieces.pattern], pieces.owner, customers) for row in patterns]
        sizes = (len(passed), len(passed), customers)
        ends, starts, totals = (
            np.array([each[place] for each in slopes]).reshape(len(patterns), size)
            for place, size in enumerate(sizes)
        )
        return cls(rate, start, end, total, starts, ends, totals)


def _sums(values: Floats, owner: Ints, customers: int) -> tuple[Floats, Floats, Floats]:
    """Return sums of each customer with and without each piece, and of all of them."""
    total = np.bincount(owner, values, minlength=customers)
    running = np.cumsum(values)
    before = np.concatenate([[0.0], np.cumsum(total)])[:-1]
    end = running - before[owner]
    return end, end - values, np.asarray(total, dtype=np.float64)


def log_likelihood_each(
    theta: Floats, line: Timeline, pieces: Pieces, purchases: list[int], dropout: list[int]
) -> tuple[Floats, Floats, Floats]:
    """Return log-likelihoods, their gradients and the log-odds of having dropped out, (n,), (d, n) and (n,).

    Parameters
    ----------
    theta : numpy.ndarray, shape (d,)
        Logarithms of r, alpha, s, beta, then the coefficients of purchases and of dropping out.
    line : Timeline
    pieces : Pieces
        Of the line until now, cut at the last purchase.
    purchases, dropout : list of int
        Positions of the covariates of either.
    """
    from scipy.special import digamma, expit, gammaln

    r, alpha, s, beta = np.exp(theta[:4])
    count, cut = len(line.x), 4 + len(purchases)
    buying = Stretched.of(pieces, line.patterns[purchases], theta[4:cut], count)
    leaving = Stretched.of(pieces, line.patterns[dropout], theta[cut:], count)
    x, at_alpha, at_beta = line.x, alpha + buying.total, beta + leaving.total
    odds, by_piece, weight, late = _odds(theta, line, pieces, buying, leaving)
    value = gammaln(r + x) - gammaln(r) + r * theta[1] + s * theta[3] + theta[4:cut] @ line.bought[purchases]
    value = value - (r + x) * np.log(at_alpha) - s * np.log(at_beta) + np.logaddexp(0.0, odds)
    owner = pieces.owner[late]
    share = weight * expit(odds)[owner]

    def summed(values: Floats) -> Floats:
        return np.asarray(np.bincount(owner, share * values, minlength=count), dtype=np.float64)

    end_alpha, end_beta = alpha + buying.end[late], beta + leaving.end[late]
    slopes = np.empty((len(theta), count))
    slopes[0] = digamma(r + x) - digamma(r) + theta[1] - np.log(at_alpha)
    slopes[0] += summed(by_piece[0] + np.log(at_alpha)[owner] - np.log(end_alpha))
    slopes[2] = theta[3] - np.log(at_beta) + summed(by_piece[2] + np.log(at_beta)[owner] - np.log(end_beta))
    of_alpha, of_beta = by_piece[1] / buying.rate[late], by_piece[3] / leaving.rate[late]
    grown_alpha, grown_beta = (r + x[owner]) / at_alpha[owner], s / at_beta[owner]
    falls_alpha, falls_beta = (r + x[owner]) / end_alpha, s / end_beta
    slopes[1] = r / alpha - (r + x) / at_alpha + summed(of_alpha + grown_alpha - falls_alpha)
    slopes[3] = s / beta - s / at_beta + summed(of_beta + grown_beta - falls_beta)
    slopes[:4] *= np.exp(theta[:4])[:, None]
    for row, place in enumerate(purchases):
        moved = of_alpha * (
            buying.start_slopes[row][late]
            - (alpha + buying.start[late]) * line.patterns[place, pieces.pattern[late]]
        )
        total = buying.total_slopes[row]
        moved = moved + grown_alpha * total[owner] - falls_alpha * buying.end_slopes[row][late]
        slopes[4 + row] = line.bought[place] - (r + x) / at_alpha * total + summed(moved)
    for row, place in enumerate(dropout):
        moved = of_beta * (
            leaving.start_slopes[row][late]
            - (beta + leaving.start[late]) * line.patterns[place, pieces.pattern[late]]
        )
        total = leaving.total_slopes[row]
        moved = moved + grown_beta * total[owner] - falls_beta * leaving.end_slopes[row][late]
        slopes[cut + row] = -s / at_beta * total + summed(moved)
    return value, slopes, odds


def _odds(
    theta: Floats, line: Timeline, pieces: Pieces, buying: Stretched, leaving: Stretched
) -> tuple[Floats, Floats, Floats, Ints]:
    """Return the log-odds of having dropped out of each customer, and how they come from late pieces.

    Returns
    -------
    odds : numpy.ndarray, shape (n,)
    by_piece : numpy.ndarray, shape (4, q)
        Gradients of the log-odds of each piece by r, alpha, s, beta of its own scales.
    weight : numpy.ndarray, shape (q,)
        Share of each piece in the odds of its customer.
    late : numpy.ndarray of int, shape (q,)
        The pieces after the last purchase.
    """
    from scipy.special import expit

    r, alpha, s, beta = np.exp(theta[:4])
    late = np.flatnonzero(pieces.start >= line.t_x[pieces.owner] - 1e-12)
    owner, none = pieces.owner[late], np.zeros(len(late))
    x = line.x[owner]
    scales = np.empty((4, len(late)))
    scales[0], scales[2] = theta[0], theta[2]
    scales[1] = np.log((alpha + buying.start[late]) / buying.rate[late])
    scales[3] = np.log((beta + leaving.start[late]) / leaving.rate[late])
    alone = Histories(x, none, pieces.length[late], none, none.astype(np.int64))
    own, slopes = log_odds_dropped(scales, alone) if len(late) else (none, np.empty((4, 0)))
    total_alpha, total_beta = (alpha + buying.total)[owner], (beta + leaving.total)[owner]
    logs = own + (r + x) * (np.log(total_alpha) - np.log(alpha + buying.end[late]))
    logs = logs + s * (np.log(total_beta) - np.log(beta + leaving.end[late]))
    most = np.full(len(line.x), -np.inf)
    np.maximum.at(most, owner, logs)
    finite = np.where(np.isfinite(most), most, 0.0)
    sums = np.bincount(owner, np.exp(logs - finite[owner]), minlength=len(line.x))
    with np.errstate(divide="ignore"):
        odds = finite + np.log(sums)
    weight = np.exp(logs - finite[owner]) / np.where(sums > 0, sums, 1.0)[owner]
    chance = expit(own)
    by_piece = np.where(chance > 0, slopes / np.where(chance > 0, chance, 1.0), 0.0)
    return odds, by_piece, weight, late
