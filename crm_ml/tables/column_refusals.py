"""Refusals by the cells of a column: what is wrong, in how many rows, how a cell looks, what to declare."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from crm_ml.tables.cell_shape import shown_of_file
from crm_ml.tables.contract import Column
from crm_ml.tables.declared_form import form_to_declare
from crm_ml.tables.failing_cells import written_as
from crm_ml.tables.limits import limit
from crm_ml.tables.staging import Staged
from crm_ml.tables.times import MICROSECONDS

if TYPE_CHECKING:
    import duckdb

_ZONES = ("aware", "naive")
_OUT_OF_TIME = ("sentinel", "implausible", "unreadable")
_FORMS = {
    "fractional": ("has a fraction of a cent", "declare unit: major"),
    "thousands": ("separates thousands", "declare thousands: ','"),
    "decimal_comma": (
        "has a comma before its decimals",
        "declare decimal: ',' (and thousands: '.' if it has one)",
    ),
    "currency_sign": (
        "has a sign of a currency that is not declared",
        "declare currency: {code: ...}, or map the column currency and give currency.rates",
    ),
}
_OF_SIGNS = ("thousands", "decimal_comma")


def refuse_by_counts(connection: "duckdb.DuckDBPyConnection", staged: Staged) -> None:
    """Refuse empty tables, columns that are mostly invalid, and mixed times, by counts of single rows.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
    staged : Staged
        A typed table; its refusals and warnings are added to.
    """
    if staged.report.read == 0 and staged.report.left_out:
        parts = " and ".join(staged.report.left_out)
        rows = sum(staged.report.left_out.values())
        staged.refusals.append(
            f"{parts} leave{'s' if len(staged.report.left_out) == 1 else ''} none of its {rows:,} rows; "
            "compare with the cells of the file; present are "
            f"{shown_of_file(staged.types, staged.types, staged.used)}"
        )
        return
    if staged.report.read == 0:
        staged.refusals.append("has no rows; export it again or leave the table out")
        return
    for column in (*staged.columns, *staged.order_amounts):
        if column.name in staged.mapped:
            staged.refusals += list(_of_column(CountedColumn(connection, staged, column)))


@dataclass(frozen=True)
class CountedColumn:
    """A column of a typed table with the counts of its checks."""

    connection: "duckdb.DuckDBPyConnection"
    staged: Staged
    column: Column

    def rows(self, kind: str) -> int:
        """Return the rows with a fault, 0 where it is not looked for."""
        return self.staged.counts.get(f"{kind}_{self.column.name}", 0)

    def limit(self, kind: str) -> float:
        """Return the most rows with a fault."""
        return limit(self.staged.mapping.allow, kind, self.column.name) * self.staged.report.read

    def is_beyond(self, kind: str) -> bool:
        """Return whether more rows have a fault than may have it."""
        return self.rows(kind) > self.limit(kind)

    def cell(self, *kinds: str) -> str:
        """Return how the first cell with one of these faults is written."""
        rows = [row for kind in kinds if (row := self.staged.first.get(f"{kind}_{self.column.name}", 0))]
        return written_as(self.connection, self.staged, self.column.name, min(rows, default=0))

    def where(self, kind: str, text: str) -> str:
        """Return what is so in how many rows, and the first one."""
        first = self.staged.first[f"{kind}_{self.column.name}"]
        return (
            f"{self.column.name} {text} in {self.rows(kind):,} of {self.staged.report.read:,} rows "
            f"(first: row {first:,})"
        )

    def fault(self, kind: str, text: str) -> str:
        """Return `where` and how the cell of the first row is written."""
        return self.where(kind, text) + self.cell(kind)

    def to_declare(self, otherwise: str, *kinds: str) -> str:
        """Return what to declare by the look of the cells with a fault, or `otherwise`."""
        form = form_to_declare(self.connection, self.staged, self.column, kinds)
        return f"declare {form}" if form else otherwise


def _of_column(counted: CountedColumn) -> Iterator[str]:
    if counted.is_beyond("null"):
        yield counted.fault("null", "is null") + "; fill them at the source or map another column"
    kind = counted.column.kind
    forms = [*(_of_times(counted) if kind == "time" else _of_numbers(counted))]
    yield from forms
    if counted.is_beyond("unreadable") and not forms:
        advice = counted.to_declare("map another column or declare its form", "unreadable")
        yield counted.fault("unreadable", f"can't be read as {kind}") + f"; {advice}"
    if counted.is_beyond("future"):
        yield counted.fault("future", "is at or after known_until") + "; correct known_until or the times"


def _of_numbers(counted: CountedColumn) -> Iterator[str]:
    for kind, (text, advice) in _FORMS.items():
        if counted.is_beyond(kind):
            to_do = counted.to_declare(advice, kind) if kind in _OF_SIGNS else advice
            yield f"{counted.fault(kind, text)}; {to_do}"


def _of_times(counted: CountedColumn) -> Iterator[str]:
    name, staged = counted.column.name, counted.staged
    if counted.is_beyond("digits"):
        text = counted.fault("digits", "is digits only, a date as a number or an epoch,")
        yield f"{text}; {counted.to_declare('declare format or epoch', 'digits')}"
    elif _out_of_time(counted) > counted.limit("implausible"):
        yield _implausible(counted)
    if counted.rows("day_only") and counted.rows("naive"):
        text = counted.where("day_only", "is a day without a clock")
        staged.report.warnings.append(f"{text}, taken as its midnight, while other rows have a clock")
    if all(counted.rows(kind) for kind in _ZONES):
        yield (
            f"{name} has a time zone in {counted.rows('aware'):,} rows and none in {counted.rows('naive'):,} "
            f"rows (first: row {staged.first[f'naive_{name}']:,}){counted.cell('naive')}, with a zone"
            f"{counted.cell('aware').removeprefix(',')}; write all in one way"
        )


def _implausible(counted: CountedColumn) -> str:
    """Return the refusal of a column whose times are mostly implausible, with the unit of epoch that fits."""
    fits = _fits(counted)
    text = (
        f"{counted.column.name} lies outside 1971 to 2099 in {_out_of_time(counted):,} of "
        f"{counted.staged.report.read:,} rows{counted.cell(*_OUT_OF_TIME)}"
    )
    unit = max(fits, key=lambda unit: fits[unit])
    if fits[unit]:
        return f"{text}; declare epoch: {unit}, by which {fits[unit]:,} rows are plausible"
    return f"{text}; {counted.to_declare('map another column or declare its form', *_OUT_OF_TIME)}"


def _out_of_time(counted: CountedColumn) -> int:
    """Return the rows of implausible time, and those beyond any calendar where another unit fits."""
    kinds = _OUT_OF_TIME if any(_fits(counted).values()) else _OUT_OF_TIME[:-1]
    return sum(map(counted.rows, kinds))


def _fits(counted: CountedColumn) -> dict[str, int]:
    return {unit: counted.rows(f"fits_{unit}") for unit in MICROSECONDS}
