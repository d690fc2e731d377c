"""Doubly robust scores in an honest forest, which knows how uncertain the effect on each customer is."""

from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy.typing as npt

from crm_ml.errors import InputError
from crm_ml.models.estimator import as_table
from crm_ml.uplift.dr_learner import DRLearner
from crm_ml.uplift.honest_forest import HonestForest

if TYPE_CHECKING:
    import pandas as pd


@dataclass(kw_only=True, eq=False)
class EffectForest(DRLearner):
    """The scores of a `DRLearner`, averaged by a `HonestForest`: effects with an interval for each customer.

    ``effect_options`` are parameters of the forest. It predicts with more variance and less bias than the
    other learners, which is what its intervals are valid by; to order customers, take one of those.

    References
    ----------
    .. [1] Athey, Tibshirani and Wager (2019). Generalized random forests. Annals of Statistics 47, section 6.
    """

    def predict_interval(
        self, X: "pd.DataFrame | npt.ArrayLike", arm: object = None, level: float = 0.95
    ) -> "pd.DataFrame":
        """Return the effect on the mean outcome of each row with its interval.

        Parameters
        ----------
        X : pandas.DataFrame or array-like, shape (n, k)
        arm : object, optional
            A treated arm; needed where there are several.
        level : float
            Share of the intervals that hold the truth, where features are few and the trial is large.

        Returns
        -------
        pandas.DataFrame, shape (n, 3)
            Columns effect, low, high. It is an interval of the mean over customers with the same features,
            not of what one customer will do.

        Raises
        ------
        InputError
            If nothing is fitted, a column is missing, the level is not within 0 and 1, the arm was not in
            training, or there are several and none is named.
        """
        import pandas as pd

        self._check_fitted()
        if not 0 < level < 1:
            raise InputError(f"level is {level:g}; it must lie within 0 and 1, such as 0.95")
        if arm is None and len(self.arms_) > 1:
            raise InputError(f"there are {len(self.arms_)} arms; name one of {', '.join(self.arms_)}")
        number = 1 if arm is None else self.position(arm)
        frame = as_table(X, self)
        forest: Any = self.parts_[f"effect_{number}"]
        effect, error = forest.expected_with_errors(frame)
        half = NormalDist().inv_cdf((1 + level) / 2) * error
        return pd.DataFrame(
            {"effect": effect, "low": effect - half, "high": effect + half}, index=frame.index
        )

    def _effect_model(self, rows: int) -> HonestForest:  # noqa: ARG002 (the size of its leaves is its own)
        return HonestForest(**{"seed": self.seed, **self.effect_options})
