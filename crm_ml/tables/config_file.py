"""Load cleaned tables from a mapping file in ``configs/data/``."""

from pathlib import Path

from crm_ml.errors import ConfigError, InputError
from crm_ml.tables.bundle import Tables
from crm_ml.tables.cleaning import Progress
from crm_ml.tables.databases import DuckTable, SqlQuery
from crm_ml.tables.mapping import Mapping, TableMapping, read_mapping
from crm_ml.tables.sources import CsvFile, ParquetFile, TableSource, inside
from crm_ml.tables.table_cache import load_tables

_CSV = (".csv", ".csv.gz", ".txt", ".tsv")


def load_config(path: Path, root: Path | None = None, progress: Progress | None = None) -> Tables:
    """Load the tables that a mapping file describes.

    Parameters
    ----------
    path : Path
    root : Path, optional
        Folder that paths are relative to and must stay in. By default ``root`` of the file, else the parent
        of its ``configs`` folder, else its own folder.
    progress : callable, optional
        Called with the name of each step.

    Returns
    -------
    Tables

    Raises
    ------
    ConfigError
        If the file has errors, all listed at once, or a path leads out of the root.
    InputError
        If tables are refused, listing all breaches.
    """
    mapping = read_mapping(path)
    root = root or root_of(path, mapping)
    return load_tables(mapping, sources_of(mapping, root, path), root, progress)


def root_of(path: Path, mapping: Mapping) -> Path:
    """Return the folder that the paths of a mapping file are relative to."""
    if mapping.root is not None:
        return Path(mapping.root)
    full = path.resolve()
    return next((parent.parent for parent in full.parents if parent.name == "configs"), full.parent)


def sources_of(mapping: Mapping, root: Path, path: Path) -> dict[str, TableSource]:
    """Return the source of each table, except tables made from ids of others.

    Raises
    ------
    ConfigError
        Listing every path that leads out of the root and every table without a source.
    """
    sources: dict[str, TableSource] = {}
    faults = []
    for name, table in mapping.tables.items():
        if table.ids_of is not None:
            continue
        try:
            sources[name] = _source(table, root)
        except InputError as error:
            faults.append(f"{path}: tables.{name}: {error}")
    if mapping.profile is not None:
        try:
            inside(root, mapping.profile, must_exist=True)
        except InputError as error:
            faults.append(f"{path}: profile: {error}")
    if faults:
        raise ConfigError("\n".join(faults))
    return sources


def _source(table: TableMapping, root: Path) -> TableSource:
    if table.path is not None:
        file = inside(root, table.path)
        if file.name.lower().endswith(_CSV):
            return CsvFile(file, table.delimiter, table.encoding)
        if file.suffix.lower() in (".parquet", ".pq"):
            return ParquetFile(file)
        raise InputError(f"{table.path} is neither CSV ({', '.join(_CSV)}) nor Parquet (.parquet, .pq)")
    if table.database is not None and table.table is not None:
        return DuckTable(inside(root, table.database), table.table)
    if table.url is not None and table.query is not None:
        return SqlQuery(table.url, table.query, root)
    raise InputError("has no source; give path, database and table, url and query, or ids_of")
