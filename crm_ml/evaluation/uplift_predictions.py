"""Predicted uplift of several models for the same customers, with two controls."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from crm_ml.customer_hash import customer_folds
from crm_ml.errors import InputError
from crm_ml.evaluation.base_predictions import BasePredictions, Kind
from crm_ml.evaluation.ranking import Floats, Ranking, check_values
from crm_ml.evaluation.uplift import METRICS
from crm_ml.evaluation.uplift_ranking import check_uplift, uplift_ranking

RANDOM, RESPONSE = "random", "response"
_STEPS = 2**40


def _check(y: npt.ArrayLike, p: npt.ArrayLike) -> tuple[Floats, Floats]:
    outcomes, scores, _ = check_uplift(y, p, np.zeros(np.shape(np.asarray(y))))
    check_values(outcomes, np.zeros(len(outcomes)))
    return outcomes, scores


@dataclass(frozen=True, eq=False)
class UpliftPredictions(BasePredictions):
    """Predicted uplift of several models on the same rows of a randomised experiment.

    Parameters
    ----------
    customer_id : array-like of str, shape (n,)
        The unit of resampling; a customer may be in several folds, once in each.
    fold : array-like of str, shape (n,)
        Such as the campaign or the split.
    y : array-like of float, shape (n,)
        Outcomes, 0 or 1 or an amount, not negative.
    p : mapping of str to array-like of float, shape (n,)
        Uplift scores by model name, including the controls ``"random"`` (`random_order`) and ``"response"``
        (a model of the outcome that ignores the effect).
    treatment : array-like of {0, 1}, shape (n,)

    Raises
    ------
    InputError
        If a control is missing, lengths differ, a customer is twice in a fold, or a value is NaN,
        infinite, a negative outcome, or a treatment that is neither 0 nor 1.
    """

    kind: ClassVar[Kind] = Kind(
        METRICS, _check, lambda y: not y.any(), "an arm without rows, or no outcome above zero"
    )
    columns: ClassVar[tuple[str, ...]] = ("customer_id", "fold", "y", "treatment")
    controls: ClassVar[tuple[str, ...]] = (RESPONSE, RANDOM)

    treatment: npt.NDArray[np.float64]

    def __post_init__(self) -> None:
        missing = [name for name in (RANDOM, RESPONSE) if name not in self.p]
        if missing:
            raise InputError(
                f"predictions lack the controls {', '.join(missing)}; an order of customers by uplift means "
                "nothing without a random one and the one of a response model beside it"
            )
        super().__post_init__()
        _, _, arms = check_uplift(self.y, self.y, self.treatment)
        object.__setattr__(self, "treatment", arms)

    def ranking(self, model: str, rows: npt.NDArray[np.int64]) -> Ranking:
        """Return some of the rows, with their arms, in the order of a model's scores."""
        return uplift_ranking(self.y[rows], self.p[model][rows], self.treatment[rows])

    def lacks(self, rows: npt.NDArray[np.int64]) -> bool:
        """Whether an arm has no row, or no outcome is above zero."""
        return super().lacks(rows) or len(np.unique(self.treatment[rows])) < 2


def random_order(customer_id: npt.ArrayLike, key: str = "random") -> Floats:
    """Return a score in [0, 1) that depends on the id alone: the uninformed control.

    Examples
    --------
    >>> random_order(["ada", "bob", "ada"]).round(2).tolist()
    [0.68, 0.33, 0.68]
    """
    return np.asarray(customer_folds(customer_id, _STEPS, key) / _STEPS)
