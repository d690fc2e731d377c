"""Doubly robust scores, regressed on the features."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from crm_ml.models.logistic import Floats
from crm_ml.uplift.learner import Learner, cross_fitted
from crm_ml.uplift.overlap import with_probabilities
from crm_ml.uplift.randomised_trial import Experiment

if TYPE_CHECKING:
    import pandas as pd


@dataclass(kw_only=True, eq=False)
class DRLearner(Learner):
    """A regression of doubly robust scores, unbiased if the outcome models or the probabilities are right.

    ``phi_a = mu_a(x) - mu_0(x) + 1{A = a} (y - mu_a(x)) / e_a(x) - 1{A = 0} (y - mu_0(x)) / e_0(x)`` with mu
    and e from the other folds.

    References
    ----------
    .. [1] Kennedy (2023). Towards optimal doubly robust estimation of heterogeneous causal effects.
       Electronic Journal of Statistics 17, algorithm 1.
    """

    def _fit(self, experiment: Experiment) -> None:
        rows = with_probabilities(experiment, self.folds, self.seed, self.least_probability)
        fold = rows.folds(self.folds, self.seed)
        scores = [self._scores(rows, arm, fold) for arm in range(1 + len(rows.arms))]
        for arm in range(1, len(scores)):
            self.parts_[f"effect_{arm}"] = self._effect_model(len(rows.y)).fit(
                rows.X, scores[arm] - scores[0]
            )

    def _scores(self, rows: Experiment, arm: int, fold: npt.NDArray[np.int64]) -> Floats:
        assert rows.probability is not None
        inside = rows.arm == arm
        mu = cross_fitted(self._outcome_model, rows.X, rows.y, fold, inside)
        return np.asarray(mu + inside * (rows.y - mu) / rows.probability[:, arm])

    def _effect(self, X: "pd.DataFrame", arm: int) -> Floats:
        return self.parts_[f"effect_{arm}"].expected(X)
