"""The contacts: a file of addresses that is joined to a list while it is exported, and stored nowhere."""

from pathlib import Path
from typing import TYPE_CHECKING

from crm_ml.delivery.exporters.hashing import INVISIBLE
from crm_ml.errors import InputError
from crm_ml.tables.file_sources import CsvFile, ParquetFile
from crm_ml.tables.source_errors import explain
from crm_ml.tables.sql import ident, literal

if TYPE_CHECKING:
    import duckdb

VIEW = "contact_rows_as_read"
SPACES = "".join(sign for sign in map(chr, range(0x3001)) if sign.isspace() and sign != "\x00")


def open_contacts(
    connection: "duckdb.DuckDBPyConnection",
    path: Path,
    wanted: tuple[str, ...],
    requires: tuple[tuple[str, ...], ...],
    cleaned: tuple[str, ...] = (),
) -> str:
    """Open a file of contacts and return the SELECT of its customer_id and the wanted columns.

    Cells are trimmed; empty ones, and columns that the file does not have, are null. Other columns are not
    read. Names of columns are not repeated in errors: a file without header would show a contact there.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
    path : Path
        CSV (UTF-8, comma, with header) or Parquet; ids and addresses are text.
    wanted : tuple of str
        Columns that are used.
    requires : tuple of tuple of str
        Of each group at least one column must be there.
    cleaned : tuple of str
        Those of the wanted columns that are freed of invisible characters and composed (NFC); of each there
        is a column more, ``<name>_changed``.

    Raises
    ------
    InputError
        If the file is absent or can't be read, or with all columns that are missing or no text.
    """
    types = _open(connection, path)
    breaches = [] if "customer_id" in types else ["there is no column customer_id"]
    absent = [group for group in requires if not set(group) & set(types)]
    breaches += [f"there is no column {' or '.join(group)}" for group in absent]
    breaches += [
        f"{name} is {types[name]} and not text"
        for name in ("customer_id", *wanted)
        if types.get(name, "VARCHAR") not in ("VARCHAR", '"NULL"')
    ]
    if breaches:
        page = "docs/how_to/export_and_load.md"
        raise InputError(f"{path.name}: {'; '.join(breaches)}; what contacts need stands in {page}")
    cells = [
        f"{sql if name in types else null} AS {ident(as_name)}"
        for name in wanted
        for as_name, sql, null in _forms(name, clean=name in cleaned)
    ]
    return f"SELECT {', '.join(['customer_id', *cells])} FROM {ident(VIEW)}"


def refusal(path: Path, error: Exception) -> InputError:
    """Return what to raise when reading the contacts fails midway, such as for a ragged line."""
    return InputError(explain(_source(path), error))


def _source(path: Path) -> CsvFile | ParquetFile:
    return ParquetFile(path) if path.suffix in (".parquet", ".pq") else CsvFile(path)


def _open(connection: "duckdb.DuckDBPyConnection", path: Path) -> dict[str, str]:
    import duckdb

    try:
        return _source(path).open(connection, VIEW)
    except InputError as error:
        if "more than once" in str(error):
            raise InputError(f"{path.name}: line 1 names a column more than once") from None
        raise refusal(path, error) from error
    except (OSError, duckdb.Error) as error:
        raise refusal(path, error) from error


def _forms(name: str, *, clean: bool) -> list[tuple[str, str, str]]:
    """Return the columns made of one: name, SQL, and SQL where the file does not have it."""
    raw = f"{ident(name)}::VARCHAR"
    trimmed = f"nullif(trim({raw}, {literal(SPACES)}), '')"
    if not clean:
        return [(name, trimmed, "NULL::VARCHAR")]
    bare = f"regexp_replace({raw}, {literal(INVISIBLE)}, '', 'g')"
    sound = f"nullif(trim(nfc_normalize({bare}), {literal(SPACES)}), '')"
    changed = (f"{name}_changed", f"coalesce({sound} <> {trimmed}, false)", "false")
    return [(name, sound, "NULL::VARCHAR"), changed]
