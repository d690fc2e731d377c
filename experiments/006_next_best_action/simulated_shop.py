"""A shop of logistic contexts and skewed spend, its logs, and what every policy is worth."""

from functools import cache

import numpy as np
import numpy.typing as npt

from crm_ml.evaluation.significance import Interval

Floats = npt.NDArray[np.float64]
X = np.linspace(-2, 2, 41)  # contexts, equally likely
COST = np.array([0.0, 5.0, 20.0, 40.0])  # of doing nothing and of three actions, cents
MARGIN, SPEND_LOG, SPEND_SD = 0.25, 8.0, 0.8  # spend of a buyer is lognormal, 41 in the major unit on average
EARNED = MARGIN * np.exp(SPEND_LOG + SPEND_SD**2 / 2)
EXPLORED = 0.2


@cache
def buying() -> Floats:
    """Return P(buy) of each context under each action, logistic."""
    effect = np.column_stack([0 * X, 0.3 + 0.2 * X, 0.1 + 0.5 * X, 0.5 - 0.4 * X])
    return np.asarray(1 / (1 + np.exp(2.2 - 0.5 * X[:, None] - effect)))


@cache
def policies(explored: float = EXPLORED) -> tuple[Floats, dict[str, Floats]]:
    """Return the logging policy and the targets: probabilities of each action in each context."""
    mean = EARNED * buying() - COST
    logging = (1 - explored) * _softmax(mean / 60) + explored / len(COST)
    best, worst = np.eye(len(COST))[mean.argmax(axis=1)], np.eye(len(COST))[mean.argmin(axis=1)]
    return logging, {"near": _softmax(mean / 30), "best action": best, "worst action": worst}


def logged(
    rows: int, rng: np.random.Generator, explored: float = EXPLORED
) -> tuple[npt.NDArray[np.int64], ...]:
    """Draw a log: context, action, and reward of each row."""
    context = rng.integers(0, len(X), rows)
    p = policies(explored)[0][context]
    action = np.minimum((rng.random((rows, 1)) > p.cumsum(axis=1)).sum(axis=1), len(COST) - 1)
    bought = rng.random(rows) < buying()[context, action]
    paid = np.where(bought, rng.lognormal(SPEND_LOG, SPEND_SD, rows), 0)
    return context, action, MARGIN * paid - COST[action]


def holds(interval: Interval, truth: float) -> bool:
    """Say whether the truth lies within."""
    return interval.low <= truth <= interval.high


def _softmax(value: Floats) -> Floats:
    odds = np.exp(value - value.max(axis=1, keepdims=True))
    return np.asarray(odds / odds.sum(axis=1, keepdims=True))
