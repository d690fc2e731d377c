"""Finished stages of a scoring run, kept under the hash of what they were made of and never made twice."""

import contextlib
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from crm_ml.errors import AlreadyPublished
from crm_ml.storage import manifest
from crm_ml.storage.identity import identity
from crm_ml.storage.publish import publish

log = logging.getLogger(__name__)


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
        manifest.write_manifest(inside, stage=name, ingredients=ingredients)

    if not folder.exists():
        with contextlib.suppress(AlreadyPublished):  # by a run beside this one
            publish(work, folder.name, content)
    manifest.verify(folder)
    return folder / file
