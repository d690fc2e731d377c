"""A blend of gradient boosting and logistic regression, averaged in log-odds."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from crm_ml.errors import InputError, IntegrityError
from crm_ml.models.estimator import as_table
from crm_ml.models.feature_reasons import top_reasons
from crm_ml.models.gradient_boosting import GradientBoosting
from crm_ml.models.logistic import Logistic
from crm_ml.models.predictor import Predictor
from crm_ml.models.training_rows import TrainingRows
from crm_ml.models.tree_settings import PLAIN, SettingsChoice, choose
from crm_ml.tables.part_file import read_options

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]
_PARAMETERS = "parameters.json"
_ALONE = "plain alone"
_DECLARED = ("linear_share", "strength", "rounds")


@dataclass(kw_only=True, eq=False)
class Blend(Predictor):
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
    choose_settings : bool
        Whether, where share, strength, rounds and parameters are not given, the blend is compared with trees
        of LightGBM's own defaults, with the line and without it; see `GradientBoosting`.

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
    choose_settings: bool = True

    def __post_init__(self) -> None:
        self._unfitted_trees()

    def fit(
        self,
        X: "pd.DataFrame | npt.ArrayLike",
        y: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None = None,
    ) -> Self:
        """Fit both parts; parameters and errors as `GradientBoosting.fit`.

        Raises
        ------
        InputError
            If ``linear_share`` is outside of [0, 1], or as the parts do.
        """
        if not 0 <= self.linear_share <= 1:
            raise InputError(f"linear_share is {self.linear_share}; it must lie within 0 and 1")
        rows = TrainingRows.of(self.objective, *self._to_fit(X, y, sample_weight))
        self.choice_ = choose(rows, self._candidates) if self._chooses() else None
        settings = self.choice_.settings if self.choice_ else "regularised"
        trees = self._unfitted_trees()
        self.trees_ = (trees if settings == "regularised" else replace(trees, **PLAIN)).fit_rows(rows)
        self.line_ = Logistic(strength=self.strength).fit_rows(rows)
        return self

    @property
    def parts(self) -> tuple[GradientBoosting, Logistic]:
        """The fitted trees and line, each a model by itself."""
        self._check_fitted()
        return self.trees_, self.line_

    def expected(self, X: "pd.DataFrame | npt.ArrayLike") -> Floats:
        """Return the probability of each row, shape (n,); raises as the parts do."""
        from scipy.special import expit

        return np.asarray(expit(self.margin(X)))

    def margin(self, X: "pd.DataFrame | npt.ArrayLike") -> Floats:
        """Return the log-odds of each row, shape (n,)."""
        self._check_fitted()
        encoding = self.trees_.encoding_  # and that of the line, which learned from the same rows
        return np.concatenate([self._margin_of(matrix) for matrix in encoding.chunks(as_table(X, self))])

    def _margin_of(self, matrix: Floats) -> Floats:
        trees, line = self.trees_.margin_of(matrix), self.line_.margin_of(matrix)
        share = self._share()
        return (1 - share) * trees + share * line

    def contributions(self, X: "pd.DataFrame") -> "pd.DataFrame":
        """Return the contribution of each feature to the log-odds; rows sum to the margin."""
        trees, line = (part.contributions(X) for part in self.parts)
        columns = [*(name for name in trees.columns if name != "base"), "base"]
        share = self._share()
        return (1 - share) * trees[columns] + share * line[columns]

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
        if self.choice_:
            self.choice_.save(folder)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a model that `save` wrote; check its manifest before."""
        model = cls(**read_options(folder / _PARAMETERS, cls))
        model.trees_ = GradientBoosting.load(folder / "trees")
        model.line_ = Logistic.load(folder / "line")
        model._features_of(model.line_.encoding_)
        model.choice_ = SettingsChoice.load(folder)
        if model.trees_.encoding_ != model.line_.encoding_ or not 0 <= model.linear_share <= 1:
            raise IntegrityError(f"{folder}: trees and line are not of one model; train it again")
        return model

    def _unfitted_trees(self) -> GradientBoosting:
        names = ("rounds", "n_seeds", "seed", "num_threads", "params")
        return GradientBoosting(**{name: getattr(self, name) for name in names}, choose_settings=False)

    def _share(self) -> float:
        return 0.0 if self.choice_ and self.choice_.settings == _ALONE else self.linear_share

    def _chooses(self) -> bool:
        as_it_comes = all(getattr(self, name) == getattr(Blend, name) for name in _DECLARED)
        return self.choose_settings and as_it_comes and not self.params

    def _candidates(self, fits: TrainingRows, judges: TrainingRows) -> dict[str, Floats]:
        from scipy.special import expit

        trees = replace(self._unfitted_trees(), n_seeds=1)
        line = Logistic(strength=self.strength).fit_rows(fits).margin_of(judges.matrix)
        regularised, plain = (
            model.fit_rows(fits).margin_of(judges.matrix) for model in (trees, replace(trees, **PLAIN))
        )
        shares = {"regularised": (regularised, self.linear_share), "plain": (plain, self.linear_share)}
        return {
            name: np.asarray(expit((1 - share) * margin + share * line))
            for name, (margin, share) in {**shares, _ALONE: (plain, 0.0)}.items()
        }

    def _check_fitted(self) -> None:
        if not hasattr(self, "line_"):
            raise self._not_fitted()
