"""Checks of an experiment: average effect, sample ratio and balance of the arms."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from crm_ml.errors import InputError
from crm_ml.evaluation.ranking import Floats
from crm_ml.evaluation.significance import Interval
from crm_ml.evaluation.uplift_ranking import check_uplift
from crm_ml.evaluation.wilson import Z95
from crm_ml.tables.cell_shape import shown_labels

if TYPE_CHECKING:
    import pandas as pd

SMALLEST_P = 0.001
LARGEST_DIFFERENCE = 0.1
_LEVELS = 20
_LEAST_EXPECTED = 5  # rows of an arm


def average_effect(y: npt.ArrayLike, treatment: npt.ArrayLike) -> Interval:
    """Return the difference of mean outcomes, treated minus untreated, with its 95 % interval.

    Parameters
    ----------
    y : array-like of float, shape (n,)
    treatment : array-like of {0, 1}, shape (n,)

    Raises
    ------
    InputError
        If values are invalid, or an arm has fewer than two rows.

    Notes
    -----
    Variance ``s_t^2 / n_t + s_c^2 / n_c``, normal interval.

    References
    ----------
    .. [1] Imbens and Rubin (2015). Causal inference for statistics, social, and biomedical sciences,
       section 6.5 (Neyman's variance).

    Examples
    --------
    >>> str(average_effect([1, 1, 0, 1, 0, 0, 0, 1], [1, 1, 1, 1, 0, 0, 0, 0]))
    '0.5000 [-0.1930, 1.1930]'
    """
    outcomes, _, arms = check_uplift(y, y, treatment)
    parts = [outcomes[arms == arm] for arm in (1, 0)]
    small = [name for name, part in zip(("treated", "untreated"), parts, strict=True) if len(part) < 2]
    if small:
        raise InputError(f"average effect: fewer than two {' and '.join(small)} rows; give more")
    difference = float(parts[0].mean() - parts[1].mean())
    half = Z95 * float(np.sqrt(sum(part.var(ddof=1) / len(part) for part in parts)))
    return Interval(difference, difference - half, difference + half)


@dataclass(frozen=True)
class SampleRatio:
    """Observed sizes of the arms beside the declared ones.

    Parameters
    ----------
    counts, expected : mapping of str to float
        Rows of each arm, and the number expected by its declared probability.
    p_value : float
        Of the chi-square test.
    """

    counts: Mapping[str, int]
    expected: Mapping[str, float]
    p_value: float

    @property
    def holds(self) -> bool:
        """Whether the counts agree with the declared shares (p at least 0.001)."""
        return self.p_value >= SMALLEST_P

    def __str__(self) -> str:
        shown = ", ".join(
            f"{arm} {n:,} of {self.expected[arm]:,.0f} expected" for arm, n in self.counts.items()
        )
        return f"{shown} (p = {self.p_value:.3g})"


def sample_ratio(
    arm: npt.ArrayLike,
    probabilities: Mapping[str, "float | npt.ArrayLike"],
    stratum: npt.ArrayLike | None = None,
) -> SampleRatio:
    """Compare the sizes of the arms with their declared probabilities.

    A mismatch means that rows were lost or added after randomisation, which invalidates the comparison.

    Parameters
    ----------
    arm : array-like of str, shape (n,)
    probabilities : mapping of str to float or array-like of float, shape (n,)
        Declared probability of each arm, of all rows or of each; scaled to sum to 1.
    stratum : array-like, shape (n,), optional
        Such as the trial; the arms are compared in all rows and in each stratum, and the p-value is twice the
        smaller of the two. Strata in which an arm has fewer than five expected rows count as one.

    Raises
    ------
    InputError
        If an arm has no declared probability, a declared one is not above 0, or lengths differ.

    Notes
    -----
    ``d' C^+ d`` with d the observed less the expected counts and ``C = sum diag(p) - p p'``: Pearson's
    chi-square where all rows have the same probabilities.

    References
    ----------
    .. [1] Fabijan et al. (2019). Diagnosing sample ratio mismatch in online controlled experiments. KDD.

    Examples
    --------
    >>> sample_ratio(["a"] * 60 + ["b"] * 40, {"a": 0.5, "b": 0.5}).holds
    True
    """
    names = np.asarray(arm, dtype=str)
    arms = sorted(probabilities)
    groups = np.zeros(len(names)) if stratum is None else np.asarray(stratum)
    declared = [np.asarray(probabilities[name], float) for name in arms]
    if groups.shape != names.shape or any(each.shape not in ((), names.shape) for each in declared):
        raise InputError(
            f"sample ratio: {len(names):,} rows, strata of shape {groups.shape}, probabilities of shape "
            f"{', '.join(str(each.shape) for each in declared)}; give one number, or one for each row"
        )
    p = np.column_stack([np.broadcast_to(each, names.shape) for each in declared])
    unknown = sorted(set(names.tolist()) - set(arms))
    wrong = [name for place, name in enumerate(arms) if (p[:, place] < 0).any() or not p[:, place].sum() > 0]
    if unknown or wrong:
        raise InputError(
            f"sample ratio: no declared probability of {shown_labels(unknown)}, "
            f"not above 0: {', '.join(wrong) or 'none'}"
        )
    p = p / p.sum(axis=1, keepdims=True)
    drawn = names[:, None] == np.array(arms)
    parts = [_count_square(drawn[rows], p[rows]) for rows in _strata(groups, p)]
    p_value = _chi2_p(*_count_square(drawn, p))
    if len(parts) > 1:
        squares, freedom = (sum(part) for part in zip(*parts, strict=True))
        p_value = min(1.0, 2 * min(p_value, _chi2_p(squares, freedom)))
    counts, expected = drawn.sum(axis=0), p.sum(axis=0)
    return SampleRatio(
        {name: int(n) for name, n in zip(arms, counts, strict=True)},
        {name: float(n) for name, n in zip(arms, expected, strict=True)},
        p_value,
    )


def _strata(groups: npt.NDArray[Any], p: Floats) -> list[npt.NDArray[np.bool_]]:
    """Return the rows of each stratum, and as one those where too few rows of an arm are expected."""
    _, place = np.unique(groups, return_inverse=True)
    expected = np.column_stack([np.bincount(place, each) for each in p.T])
    is_small = np.asarray(((expected > 0) & (expected < _LEAST_EXPECTED)).any(axis=1))
    parts = [*(place == number for number in np.flatnonzero(~is_small)), is_small[place]]
    return [rows for rows in parts if rows.any()]


def _count_square(drawn: npt.NDArray[np.bool_], p: Floats) -> tuple[float, int]:
    """Return the squared distance of the counts from the expected ones, and its degrees of freedom."""
    covariance = np.diag(p.sum(axis=0)) - p.T @ p
    distance = drawn.sum(axis=0) - p.sum(axis=0)
    return float(distance @ np.linalg.pinv(covariance, rcond=1e-9) @ distance), int(
        (p > 0).any(axis=0).sum()
    ) - 1


def _chi2_p(square: float, freedom: int) -> float:
    from scipy.special import chdtrc

    return float(chdtrc(freedom, square)) if freedom else 1.0


def balance(X: "pd.DataFrame", treatment: npt.ArrayLike) -> "pd.DataFrame":
    """Return the standardised difference of the arms in each feature, the largest first.

    Parameters
    ----------
    X : pandas.DataFrame, shape (n, k)
        Numbers and text known before the treatment. Of text the 20 most frequent levels are compared, with
        missing as a level. A number that is missing in some rows gets a second row for missingness.
    treatment : array-like of {0, 1}, shape (n,)

    Returns
    -------
    pandas.DataFrame
        Columns feature, treated, untreated (means or shares) and difference in standard deviations; values
        beyond 0.1 deserve attention.

    References
    ----------
    .. [1] Austin (2009). Balance diagnostics for comparing the distribution of baseline covariates between
       treatment groups. Statistics in Medicine 28, section 3 (standardized difference).
    """
    import pandas as pd

    arms = np.asarray(treatment, dtype=float)
    rows = [row for name in X.columns for row in _differences(str(name), X[name], arms)]
    table = pd.DataFrame(rows, columns=["feature", "treated", "untreated", "difference"])
    order = table["difference"].abs().sort_values(ascending=False, kind="stable").index
    return table.loc[order].reset_index(drop=True)


def _differences(name: str, values: "pd.Series", arms: Floats) -> list[tuple[str, float, float, float]]:
    import pandas as pd

    missing = values.isna().to_numpy(dtype=bool)
    if pd.api.types.is_numeric_dtype(values.dtype):
        numbers = values.to_numpy(dtype=float, na_value=np.nan)
        columns = {name: np.where(missing, np.nan, numbers)}
        if missing.any():
            columns[f"{name} is missing"] = missing.astype(float)
    else:
        texts = values.astype(object).where(~missing, "missing").astype(str)
        levels = texts.value_counts().sort_index().sort_values(ascending=False, kind="stable").index[:_LEVELS]
        columns = {f"{name} = {level}": (texts == level).to_numpy(dtype=float) for level in levels}
    return [_difference(label, column, arms) for label, column in columns.items()]


def _difference(label: str, column: Floats, arms: Floats) -> tuple[str, float, float, float]:
    treated, untreated = (column[(arms == arm) & ~np.isnan(column)] for arm in (1, 0))
    if not len(treated) or not len(untreated):
        return label, float("nan"), float("nan"), float("nan")
    spread = float(np.sqrt((treated.var() + untreated.var()) / 2))
    gap = float(treated.mean() - untreated.mean())
    return label, float(treated.mean()), float(untreated.mean()), gap / spread if spread > 0 else 0.0
