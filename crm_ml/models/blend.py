"""A blend of gradient boosting and logistic regression, averaged in log-odds."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from crm_ml.errors import InputError
from crm_ml.models.feature_reasons import top_reasons
from crm_ml.models.gradient_boosting import GradientBoosting
from crm_ml.models.logistic import Logistic
from crm_ml.models.training_rows import TrainingRows

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]
_PARAMETERS = "parameters.json"


@dataclass(kw_only=True, eq=False)
class Blend:
    """Boosted trees with a share of logistic regression on the same features.

    ``logit p = (1 - linear_share) * logit p_trees + linear_share * logit p_line``. Trees
    approximate linear effects worst, and the two models err on different customers.

    Parameters
    ----------
    linear_share : float
        In [0, 1].
    strength : float
        Of the logistic regression.
    rounds, n_seeds, seed, num_threads : int
        Of the boosting.
    params : mapping of str to value
        Further parameters of LightGBM, as `GradientBoosting` takes them.

    References
    ----------
    .. [1] Genest and Zidek (1986). Combining probability distributions: a critique and an annotated
       bibliography. Statistical Science 1, section 3 (the logarithmic opinion pool).
    """

    linear_share: float = 0.35
    strength: float = 0.03
    rounds: int = 400
    n_seeds: int = 1
    seed: int = 0
    num_threads: int = 2
    params: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._unfitted_trees()

    def fit(self, X: "pd.DataFrame", y: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None) -> Self:
        """Fit both parts; parameters and errors as `GradientBoosting.fit`.

        Raises
        ------
        InputError
            If ``linear_share`` is outside of [0, 1], or as the parts do.
        """
        if not 0 <= self.linear_share <= 1:
            raise InputError(f"linear_share is {self.linear_share}; it must lie within 0 and 1")
        rows = TrainingRows.of("binary", X, y, sample_weight)
        self.trees_ = self._unfitted_trees().fit_rows(rows)
        self.line_ = Logistic(strength=self.strength).fit_rows(rows)
        return self

    @property
    def parts(self) -> tuple[GradientBoosting, Logistic]:
        """The fitted trees and line, each a model by itself."""
        self._check_fitted()
        return self.trees_, self.line_

    def predict(self, X: "pd.DataFrame") -> Floats:
        """Return the probability of each row, shape (n,); raises as the parts do."""
        from scipy.special import expit

        return np.asarray(expit(self.margin(X)))

    def margin(self, X: "pd.DataFrame") -> Floats:
        """Return the log-odds of each row, shape (n,)."""
        self._check_fitted()
        encoding = self.trees_.encoding_  # and that of the line, which learned from the same rows
        return np.concatenate([self._margin_of(matrix) for matrix in encoding.chunks(X)])

    def _margin_of(self, matrix: Floats) -> Floats:
        trees, line = self.trees_.margin_of(matrix), self.line_.margin_of(matrix)
        return (1 - self.linear_share) * trees + self.linear_share * line

    def contributions(self, X: "pd.DataFrame") -> "pd.DataFrame":
        """Return the contribution of each feature to the log-odds; rows sum to the margin."""
        trees, line = (part.contributions(X) for part in self.parts)
        columns = [*(name for name in trees.columns if name != "base"), "base"]
        return (1 - self.linear_share) * trees[columns] + self.linear_share * line[columns]

    def reasons(self, X: "pd.DataFrame", top: int = 3, raising: bool = False) -> "pd.DataFrame":
        """Return the features that move the margin of each row most; see `crm_ml.models.feature_reasons`."""
        return top_reasons(self.contributions(X), top, raising)

    def save(self, folder: Path) -> None:
        """Write both parts and the parameters into an existing folder."""
        self._check_fitted()
        for name, part in (("trees", self.trees_), ("line", self.line_)):
            (folder / name).mkdir()
            part.save(folder / name)
        parameters = {
            name: getattr(self, name) for name in self.__dataclass_fields__ if name != "num_threads"
        }
        (folder / _PARAMETERS).write_text(json.dumps(parameters, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a model that `save` wrote; check its manifest before."""
        model = cls(**json.loads((folder / _PARAMETERS).read_text(encoding="utf-8")))
        model.trees_ = GradientBoosting.load(folder / "trees")
        model.line_ = Logistic.load(folder / "line")
        return model

    def _unfitted_trees(self) -> GradientBoosting:
        names = ("rounds", "n_seeds", "seed", "num_threads", "params")
        return GradientBoosting(**{name: getattr(self, name) for name in names})

    def _check_fitted(self) -> None:
        if not hasattr(self, "line_"):
            raise InputError("Blend is not fitted; call fit first")
