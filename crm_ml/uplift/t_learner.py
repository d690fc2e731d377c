"""One model of the outcome for each arm; their difference is the effect."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from crm_ml.models.estimator import as_table
from crm_ml.models.gradient_boosting import GradientBoosting
from crm_ml.models.logistic import Floats
from crm_ml.uplift.learner import Learner
from crm_ml.uplift.randomised_trial import Experiment

if TYPE_CHECKING:
    import pandas as pd

    from crm_ml.uplift.learner_bases import Fitted


@dataclass(kw_only=True, eq=False)
class TLearner(Learner):
    """``tau_a(x) = mu_a(x) - mu_0(x)`` with a model of the outcome for each arm.

    Without ``outcome_options``, trees of a binary outcome take exact thresholds in an arm where these are
    better by more than a standard error on customers set aside in training.

    References
    ----------
    .. [1] Künzel, Sekhon, Bickel and Yu (2019). Metalearners for estimating heterogeneous treatment effects
       using machine learning. PNAS 116, equations 2 and 3.
    """

    def predict_outcomes(self, X: "pd.DataFrame") -> "pd.DataFrame":
        """Return the expected outcome of each arm, shape (n, 1 + arms), the control's column first."""
        import pandas as pd

        self._check_fitted()
        frame = as_table(X, self)
        names = ("control", *self.arms_)
        columns = {
            name: self.parts_[f"outcome_{number}"].expected(frame) for number, name in enumerate(names)
        }
        return pd.DataFrame(columns, index=frame.index)

    def _outcome_model(self, rows: int) -> "Fitted":
        model = super()._outcome_model(rows)
        if isinstance(model, GradientBoosting):
            model.choose_thresholds = not self.outcome_options
        return model

    def _fit(self, experiment: Experiment) -> None:
        for arm in range(1 + len(experiment.arms)):
            self.parts_[f"outcome_{arm}"] = self._outcome_of(experiment, arm)

    def _effect(self, X: "pd.DataFrame", arm: int) -> Floats:
        return self.parts_[f"outcome_{arm}"].expected(X) - self.parts_["outcome_0"].expected(X)
