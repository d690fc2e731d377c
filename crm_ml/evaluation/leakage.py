"""Leak checks: features that reveal the label, and features that use rows from the future."""

from collections.abc import Collection
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from crm_ml.customer_hash import customer_folds
from crm_ml.errors import InputError, LeakError
from crm_ml.evaluation.ranking import Floats, check_binary
from crm_ml.tables.column_kinds import numbers, plain_values
from crm_ml.tables.outside_frames import aligned

if TYPE_CHECKING:
    import pandas as pd

LIMIT = 0.99
_NUMBER_BINS = 64


def check_leaks(
    X: "pd.DataFrame", y: npt.ArrayLike, allow: Collection[str] = (), limit: float = LIMIT
) -> "dict[str, float]":
    """Refuse features that alone nearly predict the label.

    The AUC of a feature is the best of: its values in both directions, with missing values lowest or
    highest; and the label rate of its categories (or of 64 bins of a number), learned on one half of the
    rows and evaluated on the other, so that a category for each customer does not look like a leak.

    Parameters
    ----------
    X : pandas.DataFrame, shape (n, k)
        If the index has a level ``customer_id``, the halves split customers, not rows.
    y : array-like of {0, 1}, shape (n,)
        A Series is put into the order of the index of X.
    allow : collection of str
        Features that are accepted above the limit.
    limit : float

    Returns
    -------
    dict of str to float
        Single AUC of each feature, from .5 to 1.

    Raises
    ------
    LeakError
        If features are above the limit and not allowed; the message names all with their AUC.
    InputError
        If labels are invalid, or their number or index is not that of the rows.

    Examples
    --------
    >>> import pandas as pd
    >>> y = np.arange(100) % 2
    >>> check_leaks(pd.DataFrame({"orders_next_month": 5 - 5 * y}), y)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    crm_ml.errors.LeakError: 1 feature gives the label away: orders_next_month (AUC 1.0000, limit 0.99); ...
    """
    labels, _ = check_binary(numbers(aligned(y, X.index, "y"), "y"), np.zeros(len(X)))
    half = _halves(X)
    areas = {str(name): single_auc(X[name], labels, half) for name in X.columns}
    leaks = {name: area for name, area in areas.items() if area > limit and name not in allow}
    if leaks:
        verb = "feature gives" if len(leaks) == 1 else "features give"
        listed = ", ".join(f"{name} (AUC {area:.4f}, limit {limit})" for name, area in leaks.items())
        raise LeakError(
            f"{len(leaks)} {verb} the label away: {listed}; drop {'it' if len(leaks) == 1 else 'them'} or, "
            f"if {'it is' if len(leaks) == 1 else 'they are'} known at the snapshot, set "
            f"allow_leaks: [{', '.join(leaks)}]"
        )
    return areas


def single_auc(values: "pd.Series", y: Floats, half: npt.NDArray[np.bool_]) -> float:
    """Return the best AUC of one feature alone; see `check_leaks`.

    Parameters
    ----------
    values : pandas.Series, shape (n,)
        Numbers, booleans or text.
    y : numpy.ndarray of {0, 1}, shape (n,)
    half : numpy.ndarray of bool, shape (n,)
    """
    import pandas as pd

    plain = plain_values(values)
    if plain.dtype == object:
        return category_auc(pd.factorize(plain, use_na_sentinel=False)[0], y, half)
    bounded, missing = np.clip(plain, -1e300, 1e300), np.isnan(plain)
    ends = (-np.inf, np.inf) if missing.any() else (-np.inf,)
    ranks = [np.unique(np.where(missing, end, bounded), return_inverse=True)[1] for end in ends]
    by_rate = category_auc(_bins(ranks[0]), y, half)
    direct = [_rank_auc(rank, y) for rank in ranks]
    return max(*direct, *(1 - area for area in direct), by_rate)


def check_point_in_time(with_later: "pd.DataFrame", without_later: "pd.DataFrame") -> None:
    """Refuse features that change when rows at or after `as_of` are removed.

    Parameters
    ----------
    with_later : pandas.DataFrame
        Feature matrix built from all rows.
    without_later : pandas.DataFrame
        The same built from the rows strictly before `as_of`.

    Raises
    ------
    LeakError
        If customers, columns or values are not exactly equal; the message names every column that differs
        and in how many rows.
    """
    breaches = []
    extra = with_later.index.symmetric_difference(without_later.index)
    if len(extra):
        breaches.append(f"{len(extra):,} customers stand in only one of the two matrices")
    columns = with_later.columns.symmetric_difference(without_later.columns)
    if len(columns):
        breaches.append(f"columns in only one of the two: {', '.join(map(str, columns))}")
    rows = with_later.index.intersection(without_later.index)
    for name in with_later.columns.intersection(without_later.columns):
        count = _differences(with_later.loc[rows, name], without_later.loc[rows, name])
        if count:
            breaches.append(f"{name} differs in {count:,} of {len(rows):,} rows")
    if breaches:
        raise LeakError(
            f"features know rows at or after as_of: {'; '.join(breaches)}; read tables through snapshot.past"
        )


def _differences(a: "pd.Series", b: "pd.Series") -> int:
    if a.dtype != b.dtype:
        return len(a)
    same = (a == b).fillna(False).to_numpy(dtype=bool) | (a.isna() & b.isna()).to_numpy(dtype=bool)
    return int((~same).sum())


def _halves(X: "pd.DataFrame") -> npt.NDArray[np.bool_]:
    named = "customer_id" in X.index.names
    ids = X.index.get_level_values("customer_id").to_numpy() if named else np.arange(len(X))
    return np.asarray(customer_folds(ids, 2, key="leak gate") == 0)


def _bins(rank: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    counts = np.bincount(rank)
    if len(counts) <= _NUMBER_BINS:
        return rank
    below = np.cumsum(counts) - counts
    return np.asarray(below[rank] * _NUMBER_BINS // len(rank))


def category_auc(code: npt.NDArray[np.int64], y: Floats, half: npt.NDArray[np.bool_]) -> float:
    """Return the mean AUC of label rates learned on one half of the rows and evaluated on the other.

    Parameters
    ----------
    code : numpy.ndarray of int, shape (n,)
        Category of each row, from 0 on.
    y : numpy.ndarray of {0, 1}, shape (n,)
    half : numpy.ndarray of bool, shape (n,)

    Raises
    ------
    InputError
        If a half lacks a class.
    """
    areas = []
    for learn in (half, ~half):
        judged = y[~learn]
        if not learn.any() or not 0 < judged.sum() < len(judged):
            raise InputError("the leak gate needs rows of both classes in each half; give more rows")
        rows = np.bincount(code[learn], minlength=code.max() + 1)
        positives = np.bincount(code[learn], weights=y[learn], minlength=len(rows))
        rate = np.where(rows > 0, positives / np.maximum(rows, 1), y[learn].mean())
        rank = np.unique(rate, return_inverse=True)[1]
        areas.append(_rank_auc(rank[code[~learn]], judged))
    return max(0.5, float(np.mean(areas)))


def _rank_auc(rank: npt.NDArray[np.int64], y: Floats) -> float:
    """Return the AUC of whole numbers from 0 on, as `auc` of `crm_ml.evaluation.classification`, unsorted."""
    positives = np.bincount(rank, weights=y)
    negatives = np.bincount(rank) - positives
    below = np.cumsum(negatives) - negatives / 2
    return float((positives * below).sum() / (positives.sum() * negatives.sum()))
