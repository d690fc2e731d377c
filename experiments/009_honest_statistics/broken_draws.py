"""Customers whose arms were drawn fairly, and customers whose arms were not."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]
Ids = npt.NDArray[np.str_]


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows of an experiment.

    Parameters
    ----------
    X : pandas.DataFrame, shape (n, k)
    treated : numpy.ndarray of bool, shape (n,)
    declared : float or numpy.ndarray, shape (n,)
        Probability of being treated.
    stratum, customer_id : numpy.ndarray, shape (n,), optional
    """

    X: pd.DataFrame
    treated: npt.NDArray[np.bool_]
    declared: float | Floats
    stratum: npt.NDArray[np.int64] | None = None
    customer_id: Ids | None = None

    @property
    def chance(self) -> Floats | None:
        """Declared probability of each row; None where it is the same within strata."""
        varies = self.stratum is None and not isinstance(self.declared, float)
        return np.asarray(self.declared) if varies else None

    def where(self, keep: npt.NDArray[np.bool_]) -> "Rows":
        """Return some of the rows of one stratum."""
        return Rows(self.X[keep], self.treated[keep], self.declared)


def customers(rows: int, rng: np.random.Generator) -> pd.DataFrame:
    """Return eight columns as shops have them: skewed amounts, counts, text, gaps, and two that follow."""
    tenure = rng.exponential(400, rows)
    orders = rng.poisson(1 + tenure / 300)
    spend = np.where(orders > 0, rng.lognormal(3, 1.2, rows) * orders, np.nan)
    return pd.DataFrame(
        {
            "tenure_days": tenure,
            "orders": orders,
            "spend": spend,
            "days_since_order": np.where(orders > 0, rng.exponential(90, rows), np.nan),
            "age": rng.normal(45, 14, rows),
            "town": rng.choice(["Ulm", "Köln", "Bonn", None], rows, p=[0.4, 0.3, 0.2, 0.1]),
            "newsletter": (rng.random(rows) < 0.3).astype(int),
            "household": 1 + rng.poisson(0.4, rows),
        }
    )


def _halves(rng: np.random.Generator) -> Rows:
    return Rows(customers(1_500, rng), rng.random(1_500) < 0.5, 0.5)


def _few_treated(rng: np.random.Generator) -> Rows:
    return Rows(customers(3_000, rng), rng.random(3_000) < 0.08, 0.08)


def _several_trials(rng: np.random.Generator) -> Rows:
    """Trials of other shares and of customers who grow older: pooled, their arms would differ."""
    return _trials(rng, lambda customer, number: rng.random(len(customer)) < _share(number))


def _same_arm(rng: np.random.Generator) -> Rows:
    """Return trials in which customers have one arm for good."""
    arm = rng.random(900) < 0.5
    return _trials(rng, lambda customer, _: arm[customer], equal=True)


def _by_chance(rng: np.random.Generator) -> Rows:
    """Return rows drawn with declared chances that follow tenure."""
    X = customers(1_500, rng)
    chance = np.clip(0.2 + X["tenure_days"].to_numpy() / 1_000, 0.1, 0.9)
    return Rows(X, rng.random(1_500) < chance, chance)


def _share(number: int) -> float:
    return (0.2, 0.5, 0.7)[number]


def _trials(
    rng: np.random.Generator,
    arms: Callable[[npt.NDArray[np.int64], int], npt.NDArray[np.bool_]],
    equal: bool = False,
) -> Rows:
    X, parts = customers(900, rng), []
    for number in range(3):
        customer = np.flatnonzero(rng.random(900) < 0.7)
        rows = X.iloc[customer].assign(tenure_days=lambda rows, days=200 * number: rows["tenure_days"] + days)
        share = 0.5 if equal else _share(number)
        parts.append((rows, arms(customer, number), np.full(len(rows), share), customer, number))
    return Rows(
        pd.concat([part[0] for part in parts]),
        np.concatenate([part[1] for part in parts]),
        np.concatenate([part[2] for part in parts]),
        np.concatenate([np.full(len(part[1]), part[4]) for part in parts]),
        np.concatenate([part[3] for part in parts]).astype(str),
    )


def shifted(rows: int, shift: float, rng: np.random.Generator) -> Rows:
    """Return halves whose ages differ by `shift` standard deviations."""
    X, treated = customers(rows, rng), rng.random(rows) < 0.5
    return Rows(X.assign(age=X["age"] + 14 * shift * treated), treated, 0.5)


def _parity(rng: np.random.Generator) -> Rows:
    """Arms by the parity of the id: older customers were imported from a shop that gave even ids only."""
    X = customers(4_000, rng)
    odd = (rng.random(4_000) < 0.5) & (X["tenure_days"].to_numpy() < 600)
    return Rows(X, odd, 0.5)


def _deduplicated(rng: np.random.Generator) -> Rows:
    """Households get one message: after the draw, of the treated one customer of each stays."""
    X = customers(6_000, rng)
    rows = Rows(X, rng.random(6_000) < 0.5, 0.5)
    stays = rng.random(6_000) < 1 / X["household"].to_numpy()
    return rows.where(~rows.treated | stays)


def _clicks(rng: np.random.Generator) -> Rows:
    """Return rows to which clicks were joined, which only those have who were sent something."""
    X, treated = customers(3_000, rng), rng.random(3_000) < 0.5
    clicked = treated & (rng.random(3_000) < 0.02)
    return Rows(X.assign(clicks=np.where(clicked, rng.poisson(2, 3_000), np.nan)), treated, 0.5)


def _winners(rng: np.random.Generator) -> Rows:
    """Return rows whose declared half was not drawn: the best by spend and age are treated more."""
    X = customers(4_000, rng)
    odds = 0.5 * (X["age"].to_numpy() - 45) / 14 + 0.3 * (X["orders"].to_numpy() > 2)
    return Rows(X, rng.random(4_000) < 1 / (1 + np.exp(-odds)), 0.5)


FAIR: dict[str, Callable[[np.random.Generator], Rows]] = {
    "halves of 1,500 customers": _halves,
    "8 % of 3,000 customers": _few_treated,
    "three trials of other shares, 900 customers": _several_trials,
    "three trials, each customer with one arm": _same_arm,
    "1,500 customers by declared chances that follow tenure": _by_chance,
}
BROKEN: dict[str, Callable[[np.random.Generator], Rows]] = {
    "parity of an id that follows tenure": _parity,
    "households of the treated de-duplicated after the draw": _deduplicated,
    "clicks of the treated joined, else missing": _clicks,
    "better customers treated more, a half declared": _winners,
}
