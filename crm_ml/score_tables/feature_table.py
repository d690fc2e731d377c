"""The feature table of a day: every group for all known customers."""

import logging
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from crm_ml import features
from crm_ml.features import assembly, matrix_cache
from crm_ml.features.feature_groups import code_of, groups_with_options
from crm_ml.parts.parted_tables import PartedTables
from crm_ml.snapshots import Snapshot
from crm_ml.storage.code_version import code_version
from crm_ml.storage.part import WHOLE, Part
from crm_ml.storage.stage_cache import stage
from crm_ml.tables.bundle import Tables

log = logging.getLogger(__name__)


def features_of(
    work: Path,
    tables: Tables,
    snapshot: Snapshot,
    options: Mapping[str, Mapping[str, Any]],
    parted: PartedTables | None = None,
    part: Part = WHOLE,
) -> Path:
    """Return the feature table (Parquet): every group that needs no options, and those that are given.

    It is a matrix of the store that training uses, linked into the work folder so that it stays there; where
    nothing can be stored it is written there alone, and so is that of a part. Its stage has the same name
    whatever the engine of the tables and the number of parts, so that a list has the same bytes.

    Parameters
    ----------
    work : Path
        Folder of all stages.
    tables : Tables
        Of the part.
    snapshot : Snapshot
    options : mapping of str to options
        Groups that need options, and others that have some.
    parted : PartedTables, optional
        That the part is one of.
    part : Part, optional
        All customers without it.
    """
    groups = {**groups_with_options(None), **options}
    lasting = assembly.lasting(tables, groups)  # refuses groups that do not exist
    ingredients = {
        "as_of": snapshot.as_of.isoformat(),
        "code": code_version("crm_ml.features.assembly", *code_of(groups)),
        "data": tables.fingerprint if parted is None else parted.fingerprint,
        "groups": groups,
    }

    def fill(path: Path) -> None:
        if lasting and part.is_whole:
            try:
                key = assembly.matrix_keys(tables, [snapshot], groups)[0]
                return _link(matrix_cache.stored(key, write), path)
            except OSError as error:
                log.warning("%s: features are not kept: %s", matrix_cache.folder(), error.strerror)
        return write(path)

    def write(path: Path) -> None:
        features.write(tables, snapshot, path, groups, None if parted is None else parted.constants)

    return stage(work, "features", ingredients, fill, part)


def _link(stored: Path, path: Path) -> None:
    try:
        os.link(stored, path)
    except OSError:  # another file system, or one without links
        shutil.copyfile(stored, path)
