"""Effects imputed from the other arm's outcome model, learned in each arm and weighted."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from crm_ml.models.logistic import Floats
from crm_ml.uplift.learner import Learner
from crm_ml.uplift.learner_bases import arm_model
from crm_ml.uplift.overlap import with_probabilities
from crm_ml.uplift.randomised_trial import Experiment

if TYPE_CHECKING:
    import pandas as pd


@dataclass(kw_only=True, eq=False)
class XLearner(Learner):
    """``tau(x) = e(x) tau_0(x) + (1 - e(x)) tau_1(x)`` with imputed effects in either arm.

    ``tau_1`` regresses ``y - mu_0(x)`` among the treated, ``tau_0`` regresses ``mu_1(x) - y`` among the
    untreated; ``e`` is the probability of the arm among it and the control.

    References
    ----------
    .. [1] Künzel, Sekhon, Bickel and Yu (2019). Metalearners for estimating heterogeneous treatment effects
       using machine learning. PNAS 116, equations 6 to 9.
    """

    def _fit(self, experiment: Experiment) -> None:
        known = experiment.probability is not None
        rows = with_probabilities(experiment, self.folds, self.seed, self.least_probability)
        assert rows.probability is not None
        untreated = rows.arm == 0
        outcome_0 = self._outcome_of(rows, 0)
        for arm in range(1, 1 + len(rows.arms)):
            treated = rows.arm == arm
            outcome_1 = self._outcome_of(rows, arm)
            gained = rows.y[treated] - outcome_0.predict(rows.X[treated])
            missed = outcome_1.predict(rows.X[untreated]) - rows.y[untreated]
            self.parts_[f"treated_{arm}"] = self._effect_model().fit(rows.X[treated], gained)
            self.parts_[f"untreated_{arm}"] = self._effect_model().fit(rows.X[untreated], missed)
            if known:
                p = rows.probability[:, [0, arm]]
                self.numbers_[f"share_{arm}"] = float((p[:, 1] / p.sum(axis=1)).mean())
            else:
                keep = treated | untreated
                self.parts_[f"arm_{arm}"] = arm_model().fit(rows.X[keep], treated[keep].astype(float))

    def _effect(self, X: "pd.DataFrame", arm: int) -> Floats:
        name = f"arm_{arm}"
        e = self.parts_[name].predict(X) if name in self.parts_ else self.numbers_[f"share_{arm}"]
        effects = [self.parts_[f"{part}_{arm}"].predict(X) for part in ("untreated", "treated")]
        return np.asarray(e * effects[0] + (1 - e) * effects[1])
