"""Distinct purchase histories: equal rows of a summary are judged once and counted."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from crm_ml.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
COLUMNS = ("frequency", "recency", "T")


@dataclass(frozen=True, eq=False)
class Histories:
    """Distinct rows of (frequency, recency, T) in ascending order, and which row each customer has.

    Parameters
    ----------
    x : numpy.ndarray of int, shape (k,)
        Repeat purchases.
    t_x, T : numpy.ndarray of float, shape (k,)
        Time of the last purchase and age, in the unit of the summary.
    weight : numpy.ndarray of float, shape (k,)
        Number of customers.
    row : numpy.ndarray of int, shape (n,)
        Position of each customer's history.
    """

    x: Ints
    t_x: Floats
    T: Floats
    weight: Floats
    row: Ints

    @classmethod
    def of(cls, summary: "pd.DataFrame") -> "Histories":
        """Check a summary and group its equal rows.

        Raises
        ------
        InputError
            If it is no summary; see `check_summary`.
        """
        check_summary(summary)
        x = summary["frequency"].to_numpy(dtype=np.int64)
        t_x, T = (summary[name].to_numpy(dtype=np.float64) for name in ("recency", "T"))
        row, first = group_rows([x, t_x, T])
        counts = np.bincount(row, minlength=len(first)).astype(np.float64)
        return cls(x[first], t_x[first], T[first], counts, row)

    def scaled(self, time: float) -> "Histories":
        """Return the histories with times divided by `time`."""
        return replace(self, t_x=self.t_x / time, T=self.T / time)

    def weighted(self, weight: Floats) -> "Histories":
        """Return the histories with another number of customers each."""
        return replace(self, weight=weight)

    def some(self, rows: int) -> "Histories":
        """Return about `rows` of the histories, evenly spread over their order."""
        step = max(len(self.x) // rows, 1)
        part = slice(step // 2, None, step)
        return replace(self, x=self.x[part], t_x=self.t_x[part], T=self.T[part], weight=self.weight[part])

    def for_each(self, values: Floats) -> Floats:
        """Return a value of each history for each customer, shape (n,) or (n, m)."""
        return np.asarray(values[self.row])


def group_rows(columns: Sequence[npt.NDArray[np.generic]]) -> tuple[Ints, Ints]:
    """Find equal rows of several columns.

    Returns
    -------
    row : numpy.ndarray of int, shape (n,)
        Group of each row; groups stand in ascending order of the columns.
    first : numpy.ndarray of int, shape (k,)
        A row of each group.

    Examples
    --------
    >>> [found.tolist() for found in group_rows([np.array([2, 1, 2]), np.array([0.5, 7.0, 0.5])])]
    [[1, 0, 1], [1, 0]]
    """
    import pandas as pd

    key = np.zeros(len(columns[0]), dtype=np.int64)
    for column in columns:
        codes, levels = pd.factorize(column, sort=True)
        pair, _ = pd.factorize(key * np.int64(len(levels)) + codes, sort=True)
        key = pair.astype(np.int64)
    first = np.empty(int(key.max()) + 1, dtype=np.int64)
    first[key[::-1]] = np.arange(len(key))[::-1]
    return key, first


def check_summary(summary: "pd.DataFrame", money: Sequence[str] = ()) -> None:
    """Refuse a frame that is no summary.

    Parameters
    ----------
    summary : pandas.DataFrame
        With frequency, recency and T, see `crm_ml.clv.summarize`.
    money : sequence of str
        Columns of money that are needed too.

    Raises
    ------
    InputError
        With everything that is wrong and in how many rows: missing columns, no rows, values that are missing,
        infinite or negative, a frequency that is no whole number, a recency above T, or one without a repeat
        purchase.
    """
    missing = [name for name in (*COLUMNS, *money) if name not in summary.columns]
    if missing or not len(summary):
        raise InputError(
            f"summary: {len(summary):,} rows, missing columns: {', '.join(missing) or 'none'}; "
            "make it with crm_ml.clv.summarize"
        )
    values = {name: _numbers(summary, name) for name in (*COLUMNS, *money)}
    x, t_x, T = (values[name] for name in COLUMNS)
    with np.errstate(invalid="ignore"):
        wrong = {f"{name} is missing or infinite": ~np.isfinite(column) for name, column in values.items()}
        wrong |= {f"{name} is negative": column < 0 for name, column in values.items()}
        wrong["frequency is no whole number"] = np.isfinite(x) & (x != np.floor(x))
        wrong["recency is above T"] = t_x > T
        wrong["recency is above 0 and frequency is 0"] = (t_x > 0) & (x == 0)
    found = [f"{what} in {int(rows.sum()):,}" for what, rows in wrong.items() if rows.any()]
    if found:
        raise InputError(f"summary: {'; '.join(found)} of {len(summary):,} rows; mend or drop these rows")


def _numbers(summary: "pd.DataFrame", name: str) -> Floats:
    try:
        return summary[name].to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise InputError(f"summary: {name} holds values that are no numbers: {error}") from error
