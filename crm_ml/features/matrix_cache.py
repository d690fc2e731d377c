"""Feature matrices in folders named by all that they follow from; the same matrix is computed once."""

import hashlib
import json
import logging
import os
import shutil
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from crm_ml.errors import ConfigError, IntegrityError
from crm_ml.storage.manifest import new_folder, verify
from crm_ml.storage.paths import data_folder
from crm_ml.storage.workspace import new_workspace, remove_stale

if TYPE_CHECKING:
    import pyarrow as pa

    from crm_ml.snapshots import Snapshot
    from crm_ml.tables.bundle import Tables

log = logging.getLogger(__name__)
SWITCH, LIMIT = "CRM_ML_CACHE", "CRM_ML_CACHE_GB"
_FILE = "matrix.parquet"
_LIMIT_GB = "5"
_SHARED = ("snapshots.py", "tables/bundle.py", "tables/derived.py", "tables/engine.py")
_ENGINES = ("duckdb", "narwhals", "numpy", "pandas", "polars", "pyarrow")


def keeping() -> bool:
    """Say whether matrices are kept: unless ``CRM_ML_CACHE`` is ``off``."""
    return os.environ.get(SWITCH, "on").lower() != "off"


def key_of(
    tables: "Tables",
    snapshot: "Snapshot",
    wanted: Mapping[str, Mapping[str, Any]],
    modules: Mapping[str, ModuleType],
) -> str:
    """Return the sha256 of all that a matrix follows from.

    Parameters
    ----------
    tables : Tables
        With a fingerprint, which names their content.
    snapshot : Snapshot
    wanted : mapping of str to options
        Groups in the order of their columns.
    modules : mapping of str to module
        All groups; the code of those that are not wanted does not count, that of all other modules of the
        package does.
    """
    home = Path(__file__).parents[1]
    others = [one for one in sorted(home.glob("features/*.py")) if one.stem not in {*modules, "kept"}]
    groups = [Path(str(modules[name].__file__)) for name in wanted]
    code = [*others, *(home / name for name in _SHARED), *groups]
    content = {
        "tables": [tables.fingerprint, tables.engine, list(tables.names)],
        "snapshot": [snapshot.as_of.isoformat(), str(snapshot.horizon), str(snapshot.gap)],
        "groups": [[name, dict(options)] for name, options in wanted.items()],
        "code": [hashlib.sha256(path.read_bytes()).hexdigest() for path in code],
        "engines": {name: _version(name) for name in _ENGINES},
    }
    text = json.dumps(content, sort_keys=True, default=repr)
    return hashlib.sha256(text.encode()).hexdigest()


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def kept(key: str, compute: "Callable[[], pa.Table]") -> "pa.Table":
    """Return the table of a key: read back whole, or computed and kept.

    A folder that does not agree with its manifest is computed again. Where nothing can be written the table
    is computed each time. The least recently used go when all together exceed ``CRM_ML_CACHE_GB`` (5).

    Parameters
    ----------
    key : str
        Of `key_of`.
    compute : callable
        Returns the table.

    Raises
    ------
    ConfigError
        If ``CRM_ML_CACHE_GB`` is no number.
    """
    limit = _limit_bytes()
    folder = data_folder() / "features" / key[:32]
    found = _read(folder)
    if found is not None:
        return found
    table = compute()
    try:
        _keep(table, folder)
        _drop_oldest(folder, limit)
    except OSError as error:
        log.warning("%s: features are not kept: %s", folder.parent, error.strerror)
    return table


def _read(folder: Path) -> "pa.Table | None":
    import pyarrow.parquet as pq

    if not folder.is_dir():
        return None
    try:
        verify(folder)
        table = pq.read_table(folder / _FILE)
        os.utime(folder)
    except (IntegrityError, OSError) as error:
        log.warning("kept features are computed again: %s", error)
        shutil.rmtree(folder, ignore_errors=True)
        return None
    return table


def _keep(table: "pa.Table", folder: Path) -> None:
    import pyarrow.parquet as pq

    folder.parent.mkdir(parents=True, exist_ok=True)
    remove_stale(folder.parent)
    with new_workspace(folder) as space:
        made = space / folder.name
        with new_folder(made, rows=table.num_rows, columns=table.column_names) as part:
            pq.write_table(table, part / _FILE)
        if not folder.exists():  # another process may have kept it meanwhile
            made.rename(folder)


def _drop_oldest(newest: Path, limit: int) -> None:
    """Remove the least recently used folders, never the newest one, until the rest fits."""
    folders = [one for one in newest.parent.iterdir() if one.is_dir() and not one.name.startswith(".")]
    used = {one: (one.stat().st_mtime, _bytes(one)) for one in folders}
    total = sum(size for _, size in used.values())
    for folder, (_, size) in sorted(used.items(), key=lambda pair: (pair[1][0], pair[0].name)):
        if total <= limit:
            return
        if folder != newest:
            shutil.rmtree(folder, ignore_errors=True)
            total -= size


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


def _limit_bytes() -> int:
    given = os.environ.get(LIMIT, _LIMIT_GB)
    try:
        return int(float(given) * 1e9)
    except ValueError:
        raise ConfigError(f"{LIMIT} is {given!r}; give a number of gigabytes, such as 5") from None
