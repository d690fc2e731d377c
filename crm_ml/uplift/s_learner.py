"""One model of the outcome, with the arm among its features."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from crm_ml.models.logistic import Floats
from crm_ml.uplift.learner import Learner
from crm_ml.uplift.randomised_trial import Experiment

if TYPE_CHECKING:
    import pandas as pd

_ARM = "_in_arm_{}"


@dataclass(kw_only=True, eq=False)
class SLearner(Learner):
    """``tau_a(x) = mu(x, a) - mu(x, 0)`` with one model of the outcome.

    Each treated arm is a column of 0 and 1. Its trees consider all columns at every split and search the best
    threshold: among a random few the arm would seldom be chosen. A linear model has no interactions, so that
    its effect follows the level of the outcome.

    References
    ----------
    .. [1] Künzel, Sekhon, Bickel and Yu (2019). Metalearners for estimating heterogeneous treatment effects
       using machine learning. PNAS 116, equation 4.
    """

    def _fit(self, experiment: Experiment) -> None:
        X = self._with_arm(experiment.X, experiment.arm, len(experiment.arms))
        self.numbers_["arms"] = float(len(experiment.arms))
        model = self._outcome_model(len(X))
        if self.base == "boosting":
            for name, value in (("extra_trees", False), ("feature_fraction_bynode", 1.0)):
                setattr(model, name, self.outcome_options.get(name, value))
        self.parts_["outcome"] = model.fit(X, experiment.y)

    def _effect(self, X: "pd.DataFrame", arm: int) -> Floats:
        arms = int(self.numbers_["arms"])
        frames = [self._with_arm(X, np.full(len(X), number), arms) for number in (arm, 0)]
        treated, untreated = (self.parts_["outcome"].expected(each) for each in frames)
        return treated - untreated

    @staticmethod
    def _with_arm(X: "pd.DataFrame", arm: npt.NDArray[np.int64], arms: int) -> "pd.DataFrame":
        return X.assign(**{_ARM.format(n): (arm == n).astype(float) for n in range(1, arms + 1)})
