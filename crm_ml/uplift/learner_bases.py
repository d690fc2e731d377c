"""The models that learners are built from: of outcomes, of effects, and of the probability of an arm."""

from collections.abc import Mapping
from typing import Any, Literal

from crm_ml.models.gradient_boosting import GradientBoosting
from crm_ml.models.logistic import Logistic
from crm_ml.uplift.ridge import Ridge

Base = Literal["boosting", "logistic"]
Fitted = GradientBoosting | Logistic
_OUTCOME = {"rounds": 200, "learning_rate": 0.03, "min_data_in_leaf": 200, "lambda_l2": 50.0, "num_leaves": 8}
_EFFECT = {"rounds": 100, "learning_rate": 0.03, "min_data_in_leaf": 400, "lambda_l2": 200.0, "num_leaves": 4}
_STRENGTH = 0.01
_ARM_STRENGTH = 1.0


def outcome_model(base: Base, binary: bool, options: Mapping[str, Any], seed: int, threads: int) -> Fitted:
    """Return an unfitted model of an outcome, regularised; `options` override its parameters."""
    if base == "logistic":
        parameters = {"strength": _STRENGTH, **options}
        return Logistic(**parameters) if binary else Ridge(**parameters)
    fixed = {"objective": "binary" if binary else "regression", "seed": seed, "num_threads": threads}
    return GradientBoosting(**{**_OUTCOME, **fixed, **options})


def effect_model(base: Base, options: Mapping[str, Any], seed: int, threads: int) -> Fitted:
    """Return an unfitted model of an effect, more regularised since effects are noisier than outcomes."""
    if base == "logistic":
        return Ridge(**{"strength": _STRENGTH, **options})
    fixed = {"objective": "regression", "seed": seed, "num_threads": threads}
    return GradientBoosting(**{**_EFFECT, **fixed, **options})


def arm_model() -> Logistic:
    """Return an unfitted model of the probability of an arm; a strong penalty would leave confounding."""
    return Logistic(strength=_ARM_STRENGTH)
