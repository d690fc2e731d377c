"""The feature table of a day: every group for all known customers."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from crm_ml.snapshots import Snapshot
from crm_ml.storage.stage_cache import code_sum, stage
from crm_ml.tables.bundle import Tables

_FEATURE_CODE = (
    "crm_ml.features",
    "crm_ml.snapshots",
    "crm_ml.tables.bundle",
    "crm_ml.tables.contract",
    "crm_ml.tables.scratch_frames",
)


def features_of(
    work: Path, tables: Tables, snapshot: Snapshot, given: Mapping[str, Mapping[str, Any]]
) -> Path:
    """Return the feature table (Parquet): every group, with the options that are given for some."""
    from crm_ml import features

    groups: dict[str, Mapping[str, Any]] = {name: {} for name in features.groups()} | dict(given)
    ingredients = {
        "as_of": snapshot.as_of.isoformat(),
        "code": code_sum(*_FEATURE_CODE),
        "data": tables.fingerprint,
        "groups": groups,
    }
    return stage(work, "features", ingredients, lambda path: features.write(tables, snapshot, path, groups))
