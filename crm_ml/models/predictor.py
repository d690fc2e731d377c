"""Models of an outcome in scikit-learn's manners: classifiers of two labels, or regressors of an amount."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from types import MethodType
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from crm_ml.errors import InputError
from crm_ml.evaluation.classification import log_loss
from crm_ml.models.checks import Floats
from crm_ml.models.estimator import Estimator, as_table, by_position, has_index
from crm_ml.tables.outside_frames import aligned

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.utils import Tags

    from crm_ml.models.encoding import Encoding

HAPPENED = (0, 1)


class NoClasses(InputError, AttributeError):
    """What a regression lacks, so that `hasattr` denies it; `InputError` to who calls it all the same."""


class _OfClassifier:
    """A method that a regression lacks, as with ``available_if`` of scikit-learn, which is not imported."""

    def __init__(self, method: Callable[..., Floats]) -> None:
        self._method = method
        self.__doc__ = method.__doc__

    def __get__(self, model: "Predictor | None", owner: type) -> Callable[..., Floats]:
        if model is None:
            return self._method
        model._refuse_regression()
        return MethodType(self._method, model)


class Predictor(Estimator, ABC):
    """Base of models of an outcome: of a probability, or with the objective ``"regression"`` of an amount."""

    objective: str = "binary"
    labels_: tuple[Any, ...] = HAPPENED

    @abstractmethod
    def expected(self, X: "pd.DataFrame | npt.ArrayLike") -> Floats:
        """Return the expected outcome of each row, a probability or an amount, shape (n,).

        Raises
        ------
        InputError
            If columns are missing, have changed their type or hold infinite values, or nothing is fitted.
        """

    @property
    def classes_(self) -> npt.NDArray[Any]:
        """The two labels in ascending order, shape (2,); the second one is what happened.

        A regression has none.
        """
        self._refuse_regression()
        return np.asarray(self.labels_)

    @_OfClassifier
    def predict_proba(self, X: "pd.DataFrame | npt.ArrayLike") -> Floats:
        """Return the probability of each label of `classes_`, shape (n, 2); the second column: it happens.

        A regression has no such method. Raises as `expected`.
        """
        p = self.expected(X)
        return np.stack([1 - p, p]).T  # each column in one piece

    def predict(self, X: "pd.DataFrame | npt.ArrayLike") -> npt.NDArray[Any]:
        """Return the likelier label of each row, of a regression the amount, shape (n,).

        Raises as `expected`. A label says little of what is rare; take `predict_proba` to choose customers.
        """
        if self.objective != "binary":
            return self.expected(X)
        return np.asarray(self.classes_[np.argmax(self.predict_proba(X), axis=1)])

    def score(
        self,
        X: "pd.DataFrame | npt.ArrayLike",
        y: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None = None,
    ) -> float:
        """Return the mean log-likelihood of labels in nats, 0 at best; of a regression R squared.

        Raises
        ------
        InputError
            As `predict_proba`, or if a label is none of `classes_`.
        """
        if self.objective != "binary":
            from sklearn.metrics import r2_score

            return float(r2_score(y, self.expected(X), sample_weight=sample_weight))
        table = as_table(X)
        if has_index(X, table):
            y = aligned(y, table.index, "y")
            sample_weight = aligned(sample_weight, table.index, "sample_weight")
        labels = np.asarray(y)
        unknown = int((~np.isin(labels, self.classes_)).sum())
        if unknown:
            raise InputError(f"y is none of the labels of training in {unknown:,} of {len(labels):,} rows")
        return -log_loss(labels == self.classes_[1], self.expected(X), sample_weight)

    def __sklearn_tags__(self) -> "Tags":
        from sklearn.utils import ClassifierTags, RegressorTags

        tags = super().__sklearn_tags__()
        if self.objective == "binary":
            tags.estimator_type, tags.classifier_tags = "classifier", ClassifierTags(multi_class=False)
        else:
            tags.estimator_type, tags.regressor_tags = "regressor", RegressorTags()
        return tags

    def _refuse_regression(self) -> None:
        if self.objective != "binary":
            raise NoClasses(f"{type(self).__name__} is a regression and has no classes; call predict")

    def _to_fit(self, X: Any, y: Any, sample_weight: Any) -> "tuple[pd.DataFrame, Any, Any]":
        """Return features as a frame, outcomes with labels as 0 and 1, and weights; learn all names."""
        if y is None:
            raise InputError(f"{type(self).__name__} requires y to be passed, but the target y is None")
        table = self._frame_to_fit(X)
        if not has_index(X, table):
            y, sample_weight = by_position(y), by_position(sample_weight)
        outcomes = aligned(y, table.index, "y")
        if np.asarray(outcomes).shape[1:] == (1,):
            from sklearn.utils import column_or_1d

            outcomes = column_or_1d(outcomes, warn=True)
        self.labels_ = HAPPENED if self.objective != "binary" else _labels(outcomes)
        if self.labels_ is HAPPENED:
            return table, outcomes, sample_weight
        return table, (np.asarray(outcomes) == self.classes_[1]).astype(np.float64), sample_weight

    def _features_of(self, encoding: "Encoding") -> None:
        """Take number and names of the features from the encoding of a model that was read."""
        self.feature_names_in_ = np.array(sorted([*encoding.columns, *encoding.dropped]), dtype=object)
        self.n_features_in_ = len(self.feature_names_in_)


def _labels(y: Any) -> tuple[Any, ...]:
    """Return two texts or two whole numbers in ascending order; 0 and 1 for what `check_labels` judges."""
    import pandas as pd

    unique = pd.unique(pd.Series(np.asarray(y)))
    distinct = unique.tolist() if len(unique) == 2 else []
    texts = all(isinstance(label, str) for label in distinct)
    whole = all(isinstance(label, int | float) and label == label // 1 for label in distinct)
    if not distinct or set(distinct) == {0, 1} or not (texts or whole):
        return HAPPENED
    return tuple(np.unique(np.asarray(distinct, dtype=None if whole else object)).tolist())
