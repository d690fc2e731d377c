"""Report of cleaning: counts of each table, as JSON and a rich table, and files of quarantined rows."""

import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table


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
    """

    tables: dict[str, TableReport] = field(default_factory=dict)
    folder: Path | None = None
    zone: str = "UTC"

    @property
    def profile(self) -> dict[str, dict[str, int]]:
        """Medians by table and column; as JSON, the `profile` of a later mapping."""
        return {name: table.medians for name, table in self.tables.items() if table.medians}

    def to_dict(self) -> dict[str, Any]:
        """Return the counts as plain values for JSON."""
        return {name: asdict(table) for name, table in sorted(self.tables.items())}

    @classmethod
    def from_dict(
        cls, content: dict[str, Any], folder: Path | None = None, zone: str = "UTC"
    ) -> "CleaningReport":
        """Return the report that `to_dict` wrote."""
        return cls({name: TableReport(**table) for name, table in content.items()}, folder, zone)

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
        target.mkdir(parents=True, exist_ok=True)
        return [Path(shutil.copyfile(path, target / path.name)) for path in self.quarantine_files().values()]

    def rich(self) -> "Table":
        """Return a table for the terminal: one row per table, with its reasons, fixes and warnings."""
        from rich.markup import escape
        from rich.table import Table

        days = "" if self.zone == "UTC" else f", days of {self.zone}"
        shown = Table(title=f"Tables{days}", title_justify="left")
        for name in ("table", "read", "accepted", "quarantined"):
            shown.add_column(name, justify="left" if name == "table" else "right")
        shown.add_column("what was found")
        for name, table in sorted(self.tables.items()):
            cents = {
                reason: f" ({sum_:,} paid_cents)" for reason, sum_ in table.quarantined_cents.items() if sum_
            }
            findings = [f"{n:,} {reason}{cents.get(reason, '')}" for reason, n in table.quarantined.items()]
            findings += [f"{n:,} {fix} (fixed)" for fix, n in table.fixes.items()]
            findings += [f"warning: {text}" for text in table.warnings]
            numbers = (table.read, table.accepted, table.read - table.accepted)
            shown.add_row(name, *(f"{n:,}" for n in numbers), escape("\n".join(findings)))
        return shown
