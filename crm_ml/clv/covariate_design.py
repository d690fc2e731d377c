"""Covariates of customers as numbers: columns as they are, and an indicator for each level of a text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from crm_ml.clv.purchase_histories import LARGEST, Floats
from crm_ml.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

MISSING = "missing"
MOST_LEVELS = 30


@dataclass(frozen=True)
class Column:
    """A number that follows from a covariate.

    Parameters
    ----------
    source : str
        The column of the summary.
    level : str or None
        The text that it indicates; None for a number as it is.
    usual : float
        Mean over the customers of the fit, taken where a customer's value is missing or a text not known.
    known : tuple of str
        All texts of the covariate at the fit.
    """

    source: str
    level: str | None
    usual: float
    known: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Name in those of the parameters, such as ``channel=shop``."""
        return self.source if self.level is None else f"{self.source}={self.level}"


@dataclass(frozen=True)
class Design:
    """The numbers that the covariates of customers become.

    Parameters
    ----------
    columns : tuple of Column
        Of a text with levels a, b and c those that indicate b and c: a, the first, is what they are compared
        to.
    """

    columns: tuple[Column, ...] = ()

    @classmethod
    def learn(cls, summary: "pd.DataFrame", names: Sequence[str]) -> "Design":
        """Learn levels and means of the covariates of some customers.

        Raises
        ------
        InputError
            Listing every problem: a column that is missing, neither number nor text, has missing numbers or
            more than 30 texts.
        """
        problems = [f"{name} is missing" for name in names if name not in summary.columns]
        columns: list[Column] = []
        for name in names:
            if name in summary.columns:
                found = _columns(summary[name])
                problems += [found] if isinstance(found, str) else []
                columns += [] if isinstance(found, str) else found
        if problems:
            raise InputError(f"summary: of the covariates {'; '.join(problems)}")
        return cls(tuple(columns))

    def matrix(self, summary: "pd.DataFrame") -> Floats:
        """Return the numbers of customers, shape (columns, n).

        Raises
        ------
        InputError
            If a covariate has no column, or is no number where it was one.
        """
        sources = dict.fromkeys(column.source for column in self.columns)
        absent = [name for name in sources if name not in summary.columns]
        if absent:
            raise InputError(
                f"summary: the covariates {', '.join(absent)} are missing; add them as columns, those of the "
                "table of customers by crm_ml.clv.with_attributes"
            )
        rows = [_numbers(summary[column.source], column) for column in self.columns]
        return np.array(rows).reshape(len(self.columns), len(summary))

    def places(self, names: Sequence[str]) -> list[int]:
        """Return the positions of the columns of some covariates."""
        return [place for place, column in enumerate(self.columns) if column.source in names]

    def as_list(self) -> list[dict[str, Any]]:
        """Return the columns, ready for JSON."""
        return [vars(column) for column in self.columns]

    @classmethod
    def from_list(cls, content: Sequence[Mapping[str, Any]]) -> "Design":
        """Return the design that `as_list` described."""
        return cls(tuple(Column(**{**column, "known": tuple(column["known"])}) for column in content))


def _columns(values: "pd.Series[Any]") -> list[Column] | str:
    """Return the columns of a covariate, or what is wrong with it."""
    name = str(values.name)
    if _is_number(values):
        numbers = _as_floats(values)
        wrong = int((~(np.isfinite(numbers) & (np.abs(numbers) <= LARGEST))).sum())
        if wrong:
            return f"{name} is missing, infinite or above {LARGEST:,.0f} in {wrong:,} of {len(values):,} rows"
        return [Column(name, None, float(numbers.mean()))]
    if str(values.dtype) not in ("object", "str", "string", "category"):
        return f"{name} is {values.dtype}; give numbers, booleans or texts"
    texts = _texts(values)
    levels, counts = np.unique(texts, return_counts=True)
    if len(levels) > MOST_LEVELS:
        return f"{name} has {len(levels):,} texts, above {MOST_LEVELS}; join them to fewer"
    shares = counts / max(len(values), 1)
    known = tuple(levels.tolist())
    return [
        Column(name, level, share, known) for level, share in zip(known[1:], shares[1:].tolist(), strict=True)
    ]


def _numbers(values: "pd.Series[Any]", column: Column) -> Floats:
    if column.level is not None:
        texts = _texts(values)
        return np.where(np.isin(texts, column.known), texts == column.level, column.usual)
    if not _is_number(values):
        raise InputError(
            f"summary: the covariate {column.source} is {values.dtype}, but was a number at the fit"
        )
    numbers = _as_floats(values)
    return np.where(np.isfinite(numbers), numbers, column.usual)


def _is_number(values: "pd.Series[Any]") -> bool:
    return getattr(values.dtype, "kind", "O") in "iufb"


def _as_floats(values: "pd.Series[Any]") -> Floats:
    return values.to_numpy(dtype=np.float64, na_value=np.nan)


def _texts(values: "pd.Series[Any]") -> Any:
    """Return texts as an array, with a word for a missing one."""
    return np.where(values.isna(), MISSING, values.astype(object).map(str)).astype(str)
