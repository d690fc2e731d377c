"""The models that learners are made of: outcomes and effects, by trees or by lines, and arms by a line."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from crm_ml.errors import InputError
from crm_ml.models.gradient_boosting import GradientBoosting
from crm_ml.models.logistic import Logistic
from crm_ml.uplift.ridge import Ridge

Base = Literal["boosting", "logistic"]
Fitted = GradientBoosting | Logistic
KINDS: dict[str, type[GradientBoosting] | type[Logistic]] = {
    "gradient_boosting": GradientBoosting,
    "logistic": Logistic,
    "ridge": Ridge,
}
_KIND = "kind.json"
_OUTCOME = {"rounds": 200, "learning_rate": 0.03, "min_data_in_leaf": 200, "lambda_l2": 50.0, "num_leaves": 8}
_EFFECT = {"rounds": 100, "learning_rate": 0.03, "min_data_in_leaf": 400, "lambda_l2": 200.0, "num_leaves": 4}
_STRENGTH = 0.01
_ARM_STRENGTH = 1.0


def outcome_model(base: Base, binary: bool, given: Mapping[str, Any], seed: int, threads: int) -> Fitted:
    """Return an unfitted model of an outcome, regularised; `given` replaces some of its parameters."""
    if base == "logistic":
        parameters = {"strength": _STRENGTH, **given}
        return Logistic(**parameters) if binary else Ridge(**parameters)
    fixed = {"objective": "binary" if binary else "regression", "seed": seed, "num_threads": threads}
    return GradientBoosting(**{**_OUTCOME, **fixed, **given})


def effect_model(base: Base, given: Mapping[str, Any], seed: int, threads: int) -> Fitted:
    """Return an unfitted model of an effect: far noisier than an outcome, so far more regularised."""
    if base == "logistic":
        return Ridge(**{"strength": _STRENGTH, **given})
    fixed = {"objective": "regression", "seed": seed, "num_threads": threads}
    return GradientBoosting(**{**_EFFECT, **fixed, **given})


def arm_model() -> Logistic:
    """Return an unfitted model of the probability of an arm; a strong penalty would leave confounding in."""
    return Logistic(strength=_ARM_STRENGTH)


def write(model: Fitted, folder: Path) -> None:
    """Write a fitted model and its kind into a new folder."""
    folder.mkdir(parents=True)
    kind = next(name for name, one in KINDS.items() if type(model) is one)
    (folder / _KIND).write_text(json.dumps({"kind": kind}) + "\n", encoding="utf-8")
    model.save(folder)


def read(folder: Path) -> Fitted:
    """Read what `write` wrote; check the folder's manifest before (`InputError` if the kind is unknown)."""
    kind = json.loads((folder / _KIND).read_text(encoding="utf-8"))["kind"]
    if kind not in KINDS:
        raise InputError(f"{folder}: {kind!r} is no model of a learner; there are {', '.join(KINDS)}")
    return KINDS[kind].load(folder)
