"""The control: who has the outcome, whether treated or not, without a look at the effect."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from crm_ml.models.logistic import Floats
from crm_ml.uplift.learner import Learner
from crm_ml.uplift.randomised_trial import Experiment

if TYPE_CHECKING:
    import pandas as pd


@dataclass(kw_only=True, eq=False)
class ResponseModel(Learner):
    """The expected outcome of the treated, as campaigns have been targeted before there was uplift.

    What `predict` returns is an order of customers, no effect.
    """

    def _fit(self, experiment: Experiment) -> None:
        for arm in range(1, 1 + len(experiment.arms)):
            keep = experiment.arm == arm
            self.parts_[f"outcome_{arm}"] = self._outcome_model().fit(experiment.X[keep], experiment.y[keep])

    def _effect(self, X: "pd.DataFrame", arm: int) -> Floats:
        return self.parts_[f"outcome_{arm}"].predict(X)
