"""Report of cleaning: counts of each table, as JSON and a rich table, and files of quarantined rows."""

import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crm_ml.private_files import make_folder
from crm_ml.storage.whole_file import whole_file

if TYPE_CHECKING:
    from rich.table import Table

_WIDTH = 100  # characters of a report as plain text


@dataclass
class TableReport:
    """Counts of one table; ``read == accepted + sum(quarantined.values())`` always.

    Parameters
    ----------
    read, accepted : int
    quarantined : dict of str to int
        Rows by reason; a row counts once, under the first check that it fails.
    quarantined_cents : dict of str to int
        Money of quarantined rows by reason, of tables with `paid_cents` and where it could be read.
    quarantined_customers : dict of str to int
        Customers by reason who have quarantined rows for it and no accepted row.
    accepted_cents : int
        Money of the accepted rows, of tables with `paid_cents`.
    unread_cents : dict of str to int
        Estimated money of quarantined rows by reason, where the amount is what could not be read.
    examples : dict of str to list of str
        Shapes of cells by reason, three at most: digits are 9, letters a or A (`crm_ml.tables.cell_shape`).
    checks : dict of str to int
        Rows matched by each check, where any; a row may count under several.
    left_out : dict of str to int
        Rows of the source that ``where`` and ``cancelled`` leave out; they are none of those read.
    left_out_cents : dict of str to int
        Money of these rows, of tables with `paid_cents` and where it could be read.
    fixes : dict of str to int
        Rows changed by a stated rule.
    warnings : list of str
    medians : dict of str to int
        Medians of accepted amounts and integers: a profile to compare later tables with.
    """

    read: int = 0
    accepted: int = 0
    quarantined: dict[str, int] = field(default_factory=dict)
    quarantined_cents: dict[str, int] = field(default_factory=dict)
    quarantined_customers: dict[str, int] = field(default_factory=dict)
    accepted_cents: int = 0
    unread_cents: dict[str, int] = field(default_factory=dict)
    examples: dict[str, list[str]] = field(default_factory=dict)
    checks: dict[str, int] = field(default_factory=dict)
    left_out: dict[str, int] = field(default_factory=dict)
    left_out_cents: dict[str, int] = field(default_factory=dict)
    fixes: dict[str, int] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    medians: dict[str, int] = field(default_factory=dict)


@dataclass
class CleaningReport:
    """Reports of all tables, and the folder of their quarantined rows.

    Parameters
    ----------
    tables : dict of str to TableReport
    folder : Path, optional
        Folder of the cleaned tables, with ``quarantine/<table>.parquet`` in it.
    zone : str
        Zone whose days count, see `crm_ml.tables.Tables`.
    currency : str
        Code of the currency of all money; empty where none is known.
    notes : tuple of str
        What `crm_ml.tables.from_frame` tells of the frame; not saved.
    """

    tables: dict[str, TableReport] = field(default_factory=dict)
    folder: Path | None = None
    zone: str = "UTC"
    currency: str = ""
    notes: tuple[str, ...] = ()

    @property
    def profile(self) -> dict[str, dict[str, int]]:
        """Medians by table and column; as JSON, the `profile` of a later mapping."""
        return {name: table.medians for name, table in self.tables.items() if table.medians}

    def to_dict(self) -> dict[str, Any]:
        """Return the counts as plain values for JSON."""
        return {name: asdict(table) for name, table in sorted(self.tables.items())}

    @classmethod
    def from_dict(
        cls, content: dict[str, Any], folder: Path | None = None, zone: str = "UTC", currency: str = ""
    ) -> "CleaningReport":
        """Return the report that `to_dict` wrote."""
        return cls({name: TableReport(**table) for name, table in content.items()}, folder, zone, currency)

    def quarantine_files(self) -> dict[str, Path]:
        """Return the file of quarantined rows of each table that has any.

        Columns: row (counted from 1 in the source), reason, original (source cells as JSON of texts).
        """
        if self.folder is None:
            return {}
        files = {name: self.folder / "quarantine" / f"{name}.parquet" for name in sorted(self.tables)}
        return {name: path for name, path in files.items() if path.is_file()}

    def write_quarantine(self, folder: Path) -> list[Path]:
        """Copy the quarantined rows to ``<folder>/quarantine/<table>.parquet``.

        Parameters
        ----------
        folder : Path
            Such as the folder of a run; created if absent.

        Returns
        -------
        list of Path
            The files written.
        """
        target = folder / "quarantine"
        make_folder(target)
        copies = []
        for path in self.quarantine_files().values():
            with whole_file(target / path.name) as part:
                shutil.copyfile(path, part)
            copies.append(target / path.name)
        return copies

    def rich(self) -> "Table":
        """Return a table for the terminal: a row for each table and reason, and the notes below."""
        from rich.box import SIMPLE_HEAD
        from rich.markup import escape
        from rich.table import Table

        from crm_ml.tables.report_lines import header_of, lines_of, notes_of, title_of

        notes = escape("\n".join(notes_of(self)))
        shown = Table(title=title_of(self), caption=notes, box=SIMPLE_HEAD, padding=0)
        shown.title_justify = shown.caption_justify = "left"
        for name in header_of(self):
            left = name in ("table", "for example")
            widest = max(map(len, name.split()))
            shown.add_column(
                name,
                justify="left" if left else "right",
                overflow="fold",
                min_width=widest,
                no_wrap=name == "table",
            )
        for line in lines_of(self):
            first, *others = map(escape, line.cells)
            shown.add_row(f"  {first}" if line.is_reason else first, *others)
        return shown

    def __str__(self) -> str:
        """Return the table of `rich` as plain text, 100 characters wide at most."""
        from io import StringIO

        from rich.console import Console

        text = StringIO()
        Console(file=text, width=_WIDTH, color_system=None, force_terminal=False).print(self.rich())
        return "\n".join(line.rstrip() for line in text.getvalue().splitlines()).strip("\n")

    def _repr_html_(self) -> str:
        from crm_ml.tables.report_html import html_of

        return html_of(self)
