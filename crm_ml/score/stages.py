"""Finished stages of a scoring run, kept under the hash of what they were made of and never made twice."""

import contextlib
import hashlib
import logging
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from crm_ml import artefacts
from crm_ml.errors import AlreadyPublished
from crm_ml.score.publish import publish
from crm_ml.score.reading import identity
from crm_ml.score.scores import Progress, Scorer, write_scores
from crm_ml.snapshots import Snapshot
from crm_ml.tables.bundle import Tables

log = logging.getLogger(__name__)
_FEATURE_CODE = (
    "crm_ml.features",
    "crm_ml.snapshots",
    "crm_ml.tables.bundle",
    "crm_ml.tables.contract",
    "crm_ml.tables.derived",
)
_SCORE_CODE = ("crm_ml.models", "crm_ml.score.scores")


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


def scores_of(work: Path, features: Path, scorer: Scorer, progress: Progress | None = None) -> Path:
    """Return the score table (Parquet) of a feature table whose sums were checked."""
    ingredients = {
        "code": code_sum(*_SCORE_CODE),
        "features": features.parent.name,
        "model": scorer.sums,
        "where": scorer.where,
    }

    def fill(path: Path) -> None:
        rows = write_scores(features, scorer, path, progress)
        log.info("scored %s customers with %s", f"{rows:,}", scorer.name)

    return stage(work, scorer.name, ingredients, fill)


def stage(work: Path, name: str, ingredients: dict[str, Any], fill: Callable[[Path], None]) -> Path:
    """Return the one file of a stage, made now or found whole.

    Parameters
    ----------
    work : Path
        Folder of all stages; it may be deleted at any time between two runs.
    name : str
        Such as ``"features"``; the file is ``<work>/<name>-<id>/<name>.parquet``.
    ingredients : dict
        All that the content depends on, as JSON.
    fill : callable
        Writes the file to the path it is given.

    Raises
    ------
    IntegrityError
        If a file that was kept does not agree with its manifest.
    InputError
        If `work` can't be written to.
    """
    folder = work / f"{name}-{identity(ingredients)[:16]}"
    file = f"{name}.parquet"

    def content(inside: Path, _scratch: Path) -> None:
        fill(inside / file)
        artefacts.write_manifest(inside, stage=name, ingredients=ingredients)

    if not folder.exists():
        with contextlib.suppress(AlreadyPublished):  # by a run beside this one
            publish(work, folder.name, content)
    artefacts.verify(folder)
    return folder / file


def code_sum(*names: str) -> str:
    """Hash the source of packages and modules, so that a stage is made again after its code changed."""
    total = hashlib.sha256()
    for name in names:
        spec = find_spec(name)
        if spec is None or spec.origin is None:
            raise ModuleNotFoundError(f"no source of {name}", name=name)
        origin = Path(spec.origin)
        for path in sorted(origin.parent.rglob("*.py")) if spec.submodule_search_locations else [origin]:
            total.update(f"{name}/{path.name}".encode() + b"\0" + path.read_bytes() + b"\0")
    return total.hexdigest()
