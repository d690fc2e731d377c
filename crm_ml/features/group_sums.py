"""Sums that feature groups take from the same rows, all of them computed in one pass over these rows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import narwhals as nw

from crm_ml.errors import ConfigError
from crm_ml.features.departments import department_rows
from crm_ml.features.expressions import integers
from crm_ml.features.past import ROW, Past
from crm_ml.tables.scratch_frames import Scratch, left_join

Source = Literal["sales", "order_days", "departments"]
_ROWS: dict[Source, "Callable[[Past], nw.LazyFrame[Any]]"] = {
    "sales": lambda past: past.sales,
    "order_days": lambda past: past.order_days,
    "departments": department_rows,
}


@dataclass(frozen=True, eq=False)
class Sum:
    """A sum, minimum or maximum of an integer expression over the rows of a customer at a snapshot.

    Parameters
    ----------
    source : {"sales", "order_days", "departments"}
        Rows of `Past.sales`, `Past.order_days` or `departments.department_rows`.
    value : narwhals.Expr
        Of columns of the rows; null is left out.
    how : {"sum", "min", "max"}
    """

    source: Source
    value: nw.Expr
    how: Literal["sum", "min", "max"] = "sum"


@dataclass(frozen=True)
class GroupSums:
    """What a group adds up, and its columns as expressions of these sums.

    Parameters
    ----------
    sums : mapping of str to Sum
        By name. Groups share a sum where the same `Sum` stands under the same name; see `order_totals`.
    columns : mapping of str to narwhals.Expr
        The columns of the group. The sums of a customer without rows in a source are null.
    lookups : mapping of str to narwhals.LazyFrame
        By the name of a sum, a frame with one row for each of its values, whose other columns are joined.
    """

    sums: Mapping[str, Sum]
    columns: Mapping[str, nw.Expr]
    lookups: "Mapping[str, nw.LazyFrame[Any]]" = field(default_factory=dict)


class SharedSums:
    """The sums of several groups, computed by `frames`, one pass a source.

    Parameters
    ----------
    past : Past
    """

    def __init__(self, past: Past) -> None:
        self.past = past
        self.columns: dict[str, list[str]] = {}
        self._sums: dict[str, Sum] = {}
        self._expressions: dict[str, nw.Expr] = {}
        self._lookups: dict[str, nw.LazyFrame[Any]] = {}

    def add(self, group: str, sums: GroupSums) -> None:
        """Take the sums and columns of a group.

        Raises
        ------
        ConfigError
            If a group before it has another sum of the same name.
        """
        for name, value in sums.sums.items():
            if self._sums.setdefault(name, value) is not value:
                raise ConfigError(
                    f"features: {group} has another sum {name} than a group before it; rename it"
                )
        self.columns[group] = sorted(sums.columns)
        self._expressions |= sums.columns
        self._lookups |= sums.lookups

    def compute(self, results: Scratch) -> None:
        """Compute the sums of each source, and the lookups, into frames of `results`."""
        self._frames = [
            results.once(source, self._summing(source, rows))
            for source, rows in _ROWS.items()
            if any(one.source == source for one in self._sums.values())
        ]
        self._named = {name: results.hold(f"lookup {name}", frame) for name, frame in self._lookups.items()}

    def joined(self, known: "nw.LazyFrame[Any]") -> "nw.LazyFrame[Any]":
        """Return the rows of `known` with the columns of all groups, after `compute`."""
        sums = left_join(known, self._frames, on=ROW)
        for name, frame in self._named.items():
            sums = sums.join(frame, on=name, how="left")
        return sums.select(*known.collect_schema().names(), **self._expressions)

    def _summing(
        self, source: Source, rows: "Callable[[Past], nw.LazyFrame[Any]]"
    ) -> "Callable[[], nw.LazyFrame[Any]]":
        """Return what sums the rows of a source. Values are columns first: pandas sums no conditional."""
        sums = {name: one for name, one in self._sums.items() if one.source == source}

        def build() -> "nw.LazyFrame[Any]":
            values = {name: one.value for name, one in sums.items()}
            summed = [getattr(nw.col(name), one.how)() for name, one in sums.items()]
            return integers(rows(self.past).select(ROW, **values).group_by(ROW).agg(*summed))

        return build
