"""Predicted purchases or money of several models for the same customers."""

from dataclasses import dataclass
from typing import ClassVar

from crm_ml.evaluation.base_predictions import BasePredictions, Kind
from crm_ml.evaluation.ranking import check_values
from crm_ml.evaluation.value import METRICS


@dataclass(frozen=True, eq=False)
class ValuePredictions(BasePredictions):
    """Predicted value of the same customers by several models.

    Parameters
    ----------
    customer_id : array-like of str, shape (n,)
        The unit of resampling; a customer may be in several folds, once in each.
    fold : array-like of str, shape (n,)
        Such as the hold-out window.
    y : array-like of float, shape (n,)
        Number of purchases or money in the window, not negative.
    p : mapping of str to array-like of float, shape (n,)
        Predictions in the unit of `y`, not negative, by model name.

    Raises
    ------
    InputError
        If lengths differ, a customer is twice in a fold, or a value is negative, NaN or infinite.

    Examples
    --------
    >>> counts = ValuePredictions(["ada", "bob"], ["june"] * 2, [0, 3], {"bg_nbd": [0.2, 1.4]})
    >>> counts.models
    ('bg_nbd',)
    >>> ValuePredictions(["ada", "bob"], ["june"] * 2, [0, 3], {"line": [-0.2, 1.4]})  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    crm_ml.errors.InputError: predictions of line: predicted is negative in 1 of 2 rows; drop or mend ...
    """

    kind: ClassVar[Kind] = Kind(METRICS, check_values, lambda y: not y.any(), "no outcome above zero")
