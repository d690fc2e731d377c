"""The models that learners are built from: of outcomes, of effects, and of the probability of an arm."""

import re
from collections.abc import Mapping
from typing import Any, Literal, get_args

import numpy as np

from crm_ml.errors import ConfigError
from crm_ml.models.gradient_boosting import GradientBoosting
from crm_ml.models.logistic import Logistic
from crm_ml.uplift.honest_forest import HonestForest
from crm_ml.uplift.ridge import Ridge

Base = Literal["boosting", "logistic", "plain"]
Fitted = GradientBoosting | HonestForest | Logistic
_OUTCOME = {"rounds": 200, "learning_rate": 0.03, "num_leaves": 8}
_EFFECT = {"rounds": 100, "learning_rate": 0.03, "num_leaves": 4}
_STRENGTH = 0.01
_ARM_STRENGTH = 1.0
_SPLIT = re.compile(r"^num_leaves=(?!1$)", re.MULTILINE)


def check_base(base: str) -> None:
    """Refuse a base that there is not (`ConfigError`)."""
    if base not in get_args(Base):
        raise ConfigError(f"base is {base!r}; there are {', '.join(get_args(Base))}")


def outcome_model(
    base: Base, binary: bool, options: Mapping[str, Any], seed: int, threads: int, rows: int
) -> Fitted:
    """Return an unfitted model of an outcome, regularised by its rows; `options` override its parameters."""
    if base != "boosting":
        parameters = {"strength": _STRENGTH, "signed_logs": base == "logistic", **options}
        return Logistic(**parameters) if binary else Ridge(**parameters)
    fixed = {"objective": "binary" if binary else "regression", "seed": seed, "num_threads": threads}
    return GradientBoosting(**{**_OUTCOME, **leaf_sizes(rows), **fixed, **options})


def effect_model(base: Base, options: Mapping[str, Any], seed: int, threads: int, rows: int) -> Fitted:
    """Return an unfitted model of an effect, more regularised since effects are noisier than outcomes."""
    if base != "boosting":
        return Ridge(**{"strength": _STRENGTH, "signed_logs": base == "logistic", **options})
    fixed = {"objective": "regression", "seed": seed, "num_threads": threads}
    return GradientBoosting(**{**_EFFECT, **leaf_sizes(rows, of_effects=True), **fixed, **options})


def leaf_sizes(rows: int, of_effects: bool = False) -> dict[str, float]:
    """Return the rows of a leaf and the penalty of trees that learn from some rows.

    ``n / 20`` rows in a leaf within 20 and 200, and a penalty of ``n / 80`` within 5 and 50; of effects
    twice as many rows and four times the penalty.

    Examples
    --------
    >>> leaf_sizes(400), leaf_sizes(4_000)
    ({'min_data_in_leaf': 20, 'lambda_l2': 5.0}, {'min_data_in_leaf': 200, 'lambda_l2': 50.0})
    >>> leaf_sizes(400, of_effects=True)
    {'min_data_in_leaf': 40, 'lambda_l2': 20.0}
    """
    leaf, penalty = int(np.clip(rows // 20, 20, 200)), float(np.clip(rows / 80, 5, 50))
    scale = (2, 4) if of_effects else (1, 1)
    return {"min_data_in_leaf": scale[0] * leaf, "lambda_l2": scale[1] * penalty}


def arm_model() -> Logistic:
    """Return an unfitted model of the probability of an arm; a strong penalty would leave confounding."""
    return Logistic(strength=_ARM_STRENGTH)


def chance_model() -> Ridge:
    """Return an unfitted model of known probabilities of an arm, which predicts them for further rows."""
    return Ridge(strength=_ARM_STRENGTH)


def says_one_number(model: object) -> bool:
    """Return whether a fitted model says the same of everybody, since no tree of it could split."""
    if isinstance(model, GradientBoosting):
        return not any(_SPLIT.search(text) for text in model.texts_)
    if isinstance(model, HonestForest):
        return not model.splits()
    return isinstance(model, Logistic) and not model.coefficients_.any()
