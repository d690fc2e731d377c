"""Boosted trees that correct the value predicted by a probabilistic model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from crm_ml.clv.purchase_and_spend_model import Valuer
from crm_ml.clv.purchase_histories import Floats
from crm_ml.clv.valuation_terms import Terms
from crm_ml.errors import ConfigError, InputError
from crm_ml.models.booster_lines import MOST_SIGNS
from crm_ml.models.booster_text import booster_of, text_of
from crm_ml.storage.regular_file import read_text
from crm_ml.tables.column_kinds import numbers
from crm_ml.tables.outside_frames import aligned
from crm_ml.threads import usable

if TYPE_CHECKING:
    import pandas as pd

_SEEDS = ("seed", "data_random_seed", "feature_fraction_seed", "bagging_seed", "extra_seed", "objective_seed")
_TINY = 1e-9
_LEAST_SHARE = 0.01
COLUMNS = (
    "frequency", "recency", "T", "monetary_value", "first_value", "quiet", "quiet_share", "quiet_gaps",
    "p_alive", "log_expected_purchases", "log_expected_value",
)  # fmt: skip


@dataclass(kw_only=True, eq=False)
class Challenger:
    """LightGBM with Tweedie loss whose trees multiply the prediction of a probabilistic model.

    ``E(value) = max(probabilistic value, floor) * exp(trees(features))``. Among the features are the model's
    probability alive, expected purchases and expected spend; without trees it is the probabilistic model
    itself. The floor, a hundredth of the mean value, prevents the trees from learning factors of thousands
    from customers whose expected value is almost zero.

    Parameters
    ----------
    rounds, num_leaves, min_data_in_leaf : int
    learning_rate, lambda_l2, feature_fraction : float
    variance_power : float
        Of Tweedie's variance, between 1 (Poisson) and 2 (gamma): many zeros and a long tail.
    seed, num_threads : int
        The number of threads does not change the result.

    References
    ----------
    .. [1] Yang, Qian and Zou (2018). Insurance premium prediction via gradient tree-boosted Tweedie compound
       Poisson models. Journal of Business and Economic Statistics 36.
    """

    rounds: int = 60
    num_leaves: int = 4
    min_data_in_leaf: int = 100
    learning_rate: float = 0.05
    lambda_l2: float = 10.0
    feature_fraction: float = 0.5
    variance_power: float = 1.4
    seed: int = 0
    num_threads: int = 2

    @classmethod
    def with_options(cls, options: Mapping[str, Any]) -> Self:
        """Return a challenger with some parameters.

        Raises
        ------
        ConfigError
            If there is no such parameter.
        """
        known = [field.name for field in fields(cls)]
        unknown = sorted(set(options) - set(known))
        if unknown:
            raise ConfigError(f"challenger has no parameter {', '.join(unknown)}; it has {', '.join(known)}")
        return cls(**options)

    def fit(self, X: "pd.DataFrame", base: Floats, y: Floats) -> Self:
        """Grow the trees.

        Parameters
        ----------
        X : pandas.DataFrame, shape (n, k)
            Of `challenger_features`, from windows whose outcomes are complete, in any order.
        base : numpy.ndarray, shape (n,)
            Prediction of the probabilistic model for each row.
        y : numpy.ndarray, shape (n,)
            Observed value, not negative.

        Raises
        ------
        InputError
            If no row has a purchase, a column is missing, or a Series has another index than X.
        """
        import lightgbm

        base, y = (numbers(aligned(part, X.index, name), name) for part, name in ((base, "base"), (y, "y")))
        values = _matrix(X)
        if not y.sum() > 0:
            raise InputError(
                f"challenger: none of {len(y):,} customers bought in the training windows; take longer ones"
            )
        self.floor_ = _LEAST_SHARE * float(base.mean())
        order = np.lexsort([*values.T, base, y])
        data = lightgbm.Dataset(
            values[order], y[order], init_score=np.log(self._raised(base))[order],
            feature_name=list(COLUMNS),
        )  # fmt: skip
        self._read(text_of(lightgbm.train(self._parameters(), data, num_boost_round=self.rounds)))
        return self

    def correct(self, X: "pd.DataFrame", base: Floats) -> Floats:
        """Return the corrected value of each customer; shapes as `fit`.

        `base` may have several columns, shape (n, m), which get the same factor.
        """
        self._check_fitted()
        margin = self.booster_.margin(_matrix(X), self.num_threads)
        return np.asarray(self._raised(base) * np.exp(np.reshape(margin, (-1, *[1] * (base.ndim - 1)))))

    def _raised(self, base: Floats) -> Floats:
        return np.asarray(np.maximum(base, self.floor_))

    def save(self, path: Path) -> None:
        """Write the trees as LightGBM's text."""
        self._check_fitted()
        path.write_text(self.text_, encoding="utf-8")

    @classmethod
    def load(cls, path: Path, floor: float) -> Self:
        """Read trees that `save` wrote, with their ``floor_``; verify the manifest of the folder first."""
        model = cls()
        model._read(read_text(path, MOST_SIGNS))
        model.floor_ = floor
        return model

    def _read(self, text: str) -> None:
        self.text_, self.booster_ = text, booster_of(text, len(COLUMNS), "challenger")

    def _check_fitted(self) -> None:
        if not hasattr(self, "booster_"):
            raise InputError("Challenger is not fitted; call fit first")

    def _parameters(self) -> dict[str, Any]:
        names = (
            "num_leaves",
            "min_data_in_leaf",
            "learning_rate",
            "lambda_l2",
            "feature_fraction",
        )
        return {
            "objective": "tweedie",
            "tweedie_variance_power": self.variance_power,
            **{name: getattr(self, name) for name in names},
            "num_threads": usable(self.num_threads),
            "extra_trees": True,
            "deterministic": True,
            "force_col_wise": True,
            "verbosity": -1,
            **{name: self.seed + step for step, name in enumerate(_SEEDS)},
        }


def challenger_features(
    valuer: Valuer, summary: "pd.DataFrame", terms: Terms, predicted: "pd.DataFrame | None" = None
) -> "pd.DataFrame":
    """Return the features of `Challenger`: the summary, time since the last purchase, and model predictions.

    Parameters
    ----------
    valuer : Valuer
        Fitted to the customers at the same `as_of`.
    summary : pandas.DataFrame, shape (n, ...)
        With ``first_value``.
    terms : Terms
        Of a finite horizon.
    predicted : pandas.DataFrame, optional
        p_alive, expected_purchases and expected_value by the valuer, where they are known already.

    Raises
    ------
    InputError
        If the summary has no ``first_value``, or the horizon is infinite.
    """
    if "first_value" not in summary.columns or terms.horizon is None:
        raise InputError("challenger: give a summary with_first_value=True and a finite horizon")
    if predicted is None:
        predicted = valuer.expectations(summary, terms)
    x, quiet = summary["frequency"], summary["T"] - summary["recency"]
    gap = (summary["recency"] / x.clip(lower=1)).where(x > 0)
    columns = {
        "quiet": quiet,
        "quiet_share": quiet / summary["T"].clip(lower=_TINY),
        "quiet_gaps": quiet / gap.clip(lower=_TINY),
        "p_alive": predicted["p_alive"],
        "log_expected_purchases": _log(predicted["expected_purchases"]),
        "log_expected_value": _log(predicted["expected_value"]),
    }
    return summary.assign(**columns)[list(COLUMNS)]


def join(parts: Sequence["pd.DataFrame"]) -> "pd.DataFrame":
    """Concatenate the features of several windows."""
    import pandas as pd

    return pd.concat([part.reset_index(drop=True) for part in parts], ignore_index=True)


def _log(values: "pd.Series[float]") -> "pd.Series[float]":
    return values.clip(lower=_TINY).transform(np.log)


def _matrix(X: "pd.DataFrame") -> Floats:
    missing = [name for name in COLUMNS if name not in X.columns]
    if missing:
        raise InputError(f"challenger: columns are missing: {', '.join(missing)}")
    return X[list(COLUMNS)].to_numpy(dtype=np.float64)
