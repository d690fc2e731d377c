"""A shop whose customers change from day to day while their distribution does not."""

import numpy as np
import pandas as pd

from crm_ml.monitoring.training_profile import Profile, ProfiledDay, profile_columns

FACTORS, LAG = 4, 28
CATEGORIES = [f"category {number}" for number in range(40)]


class Shop:
    """Customers with lasting traits, slow moods and daily noise; some leave and others come.

    Features are correlated through the traits: money, counts with many zeros, shares, and days since, which
    some customers lack. Each weekday has an effect of its own.
    """

    def __init__(self, customers=300, features=90, seed=0):
        self.draw = np.random.default_rng(seed)
        self.customers, self.features = customers, features
        self.loading = self.draw.normal(size=(FACTORS, features)) * 0.5
        self.weekday = self.draw.normal(size=(7, features)) * 0.03
        self.popularity = 1 / np.arange(1, len(CATEGORIES) + 1) ** 1.2
        self.popularity /= self.popularity.sum()
        self.trait = self._traits(customers)
        self.own = self.draw.normal(size=(customers, features))
        self.category = self._categories(customers)
        self.number = 0

    def _traits(self, count):
        return self.draw.normal(size=(count, FACTORS))

    def _categories(self, count):
        return self.draw.choice(len(CATEGORIES), size=count, p=self.popularity)

    def tomorrow(self):
        """Let a day pass."""
        self.number += 1
        self.trait = 0.985 * self.trait + np.sqrt(1 - 0.985**2) * self._traits(self.customers)
        fresh = self.draw.normal(size=self.own.shape)
        self.own = 0.95 * self.own + np.sqrt(1 - 0.95**2) * fresh
        gone = self.draw.random(self.customers) < 0.004
        self.trait[gone] = self._traits(int(gone.sum()))
        self.own[gone] = self.draw.normal(size=(int(gone.sum()), self.features))
        moved = gone | (self.draw.random(self.customers) < 0.02)
        self.category[moved] = self._categories(int(moved.sum()))

    def today(self):
        """Return the features and scores of all customers."""
        z = self.trait @ self.loading + self.own + self.weekday[self.number % 7]
        kinds = (
            lambda x: np.exp(7 + x),  # money
            lambda x: np.floor(np.exp(np.maximum(x, 0))) - 1,  # counts, half of them zero
            lambda x: 1 / (1 + np.exp(-x)),  # shares
            lambda x: np.where(x > 1.2, np.nan, np.floor(20 * np.exp(x))),  # days since, some never
        )
        X = pd.DataFrame({f"f{j}": kinds[j % len(kinds)](z[:, j]) for j in range(self.features)})
        X["category"] = np.array(CATEGORIES, dtype=object)[self.category]
        X["stage"] = np.where(z[:, 0] > 0.5, "active", np.where(z[:, 0] > -1, "dormant", "lost"))
        return X

    def scores(self):
        """Return the probability that a model gives each customer."""
        return pd.DataFrame({"p_churn": 1 / (1 + np.exp(1.5 - 0.8 * self.trait[:, 0]))})


def trained(shop, snapshots=12, every=7):
    """Return the profile after some training snapshots; `shop` stands `LAG` days after the newest."""
    days, said = [], []
    for number in range(snapshots):
        days.append(ProfiledDay(shop.number, shop.today()))
        said.append(ProfiledDay(shop.number, shop.scores()))
        for _ in range(every if number + 1 < snapshots else LAG):
            shop.tomorrow()
    customers = {f"day {one.number:04d}": len(one.X) for one in days}
    rates = {f"day {one.number:04d}": float(one.X["p_churn"].mean()) for one in said}
    return Profile(
        profile_columns(days, LAG), profile_columns(said, LAG), customers, {"p_churn": rates}, ("p_churn",)
    )
