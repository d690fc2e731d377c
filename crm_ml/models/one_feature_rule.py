"""A baseline that predicts a probability from one feature."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field

from crm_ml.errors import InputError
from crm_ml.evaluation import calibrators
from crm_ml.models.checks import Floats, check_labels, check_present
from crm_ml.models.estimator import as_table
from crm_ml.models.predictor import Predictor
from crm_ml.tables.column_kinds import numbers
from crm_ml.tables.part_file import read_part
from crm_ml.tables.strict import Strict

if TYPE_CHECKING:
    import pandas as pd

_CURVE, _REST = "curve.json", "rule.json"


class _Rest(Strict):
    column: str
    direction: Annotated[float, Field(ge=-1, le=1)]
    p_null: Annotated[float, Field(ge=0, le=1)]


@dataclass(kw_only=True, eq=False)
class OneFeatureRule(Predictor):
    """Probability by isotonic regression on one feature; rows where it is missing get a rate of their own.

    The direction, rising or falling, is learned from the training rows.

    Baselines of churn have names of their own: ``recency_rule`` on the days since the last order, and
    ``cadence_rule`` on the same as a share of the customer's usual gap between orders;
    ``event_recency_rule`` and ``event_cadence_rule`` on the same of events; ``renewals_rule`` on the number
    of terms so far.

    Parameters
    ----------
    column : str
        Name of the feature.
    """

    variants: ClassVar[Mapping[str, Mapping[str, str]]] = {
        "recency_rule": {"column": "rfm_days_since_order"},
        "cadence_rule": {"column": "cadence_gap_share"},
        "event_recency_rule": {"column": "event_rhythm_days_since"},
        "event_cadence_rule": {"column": "event_rhythm_gap_share"},
        "renewals_rule": {"column": "renewal_terms"},
    }
    column: str = "rfm_days_since_order"
    curve_: calibrators.Isotonic = field(init=False, repr=False)
    p_null_: float = field(init=False, repr=False)
    direction_: float = field(init=False, repr=False)

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
            If the feature is missing, no number, infinite or null in every row, or labels can't be used.
        """
        X, y, sample_weight = self._to_fit(X, y, sample_weight)
        labels, weights = check_labels(y, X.index, sample_weight)
        values = self._values(X)
        order = np.lexsort((weights, labels, values))
        labels, weights, values = labels[order], weights[order], values[order]
        known = np.isfinite(values) & (weights > 0)
        if len(set(labels[known].tolist())) < 2:
            raise InputError(f"{self.column}: rows with a value are of one class only; use another rule")
        self.direction_ = _direction(values[known], labels[known], weights[known])
        self.curve_ = calibrators.fit_isotonic(self.direction_ * values[known], labels[known], weights[known])
        base = float(np.average(labels, weights=weights))
        null = np.isnan(values)
        self.p_null_ = float((weights[null] @ labels[null] + base) / (weights[null].sum() + 1))
        return self

    def expected(self, X: "pd.DataFrame | npt.ArrayLike") -> Floats:
        """Return the probability of each row, shape (n,).

        Raises
        ------
        InputError
            If the feature is missing, no number or infinite, or the rule is not fitted.
        """
        if not hasattr(self, "curve_"):
            raise self._not_fitted()
        values = self._values(as_table(X, self))
        p = self.curve_.predict(self.direction_ * np.nan_to_num(values))
        return np.where(np.isnan(values), self.p_null_, p)

    def save(self, folder: Path) -> None:
        """Write the name of the feature and the curve as JSON into an existing folder."""
        calibrators.save(self.curve_, folder / _CURVE)
        rest = {"column": self.column, "direction": self.direction_, "p_null": self.p_null_}
        (folder / _REST).write_text(json.dumps(rest, ensure_ascii=False) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a rule that `save` wrote."""
        rest = read_part(folder / _REST, _Rest)
        curve = calibrators.load(folder / _CURVE)
        if not isinstance(curve, calibrators.Isotonic):
            raise InputError(f"{folder}: the curve of a rule must be isotonic, not {curve.method}")
        rule = cls(column=rest.column)
        rule.curve_ = curve
        rule.direction_, rule.p_null_ = rest.direction, rest.p_null
        return rule

    def _values(self, X: "pd.DataFrame") -> Floats:
        check_present([self.column], X.columns)
        values = numbers(X[self.column], f"features: {self.column}")
        infinite = int(np.isinf(values).sum())
        if infinite:
            raise InputError(f"features: {self.column} is infinite in {infinite:,} of {len(values):,} rows")
        return values


def _direction(values: Floats, y: Floats, weights: Floats) -> float:
    """Return 1 where positive rows have the larger mean rank of the feature, else -1."""
    _, rank = np.unique(values, return_inverse=True)
    happened = weights * (y == 1)
    mean = float(happened @ rank) / happened.sum()
    return 1.0 if mean >= float((weights - happened) @ rank) / (weights - happened).sum() else -1.0
