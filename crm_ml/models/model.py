"""What every model can do, which models there are, and how one is written to a folder."""

import inspect
import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np
import numpy.typing as npt

from crm_ml.errors import InputError
from crm_ml.models.discovery import discover, make, write_kind

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]
_KIND = "model"
_METHODS = ("fit", "predict", "save", "load")


class Model(Protocol):
    """A model of a probability; parameters are stored by ``__init__``, what `fit` learns ends in ``_``."""

    def fit(self, X: "pd.DataFrame", y: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None) -> Self:
        """Learn from features (n, k) and labels (n,), 1 = it happened; earlier fits are forgotten."""
        ...

    def predict(self, X: "pd.DataFrame") -> Floats:
        """Return the probability of each row, shape (n,)."""
        ...

    def save(self, folder: Path) -> None:
        """Write the fitted model into an existing folder."""
        ...

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a model that `save` wrote."""
        ...


@cache
def models() -> dict[str, type[Any]]:
    """Return the models by module name: every class of this package with fit, predict, save and load."""
    return discover("crm_ml.models", _is_model)


def create(name: str, **parameters: Any) -> Any:
    """Make an unfitted model by its name.

    Raises
    ------
    ConfigError
        If there is no such model, or it has no such parameter.

    Examples
    --------
    >>> create("recency_rule")
    RecencyRule()
    >>> create("oracle")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    crm_ml.errors.ConfigError: 'oracle' is no model; there are ...
    """
    return make(models(), "model", name, parameters)


def write_model(model: Any, folder: Path) -> None:
    """Write a fitted model and its kind into a new folder; `read_model` reads it."""
    folder.mkdir(parents=True, exist_ok=True)
    write_kind(folder, _KIND, model)
    model.save(folder)


def read_model(folder: Path) -> Any:
    """Read a model of any kind; check the folder's manifest before.

    Raises
    ------
    InputError
        If the folder holds no model of a known kind and format.
    """
    kind = json.loads((folder / f"{_KIND}.json").read_text(encoding="utf-8"))
    if kind.get("format") != 1:
        raise InputError(f"{folder}: model format {kind.get('format')!r} is unknown; this version reads 1")
    if kind["model"] == "calibrated_model":
        from crm_ml.models.calibrated_model import CalibratedModel

        return CalibratedModel.load(folder)
    if kind["model"] not in models():
        raise InputError(f"{folder}: {kind['model']!r} is no model; there are {', '.join(models())}")
    return models()[kind["model"]].load(folder)


def check_labels(
    y: npt.ArrayLike, rows: int, sample_weight: npt.ArrayLike | None = None
) -> tuple[Floats, Floats]:
    """Return labels and weights as float arrays, or refuse them; see `check_outcomes`."""
    return check_outcomes("binary", y, rows, sample_weight)


def check_outcomes(
    objective: str, y: npt.ArrayLike, rows: int, sample_weight: npt.ArrayLike | None = None
) -> tuple[Floats, Floats]:
    """Return outcomes and weights as float arrays, or refuse them.

    Parameters
    ----------
    objective : {"binary", "regression"}
    y : array-like, shape (rows,)
    rows : int
    sample_weight : array-like, shape (rows,), optional

    Raises
    ------
    InputError
        If their number is not that of the rows; an outcome is NaN, infinite or, where it is binary, neither 0
        nor 1; one class is missing; or a weight is negative or not finite.
    """
    if objective not in ("binary", "regression"):
        raise InputError(f"objective is {objective!r}; it must be binary or regression")
    labels = np.asarray(y, dtype=float)
    weights = np.ones(rows) if sample_weight is None else np.asarray(sample_weight, dtype=float)
    if labels.shape != (rows,) or weights.shape != (rows,):
        raise InputError(f"{rows:,} rows, labels of shape {labels.shape}, weights of shape {weights.shape}")
    breaches = []
    missing, infinite = int(np.isnan(labels).sum()), int(np.isinf(labels).sum())
    odd = int((~np.isnan(labels) & ~np.isin(labels, (0, 1))).sum()) if objective == "binary" else 0
    if missing:
        breaches.append(f"y is NaN in {missing:,} of {rows:,} rows")
    if odd:
        breaches.append(f"y is neither 0 nor 1 in {odd:,} of {rows:,} rows")
    elif infinite:
        breaches.append(f"y is infinite in {infinite:,} of {rows:,} rows")
    if objective == "binary" and not breaches and len(set(labels.tolist())) < 2:
        breaches.append(f"y has one class only in {rows:,} rows; train on more snapshots")
    bad = int((~(np.isfinite(weights) & (weights >= 0))).sum())
    if bad:
        breaches.append(f"sample_weight is negative, NaN or infinite in {bad:,} of {rows:,} rows")
    if breaches:
        raise InputError("; ".join(breaches))
    return labels, weights


def training_order(
    index: "pd.Index[Any]", matrix: Floats, y: Floats, weights: Floats
) -> npt.NDArray[np.intp]:
    """Return the order of training rows that depends on their key and content alone.

    Rows are sorted by their index; where keys repeat, by features, label and weight.
    """
    levels = [index.get_level_values(level).factorize(sort=True)[0] for level in range(index.nlevels)]
    ties = [] if index.is_unique else [weights, y, *matrix.T[::-1]]
    return np.lexsort([*ties, *levels[::-1]])


def _is_model(one: type[Any]) -> bool:
    return not inspect.isabstract(one) and one is not Model and all(hasattr(one, name) for name in _METHODS)
