"""Count the columns of a profile: in a frame, or out of core in any table that DuckDB reads."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from crm_ml.monitoring.bins import Texts, batches
from crm_ml.monitoring.drift_verdict import Counted
from crm_ml.monitoring.training_profile import ProfiledColumn, lower_median
from crm_ml.tables.column_kinds import names_of, numbers
from crm_ml.tables.sql import ident

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

_AT_ONCE = 4
_PARTS = 2**32  # a mean of probabilities is a sum of whole parts: the order of rows changes no bit of it


def in_frame(columns: Sequence[ProfiledColumn], X: "pd.DataFrame") -> list[Counted]:
    """Count the columns of a frame.

    Parameters
    ----------
    columns : sequence of ProfiledColumn
    X : pandas.DataFrame
        With all of these columns.

    Raises
    ------
    InputError
        If a number of the profile is a text in the frame.
    """
    return [
        _of_values(
            column,
            names_of(X[column.name])
            if isinstance(column.bins, Texts)
            else numbers(X[column.name], column.name),
        )
        for column in columns
    ]


def in_table(columns: Sequence[ProfiledColumn], table: "duckdb.DuckDBPyRelation") -> list[Counted]:
    """Count the columns of a table, a few at a time, without loading its rows.

    Parameters
    ----------
    columns : sequence of ProfiledColumn
        A column that the table lacks counts as missing in all rows.
    table : duckdb.DuckDBPyRelation
    """
    present = set(table.columns)
    known = {column.name: column for column in columns if column.name in present}
    counted: dict[str, Counted] = {}
    for names in batches(list(known), _AT_ONCE):
        queries = {name: _expressions(known[name]) for name in names}
        asked = ["count(*)", *(expression for each in queries.values() for expression in each)]
        row = _one_row(table, asked)
        rest = iter(row[1:])
        for name, expressions in queries.items():
            counted[name] = _of_row(known[name], _take(rest, len(expressions)), row[0])
    total = 0 if len(known) == len(columns) else _one_row(table, ["count(*)"])[0]
    return [counted.get(column.name) or _absent(column, total) for column in columns]


def _one_row(table: "duckdb.DuckDBPyRelation", expressions: Sequence[str]) -> Sequence[Any]:
    """Return one row of aggregates; nulls, which ``count_if`` gives for all-null columns, become 0."""
    rows: Sequence[Sequence[Any]] = table.aggregate(", ".join(expressions)).fetchall()
    return [0 if value is None else value for value in rows[0]]


def _expressions(column: ProfiledColumn) -> list[str]:
    name = ident(column.name)
    counts = column.bins.expressions(column.name)
    if isinstance(column.bins, Texts):
        return [*counts, column.bins.others(column.name)]
    name = f"TRY_CAST({name} AS DOUBLE)"
    above = f"{name} > 0 AND NOT isnan({name})"
    parts = f"sum(TRY_CAST(round({name} * {_PARTS}) AS HUGEINT)) FILTER (WHERE {name} BETWEEN 0 AND 1)"
    return [
        *counts,
        f"count_if({above})",
        f"quantile_disc({name}, 0.5) FILTER (WHERE {above})",
        f"count_if({name} BETWEEN 0 AND 1)",
        parts,
    ]


def _take(values: Iterator[Any], count: int) -> list[Any]:
    return [next(values) for _ in range(count)]


def _of_row(column: ProfiledColumn, row: Sequence[Any], total: int) -> Counted:
    if isinstance(column.bins, Texts):
        return Counted(column, column.bins.counted(row[:-1], total), levels=int(row[-1]))
    *counts, above, median, shares, parts = row
    mean = None if not shares or shares < total else int(parts) / _PARTS / int(shares)
    known = float(median) if above else None
    return Counted(column, column.bins.counted(counts, total), int(above), known, mean=mean)


def _of_values(column: ProfiledColumn, values: Any) -> Counted:
    import pandas as pd

    counts = column.bins.count(values)
    if isinstance(column.bins, Texts):
        texts = pd.Series(values, dtype=object).dropna()
        return Counted(column, counts, levels=int(texts[~texts.isin(column.bins.levels)].nunique()))
    above = values[values > 0]
    median = lower_median(above) if len(above) else None
    shares = values[(values >= 0) & (values <= 1)]
    parts = int(np.rint(shares * float(_PARTS)).astype(np.int64).sum())
    mean = parts / _PARTS / len(shares) if len(values) and len(shares) == len(values) else None
    return Counted(column, counts, len(above), median, mean=mean)


def _absent(column: ProfiledColumn, total: int) -> Counted:
    counts = np.zeros(column.bins.size, dtype=np.int64)
    counts[-1] = total
    return Counted(column, counts)
