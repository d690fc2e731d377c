"""Checks of labels and outcomes before a fit, and the order of training rows."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from crm_ml.errors import InputError
from crm_ml.tables.column_kinds import numbers
from crm_ml.tables.outside_frames import aligned

if TYPE_CHECKING:
    import pandas as pd


Floats = npt.NDArray[np.float64]


def check_present(names: Iterable[str], columns: "pd.Index[Any]") -> None:
    """Refuse features without the columns that a model needs; `InputError` names them."""
    missing = [name for name in names if name not in columns]
    if missing:
        raise InputError(
            f"features: {len(missing)} missing: {', '.join(missing)}; compute the same groups of tables that "
            "have all that the model was trained on, or train it again on these"
        )


def check_labels(
    y: npt.ArrayLike, index: "pd.Index[Any]", sample_weight: npt.ArrayLike | None = None
) -> tuple[Floats, Floats]:
    """Return labels and weights as float arrays, or refuse them; see `check_outcomes`."""
    return check_outcomes("binary", y, index, sample_weight)


def check_outcomes(
    objective: str, y: npt.ArrayLike, index: "pd.Index[Any]", sample_weight: npt.ArrayLike | None = None
) -> tuple[Floats, Floats]:
    """Return outcomes and weights as float arrays in the order of the rows, or refuse them.

    Parameters
    ----------
    objective : {"binary", "regression"}
    y : array-like, shape (n,)
    index : pandas.Index, shape (n,)
        Of the features. A Series with the same labels in another order is put into this one; see
        `crm_ml.tables.outside_frames.aligned`.
    sample_weight : array-like, shape (n,), optional

    Raises
    ------
    InputError
        If they have another index or another length than the features, or are no numbers; an outcome is NaN,
        infinite or, where it is binary, neither 0 nor 1; one class is missing; a weight is negative or not
        finite, or all are zero.
    """
    if objective not in ("binary", "regression"):
        raise InputError(f"objective is {objective!r}; it must be binary or regression")
    rows, labels = len(index), numbers(aligned(y, index, "y"), "y")
    weighing = np.ones(rows) if sample_weight is None else aligned(sample_weight, index, "sample_weight")
    weights = numbers(weighing, "sample_weight")
    if labels.shape != (rows,) or weights.shape != (rows,):
        raise InputError(f"{rows:,} rows, labels of shape {labels.shape}, weights of shape {weights.shape}")
    breaches = [*_wrong_outcomes(objective, labels), *_wrong_weights(weights)]
    if breaches:
        raise InputError("; ".join(breaches))
    return labels, weights


def _wrong_outcomes(objective: str, labels: Floats) -> Iterator[str]:
    """Yield what is wrong with outcomes, with the number of rows."""
    rows = len(labels)
    missing, infinite = int(np.isnan(labels).sum()), int(np.isinf(labels).sum())
    odd = int((~np.isnan(labels) & ~np.isin(labels, (0, 1))).sum()) if objective == "binary" else 0
    if missing:
        yield f"y is NaN in {missing:,} of {rows:,} rows"
    if odd:
        whole = np.equal(labels, np.floor(labels)) | ~np.isfinite(labels)
        kind = "of other or of several classes" if whole.all() else "continuous"
        yield (
            f"y is neither 0 nor 1 in {odd:,} of {rows:,} rows: it is {kind}. Only binary classification is "
            "supported."
        )
    elif infinite:
        yield f"y is infinite in {infinite:,} of {rows:,} rows"
    if objective == "binary" and not missing and not odd and len(set(labels.tolist())) < 2:
        yield f"y has one class only in {rows:,} rows; train on more snapshots"


def _wrong_weights(weights: Floats) -> Iterator[str]:
    """Yield what is wrong with weights, with the number of rows."""
    rows = len(weights)
    bad = int((~(np.isfinite(weights) & (weights >= 0))).sum())
    if bad:
        yield f"sample_weight is negative, NaN or infinite in {bad:,} of {rows:,} rows"
    elif not weights.any():
        yield f"sample_weight is zero in all of {rows:,} rows"


def training_order(
    index: "pd.Index[Any]", matrix: Floats, y: Floats, weights: Floats
) -> npt.NDArray[np.intp]:
    """Return the order of training rows that depends on their key and content alone.

    Rows are sorted by their index; where keys repeat, by features, label and weight.
    """
    levels = [index.get_level_values(level).factorize(sort=True)[0] for level in range(index.nlevels)]
    ties = [] if index.is_unique else [weights, y, *matrix.T[::-1]]
    return np.lexsort([*ties, *levels[::-1]])
