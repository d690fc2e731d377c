"""The benchmark of targeting by response: the expected outcome of the treated, not the effect."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from crm_ml.models.logistic import Floats
from crm_ml.uplift.learner import Learner
from crm_ml.uplift.randomised_trial import Experiment

if TYPE_CHECKING:
    import pandas as pd


@dataclass(kw_only=True, eq=False)
class ResponseModel(Learner):
    """The expected outcome of the treated, by which campaigns are targeted without uplift models.

    `predict` returns scores to rank customers by, not effects.
    """

    def _fit(self, experiment: Experiment) -> None:
        for arm in range(1, 1 + len(experiment.arms)):
            self.parts_[f"outcome_{arm}"] = self._outcome_of(experiment, arm)

    def _effect(self, X: "pd.DataFrame", arm: int) -> Floats:
        return self.parts_[f"outcome_{arm}"].expected(X)
