"""A learner of uplift and a recommender."""

from dataclasses import dataclass

import numpy as np

from crm_ml.recommend.recommender import Recommender
from crm_ml.uplift.learner import Learner


@dataclass(kw_only=True, eq=False)
class HalfEffect(Learner):
    """Half of the difference of means."""

    def _fit(self, experiment):
        means = [experiment.y[experiment.arm == arm].mean() for arm in range(1 + len(experiment.arms))]
        self.numbers_ = {f"effect_{arm}": (means[arm] - means[0]) / 2 for arm in range(1, len(means))}

    def _effect(self, X, arm):
        return np.full(len(X), self.numbers_[f"effect_{arm}"])


@dataclass(kw_only=True, eq=False)
class ByName(Recommender):
    """The first items of the alphabet."""

    def _fit(self, data):
        self.order_ = -np.arange(len(data.items), dtype=float)

    def _scores(self, rows):
        return np.tile(self.order_, (len(rows), 1))

    def _reasons(self, rows, items):
        return ["by name"] * len(rows)

    def _arrays(self):
        return {"order_": self.order_}
