"""A baseline of response: the customer's past response rate, shrunk towards the mean of all customers."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field

from crm_ml.errors import InputError
from crm_ml.models.checks import check_labels, check_present
from crm_ml.models.estimator import as_table
from crm_ml.models.predictor import Predictor
from crm_ml.tables.column_kinds import numbers
from crm_ml.tables.part_file import read_part
from crm_ml.tables.strict import Strict

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]
_RATE = "rate.json"
_LARGEST_STRENGTH = 1e6


class _Content(Strict):
    answered: str
    sent: str
    mean: Annotated[float, Field(ge=0, le=1)]
    strength: Annotated[float, Field(gt=0, le=2 * _LARGEST_STRENGTH)]


@dataclass(kw_only=True, eq=False)
class ShrunkRate(Predictor):
    """Past response rate with a beta prior: ``(a + answered) / (a + b + sent)``.

    The prior's mean is the rate of the training rows; its strength ``a + b`` maximises the likelihood of
    their labels. More responses than actions sent count as one response to each.

    Parameters
    ----------
    answered, sent : str
        Columns of a customer's past answers and actions.

    References
    ----------
    .. [1] Gelman et al. (2013). Bayesian data analysis, 3rd edition, section 2.4 (binomial with beta prior).
    """

    answered: str = "history_answered"
    sent: str = "history_sent"

    def fit(self, X: "pd.DataFrame", y: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None) -> Self:
        """Learn mean and strength of the prior.

        Parameters
        ----------
        X : pandas.DataFrame, shape (n, k)
        y : array-like of {0, 1}, shape (n,)
            1 = it happened.
        sample_weight : array-like of float, shape (n,), optional

        Raises
        ------
        InputError
            If a column is missing, no number, negative or infinite, or labels can't be used.
        """
        from scipy.optimize import minimize_scalar

        X, y, sample_weight = self._to_fit(X, y, sample_weight)
        labels, weights = check_labels(y, X.index, sample_weight)
        answered, sent = self._counts(X)
        below = [name for name in (self.answered, self.sent) if (X[name] < 0).any()]
        if below:
            raise InputError(f"features: negative counts in {', '.join(below)}")
        order = np.lexsort((weights, labels, sent, answered))
        labels, weights, answered, sent = (values[order] for values in (labels, weights, answered, sent))
        self.mean_ = float(np.average(labels, weights=weights))

        def loss(log_strength: float) -> float:
            p = _rate(self.mean_, np.exp(log_strength), answered, sent)
            return float(-(weights * np.where(labels == 1, np.log(p), np.log1p(-p))).sum())

        optimum = minimize_scalar(loss, bounds=(-3.0, np.log(_LARGEST_STRENGTH)), method="bounded")
        self.strength_ = float(np.exp(optimum.x))
        return self

    def expected(self, X: "pd.DataFrame | npt.ArrayLike") -> Floats:
        """Return the probability of each row, shape (n,).

        Raises
        ------
        InputError
            If a column is missing, no number or infinite, or nothing is fitted. Negative counts are taken for
            none.
        """
        if not hasattr(self, "strength_"):
            raise self._not_fitted()
        return _rate(self.mean_, self.strength_, *self._counts(as_table(X, self)))

    def save(self, folder: Path) -> None:
        """Write the prior as JSON into an existing folder."""
        content = {
            "answered": self.answered, "sent": self.sent, "mean": self.mean_, "strength": self.strength_
        }  # fmt: skip
        (folder / _RATE).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a model that `save` wrote."""
        content = read_part(folder / _RATE, _Content)
        model = cls(answered=content.answered, sent=content.sent)
        model.mean_, model.strength_ = content.mean, content.strength
        return model

    def _counts(self, X: "pd.DataFrame") -> tuple[Floats, Floats]:
        check_present((self.answered, self.sent), X.columns)
        counts = [numbers(X[name], f"features: {name}") for name in (self.answered, self.sent)]
        breaches = []
        for name, values in zip((self.answered, self.sent), counts, strict=True):
            infinite = int(np.isinf(values).sum())
            breaches += [f"{name} is infinite in {infinite:,} of {len(X):,} rows"] if infinite else []
        if breaches:
            raise InputError(f"features: {'; '.join(breaches)}")
        answered, sent = (np.nan_to_num(values).clip(0) for values in counts)
        return np.minimum(answered, sent), sent


def _rate(mean: float, strength: float, answered: Floats, sent: Floats) -> Floats:
    return np.asarray((strength * mean + answered) / (strength + sent))
