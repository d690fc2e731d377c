"""Regression of outcome residuals on treatment residuals."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from crm_ml.models.logistic import Floats
from crm_ml.uplift.learner import Learner, cross_fitted
from crm_ml.uplift.learner_bases import Fitted
from crm_ml.uplift.overlap import with_probabilities
from crm_ml.uplift.randomised_trial import Experiment

if TYPE_CHECKING:
    import pandas as pd


@dataclass(kw_only=True, eq=False)
class RLearner(Learner):
    """``argmin_tau sum ((y - m(x)) - (w - e(x)) tau(x))^2``, with m and e from the other folds.

    It is a regression of ``(y - m) / (w - e)`` with weights ``(w - e)^2``, for each arm among its rows and
    those of the control.

    References
    ----------
    .. [1] Nie and Wager (2021). Quasi-oracle estimation of heterogeneous treatment effects. Biometrika 108,
       equations 4 and 5.
    """

    def _fit(self, experiment: Experiment) -> None:
        rows = with_probabilities(experiment, self.folds, self.seed, self.least_probability)
        for arm in range(1, 1 + len(rows.arms)):
            self.parts_[f"effect_{arm}"] = self._fit_arm(rows.rows((rows.arm == 0) | (rows.arm == arm)), arm)

    def _fit_arm(self, rows: Experiment, arm: int) -> Fitted:
        assert rows.probability is not None
        fold = rows.folds(self.folds, self.seed)
        m = cross_fitted(self._outcome_model, rows.X, rows.y, fold, fold >= 0)
        probabilities = rows.probability[:, [0, arm]]
        residual = (rows.arm == arm) - probabilities[:, 1] / probabilities.sum(axis=1)
        return self._effect_model(len(rows.y)).fit(rows.X, (rows.y - m) / residual, residual**2)

    def _effect(self, X: "pd.DataFrame", arm: int) -> Floats:
        return self.parts_[f"effect_{arm}"].expected(X)
