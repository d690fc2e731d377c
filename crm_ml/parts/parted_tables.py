"""Customer tables of which a part of the customers can be opened alone."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crm_ml.features.snapshot_constants import SnapshotConstants
from crm_ml.storage import manifest
from crm_ml.storage.part import Part
from crm_ml.tables.bundle import Tables
from crm_ml.tables.engine import connect
from crm_ml.tables.sql import parquet_rows
from crm_ml.tables.thread_cursors import ThreadCursors

COLUMNS = "columns"  # folder of a file without rows for each table


@dataclass(frozen=True, eq=False)
class PartedTables:
    """Tables whose customers are dealt into parts.

    Those of a folder (`crm_ml.parts.dealing.deal`) can be sent to another process; those that are one part
    are the tables themselves.

    Parameters
    ----------
    fingerprint : str
        Of the tables with all customers.
    zone : str
    constants : SnapshotConstants
        Of all customers.
    names : sequence of str
        Tables that are present.
    dealt : sequence of str
        Those that are dealt; the others, such as items, belong to every part.
    folder : Path, optional
        ``columns/<table>.parquet``, ``<table>/part=<number>/*.parquet``, and ``<table>.parquet`` of a table
        that is not dealt.
    count : int
    all : Tables, optional
        Without a folder.
    """

    fingerprint: str
    zone: str
    constants: SnapshotConstants
    names: Sequence[str] = ()
    dealt: Sequence[str] = ()
    folder: Path | None = None
    count: int = 1
    all: Tables | None = field(default=None, repr=False)

    def parts(self) -> list[Part]:
        """Return all parts."""
        return Part(0, self.count).all()

    def whole(self) -> Tables:
        """Return the tables of all customers."""
        return self._opened(None) if self.all is None else self.all

    def part(self, part: Part) -> Tables:
        """Return the tables of a part of the customers; their files are checked against their sums.

        Raises
        ------
        IntegrityError
            If a file of the part has changed.
        """
        return self._opened(part) if self.all is None else self.all

    def _opened(self, part: Part | None) -> Tables:
        files = {name: self._files(name, part) for name in self.names}
        assert self.folder is not None
        if part is not None:
            manifest.verify_files(self.folder, [path for paths in files.values() for path in paths])
        connection = connect()
        frames: dict[str, Any] = {
            name: connection.sql(f"FROM {parquet_rows(*(path.resolve() for path in paths))}")
            for name, paths in files.items()
        }
        of_part = self.fingerprint if part is None else f"{self.fingerprint}-{part.number}-of-{part.count}"
        return Tables(**frames, zone=self.zone, cursors=ThreadCursors(connection)).identified(of_part)

    def _files(self, name: str, part: Part | None) -> list[Path]:
        assert self.folder is not None
        if name not in self.dealt:
            return [self.folder / f"{name}.parquet"]
        which = "*" if part is None else str(part.number)
        rows = sorted((self.folder / name).glob(f"part={which}/*.parquet"))
        return [self.folder / COLUMNS / f"{name}.parquet", *rows]


def whole_tables(tables: Tables) -> PartedTables:
    """Return tables as one part."""
    return PartedTables(
        tables.fingerprint, tables.zone, SnapshotConstants.of(tables), tables.names, all=tables
    )
