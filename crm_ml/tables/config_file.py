"""Load cleaned tables from a mapping file in ``configs/data/``."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from crm_ml.errors import ConfigError, InputError
from crm_ml.storage.input_limits import MOST_PARTS
from crm_ml.tables.bundle import Tables
from crm_ml.tables.cleaning import Progress
from crm_ml.tables.databases import DuckTable
from crm_ml.tables.file_sources import CsvFile, ParquetFile
from crm_ml.tables.mapping import Mapping, TableMapping, read_mapping
from crm_ml.tables.sources import TableSource, inside
from crm_ml.tables.sql_query import SqlQuery
from crm_ml.tables.table_cache import load_tables

_CSV, _PACKED = (".csv", ".txt", ".tsv"), (".gz", ".zst", ".zip")
FILE_KINDS = f"CSV ({', '.join(_CSV)}, also with {', '.join(_PACKED)}) nor Parquet (.parquet, .pq)"


def load_config(path: Path | str, root: Path | None = None, progress: Progress | None = None) -> Tables:
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
    path = Path(path)
    mapping = read_mapping(path)
    root = root or root_of(path, mapping)
    return load_tables(mapping, sources_of(mapping, root, path), root, progress)


def root_of(path: Path, mapping: Mapping) -> Path:
    """Return the folder that the paths of a mapping file are relative to."""
    if mapping.root is not None:
        return Path(mapping.root)
    return usual_root(path)


def usual_root(path: Path) -> Path:
    """Return the folder that the paths of a mapping file are relative to where it names none."""
    full = path.resolve()
    return next((parent.parent for parent in full.parents if parent.name == "configs"), full.parent)


def sources_of(
    mapping: Mapping, root: Path, path: Path, exported: dict[str, TableSource] | None = None
) -> dict[str, TableSource]:
    """Return the source of each table, except tables made from ids of others.

    Parameters
    ----------
    mapping : Mapping
    root : Path
    path : Path
        Of the mapping.
    exported : dict of str to TableSource, optional
        Those of tables of Spark.

    Raises
    ------
    ConfigError
        Listing every path that leads out of the root and every table without a source.
    """
    sources = dict(exported or {})
    faults = []
    for name, table in mapping.tables.items():
        if table.ids_of is not None or name in sources:
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
    if table.path is not None or table.glob is not None:
        return _of_files(table, root)
    if table.database is not None and table.table is not None:
        return DuckTable(inside(root, table.database), table.table, root)
    if table.url is not None and table.query is not None:
        return SqlQuery(table.url, table.query, root)
    if table.spark_table is not None:
        raise InputError("is a table of Spark; only a list reads it, with engine: spark or --engine")
    raise InputError("has no source; give path, database and table, url and query, or ids_of")


def _of_files(table: TableMapping, root: Path) -> TableSource:
    named = table.path or table.glob or ""
    folder, parts = _parts(table, root)
    kinds = {file_kind(file) for file in parts or (folder,)}
    if kinds == {"csv"}:
        return CsvFile(folder, table.delimiter, table.encoding, table.header, table.member, parts=parts)
    if kinds == {"parquet"}:
        return ParquetFile(folder, parts=parts)
    if not parts and folder.is_dir():
        raise InputError(f"{named} is a folder; declare parts: true to read its files as one table")
    raise InputError(f"{named} is neither {FILE_KINDS}")


def _parts(table: TableMapping, root: Path) -> tuple[Path, tuple[Path, ...]]:
    """Return the file and no parts, or the folder of the parts and the parts in order of their places."""
    if isinstance(table.path, str) and not table.parts:
        return inside(root, table.path), ()
    if isinstance(table.path, tuple):
        files = tuple(inside(root, place) for place in table.path)
        if len(set(files)) < len(files):
            raise InputError("path names a file more than once; name each file once")
        return root.resolve(), files
    named = table.path or table.glob or ""
    if Path(named).is_absolute() or ".." in Path(named).parts:
        raise InputError(f"{named} lies outside the project root; move it in or set root")
    folder = root.resolve() if table.glob is not None else inside(root, named)
    if named.count("**") > 1:
        raise InputError(f"{named} has ** more than once; write it once, it stands for all folders")
    shown = list(islice(_visible(folder, table.glob or "**/*"), MOST_PARTS + 1))
    if len(shown) > MOST_PARTS:
        raise InputError(f"{named} has more than {MOST_PARTS:,} files; write fewer, larger ones")
    if not shown:
        raise InputError(f"{named} has no file; the parts are CSV or Parquet files in it")
    for place in shown:
        inside(folder, str(place), must_exist=True)
    return folder, tuple(folder / place for place in sorted(shown))


def _visible(folder: Path, pattern: str) -> Iterator[Path]:
    """Yield what is no folder and not hidden; what is no file either is refused later and not passed over."""
    for path in folder.glob(pattern):
        place = path.relative_to(folder)
        if not any(name.startswith(("_", ".")) for name in place.parts) and not path.is_dir():
            yield place


def file_kind(file: Path) -> str:
    """Return ``csv`` or ``parquet`` by the name of a file, or an empty text."""
    name = file.name.lower()
    if any(name.endswith(form + packed) for form in _CSV for packed in ("", *_PACKED)):
        return "csv"
    if file.suffix.lower() == ".zip" or (file.suffix.lower() in _PACKED and not Path(file.stem).suffix):
        return "csv"  # such as export.zip: its file is taken for a CSV one
    return "parquet" if file.suffix.lower() in (".parquet", ".pq") else ""
