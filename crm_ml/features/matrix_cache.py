"""Feature matrices in folders named by all that they follow from; the same matrix is computed once."""

import hashlib
import json
import logging
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from crm_ml import environment
from crm_ml.errors import IntegrityError
from crm_ml.private_files import make_folder, tell_open
from crm_ml.storage.code_version import code_version, library_version
from crm_ml.storage.manifest import new_folder, verify
from crm_ml.storage.paths import data_folder
from crm_ml.storage.workspace import new_workspace, remove_stale

if TYPE_CHECKING:
    import pyarrow as pa

    from crm_ml.features.snapshot_constants import SnapshotConstants
    from crm_ml.snapshots import Snapshot
    from crm_ml.tables.bundle import Tables

log = logging.getLogger(__name__)
SWITCH, LIMIT = environment.CACHE, environment.CACHE_GB
_FILE = "matrix.parquet"


def keeping() -> bool:
    """Say whether matrices are kept: unless ``CRM_ML_CACHE`` is ``off``."""
    return environment.cache_kept()


def folder() -> Path:
    """Return the folder of all matrices, ``features`` in the data folder."""
    return data_folder() / "features"


def keys_of(
    tables: "Tables",
    snapshots: "Sequence[Snapshot]",
    wanted: Mapping[str, Mapping[str, Any]],
    modules: Mapping[str, ModuleType],
    constants: "SnapshotConstants",
) -> list[str]:
    """Return for each snapshot the sha256 of all that its matrix follows from.

    Parameters
    ----------
    tables : Tables
        With a fingerprint, which names their content.
    snapshots : sequence of Snapshot
    wanted : mapping of str to options
        Groups in the order of their columns.
    modules : mapping of str to module
        All groups; the code of those that are not wanted does not count.
    constants : SnapshotConstants
    """
    own = {modules[name].__name__ for name in wanted}  # two names may stand for one module
    others = {modules[name].__name__ for name in modules} - own
    content = {
        "tables": [tables.fingerprint, tables.engine, list(tables.names)],
        "constants": asdict(constants),
        "groups": [[name, dict(options)] for name, options in wanted.items()],
        "code": code_version("crm_ml.features.assembly", *sorted(own), without=others),
        "engine": library_version(tables.engine),
    }

    def key(snapshot: "Snapshot") -> str:
        dated = [snapshot.as_of.isoformat(), str(snapshot.horizon), str(snapshot.gap)]
        text = json.dumps(content | {"snapshot": dated}, sort_keys=True, default=repr)
        return hashlib.sha256(text.encode()).hexdigest()

    return [key(snapshot) for snapshot in snapshots]


def read(key: str) -> "pa.Table | None":
    """Return the matrix of a key of `keys_of`; None if it is not there whole, and then it is removed."""
    import pyarrow.parquet as pq

    try:
        return pq.read_table(_place(key) / _FILE) if _whole(_place(key)) else None
    except OSError:  # another process may have removed it meanwhile
        return None


def stored(key: str, fill: Callable[[Path], None]) -> Path:
    """Return the Parquet file of a key, which is there whole or written now.

    A folder that does not agree with its manifest is written again. The least recently used go when all
    together exceed ``CRM_ML_CACHE_GB`` (5).

    Parameters
    ----------
    key : str
        Of `keys_of`.
    fill : callable
        Writes the file to the path that it is given.

    Raises
    ------
    ConfigError
        If ``CRM_ML_CACHE_GB`` is no number.
    OSError
        If nothing can be written.
    """
    limit = environment.cache_bytes()
    place = _place(key)
    if not _whole(place):
        _write(place, fill)
        _drop_oldest(place, limit)
    return place / _FILE


def _place(key: str) -> Path:
    return folder() / key[:32]


def _whole(folder: Path) -> bool:
    if not folder.is_dir():
        return False
    try:
        verify(folder)
        os.utime(folder)
    except (IntegrityError, OSError) as error:
        log.warning("kept features are computed again: %s", error)
        shutil.rmtree(folder, ignore_errors=True)
        return False
    return True


def _write(folder: Path, fill: Callable[[Path], None]) -> None:
    make_folder(folder.parent)
    tell_open(folder.parent)
    remove_stale(folder.parent)
    with new_workspace(folder) as space:
        made = space / folder.name
        with new_folder(made) as part:
            fill(part / _FILE)
        if not folder.exists():  # another process may have written it meanwhile
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
