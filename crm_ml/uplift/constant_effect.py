"""The baseline: the average effect for every customer."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from crm_ml.models.logistic import Floats
from crm_ml.uplift.learner import Learner
from crm_ml.uplift.overlap import with_probabilities
from crm_ml.uplift.randomised_trial import Experiment

if TYPE_CHECKING:
    import pandas as pd


@dataclass(kw_only=True, eq=False)
class ConstantEffect(Learner):
    """The difference of mean outcomes, each row weighted by one over the probability of its arm.

    References
    ----------
    .. [1] Hájek (1971). Comment on an essay by D. Basu; the ratio estimator of a mean.
    """

    def _fit(self, experiment: Experiment) -> None:
        rows = with_probabilities(experiment, self.folds, self.seed, self.least_probability)
        assert rows.probability is not None
        means = []
        for arm in range(1 + len(rows.arms)):
            inside = rows.arm == arm
            means.append(float(np.average(rows.y[inside], weights=1 / rows.probability[inside, arm])))
        self.numbers_ = {f"effect_{arm}": means[arm] - means[0] for arm in range(1, len(means))}

    def _effect(self, X: "pd.DataFrame", arm: int) -> Floats:
        return np.full(len(X), self.numbers_[f"effect_{arm}"])
