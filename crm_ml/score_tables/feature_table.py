"""The feature table of a day: every group for all known customers."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from crm_ml import features
from crm_ml.features import assembly, matrix_cache
from crm_ml.snapshots import Snapshot
from crm_ml.storage.stage_cache import stage
from crm_ml.tables.bundle import Tables


def features_of(
    work: Path, tables: Tables, snapshot: Snapshot, given: Mapping[str, Mapping[str, Any]]
) -> Path:
    """Return the feature table (Parquet): every group, with the options that are given for some.

    It is a matrix of the store that training uses, linked into the work folder so that it stays there.
    """
    groups: dict[str, Mapping[str, Any]] = {name: {} for name in features.groups()} | dict(given)

    def fill(path: Path) -> None:
        if assembly.lasting(tables, groups):
            _link(matrix_cache.stored(key, write), path)
        else:
            write(path)

    def write(path: Path) -> None:
        features.write(tables, snapshot, path, groups)

    key = assembly.matrix_key(tables, snapshot, groups)
    return stage(work, "features", {"matrix": key}, fill)


def _link(stored: Path, path: Path) -> None:
    try:
        os.link(stored, path)
    except OSError:  # another file system, or one without links
        shutil.copyfile(stored, path)
