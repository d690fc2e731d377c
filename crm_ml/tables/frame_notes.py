"""What a user of `crm_ml.tables.from_frame` is told: equal rows that are kept, and many rows set aside."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from crm_ml.tables.report_lines import money_text
from crm_ml.tables.sql import columns as quoted

if TYPE_CHECKING:
    from crm_ml.tables.bundle import Tables
    from crm_ml.tables.cleaning_report import TableReport

_LEAST_SHARE = 0.05  # of the rows, from which on one reason is told
_USUAL = ("duplicate", "null_customer_id")  # stated by equal_rows, and guests


def frame_notes(tables: "Tables", *, tells_equal: bool, allow: Mapping[str, float]) -> tuple[str, ...]:
    """Return what to tell of tables that were made of a frame.

    Parameters
    ----------
    tables : Tables
        As loaded, on DuckDB.
    tells_equal : bool
        Whether equal rows are counted, because nobody stated what they are.
    allow : mapping of str to float
        Reasons that are stated, which are not told.

    Returns
    -------
    tuple of str
        A sentence for equal rows, and one for reasons that set more than 5 % of the rows aside.
    """
    notes = [_of_equal_rows(tables)] if tells_equal else []
    if tables.report is not None:
        notes.append(_of_rows_set_aside(tables.report.tables["order_lines"], allow))
    return tuple(note for note in notes if note)


def with_notes(tables: "Tables", notes: tuple[str, ...]) -> "Tables":
    """Return the same tables, with the notes in their report."""
    if tables.report is None or not notes:
        return tables
    report = replace(tables.report, notes=notes)
    return replace(tables, report=report).identified(tables.fingerprint)


def _of_equal_rows(tables: "Tables") -> str:
    lines = tables.order_lines
    names = quoted(lines.columns)
    groups = lines.aggregate(f"{names}, count(*) - 1 AS _more", names)
    [counts] = groups.aggregate("sum(_more), sum(_more * paid_cents), sum(_more + 1)").fetchall()
    rows, cents, whole = (int(count or 0) for count in counts)
    if not rows:
        return ""
    money = money_text(cents, tables.report.currency if tables.report is not None else "")
    return (
        f"from_frame: {rows:,} of {whole:,} rows, worth {money}, repeat another row in all named columns and "
        "are kept as purchases of their own; state equal_rows='all' if they are, equal_rows='one' if the "
        "frame has the same rows twice, or name a column that tells them apart (item, quantity)"
    )


def _is_stated(reason: str, allow: Mapping[str, float]) -> bool:
    return reason in _USUAL or any(f"{reason}_".startswith(f"{name}_") for name in allow)


def _of_rows_set_aside(report: "TableReport", allow: Mapping[str, float]) -> str:
    many = {
        reason: rows
        for reason, rows in report.quarantined.items()
        if rows > _LEAST_SHARE * report.read and not _is_stated(reason, allow)
    }
    if not many:
        return ""
    parts = ", ".join(f"{reason} {rows:,}" for reason, rows in sorted(many.items()))
    rows = sum(many.values())
    return (
        f"from_frame: {rows:,} of {report.read:,} rows ({rows / report.read:.1%}) are set aside and count "
        f"nowhere: {parts}; correct the frame; tables.report has the money of each reason"
    )
