"""The report of cleaning as HTML for notebooks; every text in it is escaped."""

from html import escape
from typing import TYPE_CHECKING

from crm_ml.tables.report_lines import header_of, lines_of, notes_of, title_of

if TYPE_CHECKING:
    from crm_ml.tables.cleaning_report import CleaningReport

_STYLE = (
    ".crm-ml-report{font-size:13px;line-height:1.35}"
    ".crm-ml-report table{border-collapse:collapse;margin:4px 0;font-size:inherit}"
    ".crm-ml-report th,.crm-ml-report td{padding:2px 10px;text-align:right;white-space:nowrap}"
    ".crm-ml-report th:first-child,.crm-ml-report td:first-child,"
    ".crm-ml-report th:last-child,.crm-ml-report td:last-child{text-align:left}"
    ".crm-ml-report tbody tr.table td{border-top:1px solid #8886;font-weight:600}"
    ".crm-ml-report tbody tr.reason td:first-child{padding-left:26px}"
    ".crm-ml-report td:last-child{font-family:monospace;white-space:pre}"
    ".crm-ml-report ul{margin:4px 0;padding-left:18px}"
)


def html_of(report: "CleaningReport") -> str:
    """Return the report as one block: a table of what was read and set aside, then the notes."""
    head = "".join(f"<th>{escape(name)}</th>" for name in header_of(report))
    rows = "".join(
        f'<tr class="{"reason" if line.is_reason else "table"}">'
        f"{''.join(f'<td>{escape(cell)}</td>' for cell in line.cells)}</tr>"
        for line in lines_of(report)
    )
    notes = "".join(f"<li>{escape(note)}</li>" for note in notes_of(report))
    return (
        f'<div class="crm-ml-report"><style>{_STYLE}</style><b>{escape(title_of(report))}</b>'
        f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
        f"{f'<ul>{notes}</ul>' if notes else ''}</div>"
    )
