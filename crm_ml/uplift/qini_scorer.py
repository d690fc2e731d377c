"""A scorer of uplift learners for scikit-learn's searches and cross-validation."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from crm_ml.errors import InputError
from crm_ml.evaluation.uplift import Convention, qini
from crm_ml.tables.outside_frames import aligned
from crm_ml.uplift.randomised_trial import arm_name

if TYPE_CHECKING:
    import pandas as pd

    from crm_ml.uplift.learner import Learner


@dataclass(frozen=True, eq=False)
class QiniScorer:
    """The Qini coefficient of one arm against the control, on rows that a learner did not see.

    A scorer of scikit-learn gets features and outcomes only; the arm of each row is looked up by its index.

    Parameters
    ----------
    treatment : pandas.Series, shape (n,)
        The arm of each row, with the index of the features; each label once.
    arm, control : object
        Values of `treatment`; rows of other arms are left out.
    convention : {"sklift", "causalml"}
        See `crm_ml.evaluation.uplift.qini`; ``"sklift"`` needs outcomes 0 and 1.

    Examples
    --------
    >>> import pandas as pd
    >>> from crm_ml.uplift import TLearner
    >>> X = pd.DataFrame({"age": [20.0, 30, 40, 50] * 30})
    >>> arm, y = pd.Series([1, 1, 1, 1, 0, 0, 0, 0] * 15), [0, 0, 1, 1, 1, 0, 0, 0] * 15
    >>> learner = TLearner(base="logistic").fit(X, y, treatment=arm)
    >>> QiniScorer(arm, arm=1)(learner, X, y) > 0
    True
    """

    treatment: "pd.Series[Any]"
    arm: Any
    control: Any = 0
    convention: Convention = "sklift"

    def __call__(self, learner: "Learner", X: "pd.DataFrame", y: Any) -> float:
        """Return the coefficient of the learner's effects.

        Raises
        ------
        InputError
            If X is no frame whose rows `treatment` knows, y has another index, or as
            `crm_ml.evaluation.uplift.qini`.
        """
        absent = len(X) if not hasattr(X, "index") else int((~X.index.isin(self.treatment.index)).sum())
        if absent or not self.treatment.index.is_unique:
            raise InputError(
                f"treatment: its index lacks {absent:,} of {len(X):,} rows or repeats labels; give features "
                "as a frame of pandas, and treatment with its index, each label once"
            )
        drawn = self.treatment.loc[X.index].map(arm_name).to_numpy()
        inside = np.isin(drawn, [arm_name(self.arm), arm_name(self.control)])
        effects = learner.predict(X[inside], self.arm)
        outcomes = np.asarray(aligned(y, X.index, "y"))
        return qini(outcomes[inside], effects, drawn[inside] == arm_name(self.arm), self.convention)
