"""LightGBM, regularised for the number of rows and reproducible to the bit."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
import numpy.typing as npt

from crm_ml.errors import ConfigError, IntegrityError
from crm_ml.models.booster_params import check_params, check_size, passed_on
from crm_ml.models.booster_scores import mean_contributions, mean_margin
from crm_ml.models.booster_text import booster_of, read_texts, write_texts
from crm_ml.models.booster_training import REPEATING, seeds, trained_texts
from crm_ml.models.checks import Floats
from crm_ml.models.encoding import Encoding
from crm_ml.models.estimator import as_table
from crm_ml.models.feature_reasons import top_reasons
from crm_ml.models.predictor import Predictor
from crm_ml.models.training_rows import TrainingRows
from crm_ml.models.tree_settings import PLAIN, SettingsChoice, choose, size_defaults
from crm_ml.tables.part_file import read_options
from crm_ml.threads import usable

if TYPE_CHECKING:
    import pandas as pd

_PARAMETERS, _ENCODING = "parameters.json", "encoding.json"


@dataclass(kw_only=True, eq=False)
class GradientBoosting(Predictor):
    """LightGBM on customer features.

    Parameters
    ----------
    objective : {"binary", "regression"}
        A probability of something that happens or not, or the mean of an amount.
    num_leaves, min_data_in_leaf, lambda_l2, feature_fraction_bynode : optional
        Leaves of a tree, rows of a leaf, penalty, and share of columns tried at a split. Without them chosen
        by the number of training rows and columns, see
        `crm_ml.models.tree_settings.size_defaults`.
    rounds : int
        Number of trees.
    learning_rate : float
    extra_trees : bool
        Whether each column offers one random threshold to a split; the strongest regulariser of all tried.
    feature_fraction, bagging_fraction : float
        Share of columns and of rows for a tree.
    max_bin : int
    n_seeds : int
        Number of boosters whose margins are averaged.
    seed : int
    num_threads : int
        Does not change the result.
    params : mapping of str to value
        Further parameters of LightGBM, passed on as they are, such as ``{"max_depth": 4}``. The objective may
        be a function of one's own, ``{"objective": "module:function"}``: its margins start from 0, and
        `objective` still says how they become predictions. `ConfigError` for what the model sets itself, what
        LightGBM does not know, and what would not repeat.
    choose_settings : bool
        Whether the settings above, where none of them is given, are compared with LightGBM's own defaults
        on customers set aside in training, which are taken where they are better by more than a standard
        error; see `crm_ml.models.tree_settings`. Of probabilities only. What came of it is ``choice_``.
    choose_thresholds : bool
        Whether exact thresholds are compared with random ones in the same way, whatever else is given.

    Notes
    -----
    ``plain_lightgbm`` is this model with LightGBM's own defaults, a control for all others.

    Classes are never weighted: that ruins probabilities and buys no AUC. With ``deterministic`` and
    ``force_col_wise``, every seed set and rows sorted by key, the same rows give the same bytes on any number
    of threads.

    References
    ----------
    .. [1] Ke et al. (2017). LightGBM: a highly efficient gradient boosting decision tree. NeurIPS.
    """

    variants: ClassVar[Mapping[str, Mapping[str, Any]]] = {"plain_lightgbm": PLAIN}

    objective: Literal["binary", "regression"] = "binary"
    num_leaves: int | None = None
    min_data_in_leaf: int | None = None
    rounds: int = 400
    learning_rate: float = 0.03
    extra_trees: bool = True
    feature_fraction: float = 1.0
    feature_fraction_bynode: float | None = None
    bagging_fraction: float = 0.5
    lambda_l2: float | None = None
    max_bin: int = 127
    n_seeds: int = 1
    seed: int = 0
    num_threads: int = 2
    params: Mapping[str, Any] = field(default_factory=dict)
    choose_settings: bool = True
    choose_thresholds: bool = False

    def __post_init__(self) -> None:
        check_size(self.rounds, self.n_seeds)
        check_params(self.params, self._parameters(1, 1, 0))

    def fit(
        self,
        X: "pd.DataFrame | npt.ArrayLike",
        y: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None = None,
    ) -> Self:
        """Grow the trees.

        Parameters
        ----------
        X : pandas.DataFrame, shape (n, k)
            Numbers and categories, as `crm_ml.tables.column_kinds` tells them apart; null is missing. A frame
            of Polars or Arrow is taken as well. Rows are sorted by the index, so their order does not matter.
        y : array-like of {0, 1}, shape (n,)
            1 = it happened; amounts for a regression. A Series is put into the order of the index of X.
        sample_weight : array-like of float, shape (n,), optional

        Raises
        ------
        InputError
            If a feature is infinite or neither numbers nor categories, or labels can't be used.
        """
        return self.fit_rows(TrainingRows.of(self.objective, *self._to_fit(X, y, sample_weight)))

    def fit_rows(self, rows: TrainingRows) -> Self:
        """Grow the trees from encoded rows; all boosters share one binning."""
        others = self._alternatives()
        self.choice_ = choose(rows, self._candidates) if others else None
        chosen = replace(self, **others.get(self.choice_.settings, {})) if self.choice_ else self
        (size, width), further = rows.matrix.shape, passed_on(self.params)
        parameters = [
            {**chosen._parameters(size, width, number), **further} for number in range(self.n_seeds)
        ]
        self.encoding_, self.texts_ = rows.encoding, trained_texts(rows, parameters, chosen.rounds)
        return self._grown()

    def expected(self, X: "pd.DataFrame | npt.ArrayLike") -> Floats:
        """Return the probability (of a regression: the amount) of each row, shape (n,).

        Raises
        ------
        InputError
            If columns are missing, have changed their type or hold infinite values, or nothing is fitted.
        """
        from scipy.special import expit

        margin = self.margin(X)
        return np.asarray(expit(margin)) if self.objective == "binary" else margin

    def margin(self, X: "pd.DataFrame | npt.ArrayLike") -> Floats:
        """Return the log-odds (of a regression: the amount) of each row, shape (n,); raises as `expected`."""
        chunks = self._encoding().chunks(as_table(X, self))
        return np.concatenate([self.margin_of(matrix) for matrix in chunks])

    def margin_of(self, matrix: Floats) -> Floats:
        """Return the margin of each row of an encoded matrix, shape (n,)."""
        return mean_margin(self.boosters_, matrix, self.num_threads)

    def contributions(self, X: "pd.DataFrame") -> "pd.DataFrame":
        """Return what each feature contributes to the margin of each row (of many, 50 microseconds each).

        Returns
        -------
        pandas.DataFrame, shape (n, k + 1)
            Indexed like X; columns are the used features and ``base``. Each row sums to the margin.

        References
        ----------
        .. [1] Lundberg, Erion and Lee (2018). Consistent individualized feature attribution for tree
           ensembles.
        """
        import pandas as pd

        X = as_table(X, self)
        columns = [*self._encoding().columns, "base"]
        parts = [np.empty((0, len(columns)))]
        for matrix in self._encoding().chunks(X) if len(X) else ():
            parts.append(mean_contributions(self.boosters_, matrix, self.num_threads))
        return pd.DataFrame(np.concatenate(parts), index=X.index, columns=columns)

    def reasons(self, X: "pd.DataFrame", top: int = 3, raising: bool = False) -> "pd.DataFrame":
        """Return the features with the largest contributions; see `crm_ml.models.feature_reasons`."""
        return top_reasons(self.contributions(X), top, raising)

    def save(self, folder: Path) -> None:
        """Write boosters as LightGBM text, encoding and parameters as JSON, into an existing folder."""
        self._encoding().save(folder / _ENCODING)
        write_texts(folder, self.texts_)
        parameters = {each.name: getattr(self, each.name) for each in fields(self)}
        del parameters["num_threads"]
        (folder / _PARAMETERS).write_text(json.dumps(parameters, indent=1) + "\n", encoding="utf-8")
        if self.choice_:
            self.choice_.save(folder)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a model that `save` wrote; check its manifest before, for a damaged text ends the process."""
        try:
            model = cls(**read_options(folder / _PARAMETERS, cls))
        except ConfigError as error:
            raise IntegrityError(f"{folder}: {error}; train the model again") from error
        model.encoding_ = Encoding.load(folder / _ENCODING)
        model._features_of(model.encoding_)
        model.choice_ = SettingsChoice.load(folder)
        model.texts_ = read_texts(folder, model.n_seeds)
        return model._grown()

    def _grown(self) -> Self:
        """Make the boosters of the texts."""
        names = ((f"booster_{number}.txt", text) for number, text in enumerate(self.texts_))
        columns = len(self.encoding_.columns)
        self.boosters_ = [booster_of(text, columns, name) for name, text in names]
        return self

    def _alternatives(self) -> dict[str, Mapping[str, Any]]:
        """Return what may change by the validation, by the name of the candidate."""
        if self.objective != "binary" or self.params:
            return {}
        as_it_comes = all(getattr(self, name) == getattr(GradientBoosting, name) for name in PLAIN)
        others = {"plain": PLAIN} if self.choose_settings and as_it_comes else {}
        return others | (
            {"exact": {"extra_trees": False}} if self.choose_thresholds and self.extra_trees else {}
        )

    def _candidates(self, fits: TrainingRows, judges: TrainingRows) -> dict[str, Floats]:
        from scipy.special import expit

        trees = replace(self, choose_settings=False, choose_thresholds=False, n_seeds=1)
        changes = {"regularised": {}, **self._alternatives()}
        models = {name: replace(trees, **changed) for name, changed in changes.items()}
        return {name: expit(model.fit_rows(fits).margin_of(judges.matrix)) for name, model in models.items()}

    def _parameters(self, rows: int, columns: int, number: int) -> dict[str, Any]:
        chosen = {name: getattr(self, name) for name in size_defaults(rows, columns)}
        return {
            "objective": self.objective,
            **size_defaults(rows, columns),
            **{name: value for name, value in chosen.items() if value is not None},
            "learning_rate": self.learning_rate,
            "extra_trees": self.extra_trees,
            "feature_fraction": self.feature_fraction,
            "max_bin": self.max_bin,
            "bagging_fraction": self.bagging_fraction,
            "num_threads": usable(self.num_threads),
            **REPEATING,
            **seeds(self.seed, number),
        }

    def _encoding(self) -> Encoding:
        if not hasattr(self, "encoding_"):
            raise self._not_fitted()
        return self.encoding_
