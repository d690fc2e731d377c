"""Ledgers of points of made-up members, whose future is known; no public ledger exists."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd

AS_OF, YEARS, LIFE_DAYS, LEAST = date(2024, 1, 1), 4, 540, 500


@dataclass(frozen=True, eq=False)
class World:
    """A ledger that goes on for a year after the day, with points earned and spent."""

    ledger: pd.DataFrame

    def before(self, day: date) -> pd.DataFrame:
        """Return what was known before a day."""
        return self.ledger[self.ledger["at"] < pd.Timestamp(day)]


def simulate(members: int, seed: int) -> World:
    """Return a ledger of four years and one more.

    Members join at any time, order at rates of their own until they leave, and earn a point for each unit of
    money. Who ever redeems, and does so often, differs from member to member; a redemption takes at least
    500 points, of those that have not expired, often all of them. Two fifths never redeem.
    """
    rng = np.random.default_rng(seed)
    days = YEARS * 365 + 365
    rows: list[tuple[int, int, int]] = []
    joined = rng.integers(0, days - 30, members) * (rng.random(members) > 0.4)
    rate, leaves = rng.gamma(1.2, 1 / 40, members), joined + rng.exponential(600, members)
    eager = np.where(rng.random(members) < 0.4, 0.0, rng.beta(1.5, 4, members))
    for member in range(members):
        count = rng.poisson(rate[member] * max(min(leaves[member], days) - joined[member], 0))
        at = np.sort(rng.uniform(joined[member], min(leaves[member], days), count)).astype(int)
        earned = rng.lognormal(4.2, 0.6, count).astype(int) + 1
        rows += _of_member(member, at, earned, eager[member], rng)
    table = pd.DataFrame(rows, columns=["customer_id", "day", "points"])
    first = AS_OF - timedelta(days=YEARS * 365)
    at_day = pd.Timestamp(first) + pd.to_timedelta(table["day"], unit="D")
    names = "m" + table["customer_id"].astype(str).str.zfill(6)
    return World(pd.DataFrame({"customer_id": names, "at": at_day, "points": table["points"]}))


def _of_member(
    member: int, at: np.ndarray, earned: np.ndarray, eager: float, rng: np.random.Generator
) -> list[tuple[int, int, int]]:
    rows, lots = [], []
    for day, points in zip(at.tolist(), earned.tolist(), strict=True):
        rows.append((member, day, points))
        lots.append([day, points])
        lots = [lot for lot in lots if day - lot[0] <= LIFE_DAYS and lot[1]]
        balance = sum(lot[1] for lot in lots)
        if balance >= LEAST and rng.random() < eager:
            spent = balance if rng.random() < 0.6 else int(rng.integers(LEAST, balance + 1))
            rows.append((member, day, -spent))
            for lot in lots:
                taken = min(lot[1], spent)
                lot[1] -= taken
                spent -= taken
    return rows
