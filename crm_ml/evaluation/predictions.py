"""Predicted probabilities of several models on the same binary outcomes."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from crm_ml.evaluation.base_predictions import BasePredictions, Kind
from crm_ml.evaluation.classification import METRICS, OF_ORDER, OF_PROBABILITIES
from crm_ml.evaluation.ranking import Floats, check_binary, check_probabilities


def _check(y: npt.ArrayLike, p: npt.ArrayLike) -> tuple[Floats, Floats]:
    labels, scores = check_binary(y, p)
    return labels, check_probabilities(scores)


@dataclass(frozen=True, eq=False)
class Predictions(BasePredictions):
    """Predicted probabilities of several models on the same rows.

    Parameters
    ----------
    customer_id : array-like of str, shape (n,)
        The unit of resampling; a customer may be in several folds, once in each.
    fold : array-like of str, shape (n,)
        Such as the evaluation snapshot.
    y : array-like of {0, 1}, shape (n,)
    p : mapping of str to array-like of float, shape (n,)
        Probabilities by model name.

    Raises
    ------
    InputError
        If lengths differ, a customer is twice in a fold, or a value is NaN, infinite or no probability.
    """

    kind: ClassVar[Kind] = Kind(
        METRICS,
        _check,
        lambda y: len(np.unique(y)) < 2,
        "rows of one class only",
        OF_PROBABILITIES,
        OF_ORDER,
    )
