"""Write accepted and quarantined rows, ordered by key, so that equal inputs give equal bytes."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from crm_ml.tables.cleaning_report import CleaningReport
from crm_ml.tables.failing_cells import examples
from crm_ml.tables.row_rules import order_of
from crm_ml.tables.sources import ROW, sha256
from crm_ml.tables.sql import columns as quoted
from crm_ml.tables.sql import ident, literal
from crm_ml.tables.staging import Staged
from crm_ml.tables.zones import declared

if TYPE_CHECKING:
    import duckdb

_PARQUET = "(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 122880)"


def write_tables(
    connection: "duckdb.DuckDBPyConnection", tables: dict[str, Staged], report: CleaningReport, folder: Path
) -> None:
    """Write ``<table>.parquet``, ``quarantine/<table>.parquet`` and, last, ``report.json`` with file hashes.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
    tables : dict of str to Staged
        Finished tables.
    report : CleaningReport
    folder : Path
        An existing folder.
    """
    (folder / "quarantine").mkdir()
    for name, staged in tables.items():
        ordered = f"SELECT * FROM {ident('good_' + name)} ORDER BY {quoted(order_of(connection, staged))}"
        _copy(connection, ordered, folder / f"{name}.parquet")
        if staged.report.quarantined:
            quarantine = folder / "quarantine" / f"{name}.parquet"
            _copy(connection, _quarantined(staged), quarantine)
            staged.report.examples = examples(connection, staged, quarantine)
    files = {path.relative_to(folder).as_posix(): sha256(path) for path in sorted(folder.rglob("*.parquet"))}
    content = {"files": files, "tables": report.to_dict(), "currency": report.currency}
    content |= declared(report.zone)
    (folder / "report.json").write_text(json.dumps(content, indent=1, sort_keys=True), encoding="utf-8")


def _quarantined(staged: Staged) -> str:
    """Return the query of the rejected rows: row, reason and the source cells as JSON of texts."""
    cells = ", ".join(f"{literal(name)}, CAST(r.{ident(name)} AS VARCHAR)" for name in staged.kept)
    return (
        f"SELECT q.row, q.reason, CAST(json_object({cells}) AS VARCHAR) AS original FROM ("
        f"SELECT {ROW} AS row, {staged.checks.first_reason()} AS reason FROM {staged.stage} "
        f"WHERE {staged.checks.fails()} UNION ALL SELECT {ROW}, reason FROM {staged.late}) AS q "
        f"JOIN {ident('raw_' + staged.name)} AS r ON r.{ROW} = q.row ORDER BY q.row"
    )


def _copy(connection: "duckdb.DuckDBPyConnection", select: str, path: Path) -> None:
    connection.execute(f"COPY ({select}) TO {literal(path)} {_PARQUET}")
