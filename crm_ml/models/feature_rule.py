"""A rule on one feature: how the share to whom it happened goes with it."""

import json
from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt

from crm_ml.errors import InputError
from crm_ml.evaluation import calibrators
from crm_ml.models.checks import check_labels

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]
_CURVE, _REST = "curve.json", "rule.json"


class FeatureRule(ABC):
    """Probability by isotonic regression on one feature; rows without it get their own rate.

    Whether it rises or falls with the feature follows from the training rows.
    """

    curve_: calibrators.Isotonic
    p_null_: float
    direction_: float

    @property
    @abstractmethod
    def feature(self) -> str:
        """Name of the feature."""

    def fit(self, X: "pd.DataFrame", y: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None) -> Self:
        """Learn the curve.

        Parameters
        ----------
        X : pandas.DataFrame, shape (n, k)
        y : array-like of {0, 1}, shape (n,)
            1 = it happened.
        sample_weight : array-like of float, shape (n,), optional

        Raises
        ------
        InputError
            If the feature is missing, infinite or null in every row, or labels can't be used.
        """
        labels, weights = check_labels(y, len(X), sample_weight)
        values = self._values(X)
        order = np.lexsort((weights, labels, values))
        labels, weights, values = labels[order], weights[order], values[order]
        known = np.isfinite(values) & (weights > 0)
        if len(set(labels[known].tolist())) < 2:
            raise InputError(f"{self.feature}: rows with a value are of one class only; use another rule")
        self.direction_ = _direction(values[known], labels[known], weights[known])
        self.curve_ = calibrators.fit_isotonic(self.direction_ * values[known], labels[known], weights[known])
        base = float(np.average(labels, weights=weights))
        null = np.isnan(values)
        self.p_null_ = float((weights[null] @ labels[null] + base) / (weights[null].sum() + 1))
        return self

    def predict(self, X: "pd.DataFrame") -> Floats:
        """Return the probability of each row, shape (n,).

        Raises
        ------
        InputError
            If the feature is missing or infinite, or the rule is not fitted.
        """
        if not hasattr(self, "curve_"):
            raise InputError(f"{type(self).__name__} is not fitted; call fit first")
        values = self._values(X)
        p = self.curve_.predict(self.direction_ * np.nan_to_num(values))
        return np.where(np.isnan(values), self.p_null_, p)

    def save(self, folder: Path) -> None:
        """Write the curve as JSON into an existing folder."""
        calibrators.save(self.curve_, folder / _CURVE)
        rest = {"direction": self.direction_, "p_null": self.p_null_}
        (folder / _REST).write_text(json.dumps(rest) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a rule that `save` wrote."""
        rule = cls()
        curve = calibrators.load(folder / _CURVE)
        if not isinstance(curve, calibrators.Isotonic):
            raise InputError(f"{folder}: the curve of a rule must be isotonic, not {curve.method}")
        rule.curve_ = curve
        rest = json.loads((folder / _REST).read_text(encoding="utf-8"))
        rule.direction_, rule.p_null_ = float(rest["direction"]), float(rest["p_null"])
        return rule

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def _values(self, X: "pd.DataFrame") -> Floats:
        if self.feature not in X.columns:
            raise InputError(f"features: 1 missing: {self.feature}; compute the same groups")
        values = X[self.feature].to_numpy(dtype=np.float64, na_value=np.nan)
        infinite = int(np.isinf(values).sum())
        if infinite:
            raise InputError(f"features: {self.feature} is infinite in {infinite:,} of {len(values):,} rows")
        return np.asarray(values)


def _direction(values: Floats, y: Floats, weights: Floats) -> float:
    """Return 1 where the rows to whom it happened have the larger mean rank, else -1."""
    _, rank = np.unique(values, return_inverse=True)
    happened = weights * (y == 1)
    mean = float(happened @ rank) / happened.sum()
    return 1.0 if mean >= float((weights - happened) @ rank) / (weights - happened).sum() else -1.0
