"""Distinct purchase histories: equal rows of a summary are computed once and weighted by their count."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from crm_ml.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
FIRST_INCLUDED = "first_included"
COLUMNS = ("frequency", "recency", "T")
_CALIBRATION = "_cal"
LARGEST_FREQUENCY = 1_000_000
LARGEST = 1e15


@dataclass(frozen=True, eq=False)
class Histories:
    """Distinct rows of (frequency, recency, T) in ascending order, and the row of each customer.

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
            If it is no valid summary; see `check_summary`.
        """
        summary = plain_names(summary)
        check_summary(summary)
        x = summary["frequency"].to_numpy(dtype=np.int64)
        t_x, T = (summary[name].to_numpy(dtype=np.float64) for name in ("recency", "T"))
        row, first = group_rows([x, t_x, T])
        counts = np.bincount(row, minlength=len(first)).astype(np.float64)
        return cls(x[first], t_x[first], T[first], counts, row)

    @property
    def mean_age(self) -> float:
        """The mean age of customers, T."""
        return float(self.weight @ self.T / self.weight.sum())

    def scaled(self, time: float) -> Self:
        """Return the histories with times divided by `time`."""
        return replace(self, t_x=self.t_x / time, T=self.T / time)

    def weighted(self, weight: Floats) -> Self:
        """Return the histories with other numbers of customers."""
        return replace(self, weight=weight)

    def some(self, rows: int) -> Self:
        """Return about `rows` of the histories, evenly spread over their order."""
        step = max(len(self.x) // rows, 1)
        return self.take(slice(step // 2, None, step))

    def take(self, rows: "Ints | slice") -> Self:
        """Return some of the histories with their weights; the rows of customers stay as they are."""
        return replace(self, x=self.x[rows], t_x=self.t_x[rows], T=self.T[rows], weight=self.weight[rows])

    def of_customers(self, rows: Ints) -> Self:
        """Return the histories of some customers, one for each of them, in their order."""
        each = self.take(self.row[rows])
        return replace(each, weight=np.ones(len(rows)), row=np.arange(len(rows)))

    def apart(self, values: Floats) -> "tuple[Self, Floats]":
        """Return histories that customers of one history but different values have to themselves.

        Parameters
        ----------
        values : numpy.ndarray, shape (n,)
            A value of each customer, such as a horizon.

        Returns
        -------
        histories : Histories, of j distinct ones
        values : numpy.ndarray, shape (j,)
            The value of each.
        """
        row, first = group_rows([self.row, values])
        counts = np.bincount(row, minlength=len(first)).astype(np.float64)
        return replace(self.take(self.row[first]), weight=counts, row=row), values[first]

    def for_each(self, values: Floats) -> Floats:
        """Expand values per history to values per customer, shape (n,) or (n, m)."""
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
    >>> [array.tolist() for array in group_rows([np.array([2, 1, 2]), np.array([0.5, 7.0, 0.5])])]
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


def plain_names(summary: "pd.DataFrame") -> "pd.DataFrame":
    """Return a summary by its plain names; that of a calibration period of lifetimes has ``T_cal`` for T.

    Examples
    --------
    >>> import pandas as pd
    >>> [*plain_names(pd.DataFrame(columns=["frequency_cal", "recency_cal", "T_cal", "duration_holdout"]))]
    ['frequency', 'recency', 'T', 'duration_holdout']
    """
    if "frequency" in summary.columns or f"frequency{_CALIBRATION}" not in summary.columns:
        return summary
    return summary.rename(columns=lambda name: str(name).removesuffix(_CALIBRATION))


def check_summary(summary: "pd.DataFrame", money: Sequence[str] = ()) -> None:
    """Refuse a frame that is not a valid summary.

    Parameters
    ----------
    summary : pandas.DataFrame
        With frequency, recency and T, see `crm_ml.clv.summarize`.
    money : sequence of str
        Further columns of money that are needed.

    Raises
    ------
    InputError
        Listing every problem and its number of rows: missing or non-numeric columns, no rows, values that are
        missing, infinite, negative or implausible (a frequency above a million, anything above 1e15), a
        frequency that is no whole number, a recency above T, or a recency without a repeat purchase.
    """
    if summary.attrs.get(FIRST_INCLUDED):
        raise InputError(
            "summary: it counts first purchases, which no model takes; summarize without include_first"
        )
    names = (*COLUMNS, *money)
    problems = [f"{name} is missing" for name in names if name not in summary.columns]
    kinds = {name: summary[name].dtype for name in names if name in summary.columns}
    problems += [f"{name} is {kind}, no number" for name, kind in kinds.items() if not _is_number(kind)]
    usable = [name for name, kind in kinds.items() if _is_number(kind)]
    values = {name: summary[name].to_numpy(dtype=np.float64, na_value=np.nan) for name in usable}
    rows = len(summary)
    problems += [
        f"{what} in {int(bad.sum()):,} of {rows:,} rows" for what, bad in _wrong(values) if bad.any()
    ]
    if problems or not rows:
        raise InputError(f"summary: {'; '.join(problems) or 'no rows'}; make it with crm_ml.clv.summarize")


def _is_number(kind: Any) -> bool:
    return getattr(kind, "kind", "O") in "iuf"


def _wrong(values: Mapping[str, Floats]) -> Iterator[tuple[str, npt.NDArray[np.bool_]]]:
    """Yield each possible problem of the available columns with a mask of its rows."""
    x, t_x, T = (values.get(name, np.array([np.nan])) for name in COLUMNS)
    with np.errstate(invalid="ignore"):
        for name, column in values.items():
            largest = LARGEST_FREQUENCY if name == "frequency" else LARGEST
            yield f"{name} is missing or infinite", ~np.isfinite(column)
            yield f"{name} is negative", column < 0
            yield f"{name} is above {largest:,.0f}", np.isfinite(column) & (column > largest)
        yield "frequency is no whole number", np.isfinite(x) & (x != np.floor(x))
        yield "recency is above T", t_x > T
        yield "recency is above 0 and frequency is 0", (t_x > 0) & (x == 0)
