"""What a report shows of a table, for terminals and notebooks: a line for each reason, then notes."""

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from crm_ml.storage.paths import data_folder
from crm_ml.tables.currencies import minor_digits

if TYPE_CHECKING:
    from crm_ml.tables.cleaning_report import CleaningReport, TableReport

_HEADER = ("table", "read", "accepted", "set aside", "money", "customers lost", "for example")
_LEAST_SHARE = 0.001


@dataclass(frozen=True)
class ReportLine:
    """Cells of one line below `header_of`.

    Parameters
    ----------
    cells : tuple of str
    is_reason : bool
        Whether it is of one reason; else of a whole table.
    """

    cells: tuple[str, ...]
    is_reason: bool = False


def header_of(report: "CleaningReport") -> tuple[str, ...]:
    """Return the names of the columns; that of money has the currency."""
    code = f", {report.currency}" if report.currency else ""
    return tuple(f"{name}{code}" if name == "money" else name for name in _HEADER)


def lines_of(report: "CleaningReport") -> list[ReportLine]:
    """Return a line for each table, and below it one for each reason that set rows aside, most rows first."""
    lines = []
    for name, table in sorted(report.tables.items()):
        aside = table.read - table.accepted
        lines.append(ReportLine((name, f"{table.read:,}", f"{table.accepted:,}", _share(aside, table.read),
                                 "", "", "")))  # fmt: skip
        for reason, rows in sorted(table.quarantined.items(), key=lambda pair: (-pair[1], pair[0])):
            lost = table.quarantined_customers.get(reason, 0)
            shapes = "\n".join(table.examples.get(reason, ()))
            cells = (reason, "", "", _share(rows, table.read), _money(table, reason, report.currency),
                     f"{lost:,}" if lost else "", shapes)  # fmt: skip
            lines.append(ReportLine(cells, is_reason=True))
    return lines


def notes_of(report: "CleaningReport") -> list[str]:
    """Return what was left out or repaired and the warnings, each with its table, and an unusual place."""
    folder, notes = report.folder, list(report.notes)
    if folder is not None and not folder.resolve().is_relative_to(data_folder().resolve()):
        notes.append(f"the cleaned rows lie in {folder}")
    for name, table in sorted(report.tables.items()):
        for rule, rows in table.left_out.items():
            cents = table.left_out_cents.get(rule, 0)
            money = f", {money_text(cents, report.currency)}" if cents else ""
            notes.append(f"{name}: {rows:,} rows left out by {rule}{money}")
        notes += [f"{name}: {rows:,} {fix} (fixed)" for fix, rows in table.fixes.items()]
        notes += [f"{name}: {text}" for text in table.warnings]
    return notes


def title_of(report: "CleaningReport") -> str:
    """Return the title, with the zone of the days where it is not UTC."""
    return "Tables" if report.zone == "UTC" else f"Tables, days of {report.zone}"


def money_text(cents: int, code: str) -> str:
    """Return an amount in major units with its currency.

    Examples
    --------
    >>> money_text(1_234_567, "USD"), money_text(500, "JPY"), money_text(-250, "")
    ('12,345.67 USD', '500 JPY', '-2.50')
    """
    digits = minor_digits(code)
    return f"{Decimal(cents).scaleb(-digits):,.{digits}f} {code}".strip()


def _money(table: "TableReport", reason: str, code: str) -> str:
    """Return the money of a reason with its share; what could not be read is estimated."""
    cents, unread = table.quarantined_cents.get(reason, 0), table.unread_cents.get(reason, 0)
    if not cents and not unread:
        return ""
    by_reason = (*table.quarantined_cents.values(), *table.unread_cents.values())
    whole = abs(table.accepted_cents) + sum(map(abs, by_reason))
    about = "about " if unread else ""
    amount = money_text(cents + unread, code).removesuffix(f" {code}")
    return f"{about}{amount} ({_percent(abs(cents + unread) / whole)})"


def _share(rows: int, whole: int) -> str:
    return f"{rows:,} ({_percent(rows / whole)})" if rows else "0"


def _percent(share: float) -> str:
    return f"{share:.1%}" if share >= _LEAST_SHARE else "<0.1%"
