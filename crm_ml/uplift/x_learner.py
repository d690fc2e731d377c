"""Effects imputed from the other arm's outcome model, learned in each arm and weighted."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from crm_ml.models.logistic import Floats
from crm_ml.uplift.learner import Learner
from crm_ml.uplift.learner_bases import arm_model, chance_model
from crm_ml.uplift.overlap import with_probabilities
from crm_ml.uplift.randomised_trial import Experiment

if TYPE_CHECKING:
    import pandas as pd


@dataclass(kw_only=True, eq=False)
class XLearner(Learner):
    """``tau(x) = e(x) tau_0(x) + (1 - e(x)) tau_1(x)`` with imputed effects in either arm.

    ``tau_1`` regresses ``y - mu_0(x)`` among the treated, ``tau_0`` regresses ``mu_1(x) - y`` among the
    untreated; ``e`` is the probability of the arm among it and the control. Where probabilities differ by
    row, known or estimated, rows of all four models weigh one over that of their arm: models that can't split
    then say the weighted mean of an arm and not the confounded one.

    References
    ----------
    .. [1] Künzel, Sekhon, Bickel and Yu (2019). Metalearners for estimating heterogeneous treatment effects
       using machine learning. PNAS 116, equations 6 to 9.
    """

    def _fit(self, experiment: Experiment) -> None:
        known = experiment.probability is not None
        rows = with_probabilities(experiment, self.folds, self.seed, self.least_probability)
        assert rows.probability is not None
        for arm in range(1, 1 + len(rows.arms)):
            outcomes = {number: self._outcome_of(rows, number, weighed=True) for number in (0, arm)}
            for number, name in ((arm, "treated"), (0, "untreated")):
                inside = rows.arm == number
                other = outcomes[arm - number].expected(rows.X[inside])
                imputed = (rows.y[inside] - other) * (1 if number else -1)
                model = self._effect_model(int(inside.sum()))
                self.parts_[f"{name}_{arm}"] = model.fit(rows.X[inside], imputed, rows.weights(number))
            self._fit_share(rows, arm, known)

    def _fit_share(self, rows: Experiment, arm: int, known: bool) -> None:
        """Learn the probability of an arm among it and the control: one number, known by row or estimated."""
        assert rows.probability is not None
        p = rows.probability[:, [0, arm]]
        share = p[:, 1] / p.sum(axis=1)
        keep = (rows.arm == 0) | (rows.arm == arm)
        if not known:
            model = arm_model().fit(rows.X[keep], (rows.arm[keep] == arm).astype(float))
        elif np.ptp(share) > 0:
            model = chance_model().fit(rows.X, share)
        else:
            self.numbers_[f"share_{arm}"] = float(share.mean())
            return
        self.parts_[f"arm_{arm}"] = model

    def _effect(self, X: "pd.DataFrame", arm: int) -> Floats:
        name = f"arm_{arm}"
        e = self.parts_[name].expected(X).clip(0, 1) if name in self.parts_ else self.numbers_[f"share_{arm}"]
        effects = [self.parts_[f"{part}_{arm}"].expected(X) for part in ("untreated", "treated")]
        return np.asarray(e * effects[0] + (1 - e) * effects[1])
