"""A run as its artefacts tell of it: name, config and stages."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crm_ml import tracking
from crm_ml.errors import InputError
from crm_ml.storage.regular_file import read_json
from crm_ml.train.record.account import FILE, Stages, from_artefact
from crm_ml.train.record.parameters import with_threads

if TYPE_CHECKING:
    from crm_ml.config import Run
    from crm_ml.tracking import Client


_PARENT = "mlflow.parentRunId"


@dataclass(frozen=True)
class LoggedRun:
    """Name, config and stages of a run."""

    name: str
    config: "Run"
    stages: Stages


def logged_run(run_id: str, threads: int | None = None) -> LoggedRun:
    """Read a run from the tracking store.

    Parameters
    ----------
    run_id : str
    threads : int, optional
        Put into the config in place of what it says.

    Raises
    ------
    InputError
        If there is no such run, it is a trial within another, or lacks its config or its stages.
    ConfigError
        If its config is none of this version.
    IntegrityError
        If its stages do not agree with their sums.
    """
    from crm_ml.config import run_classes
    from crm_ml.tables.strict import validate

    client = tracking.connect()
    with tracking.refusing(f"no run {run_id!r} in {tracking.store_name()}; training shows the id of each"):
        run = client.get_run(run_id)
    if _PARENT in run.data.tags:
        raise InputError(f"run {run_id} is a trial of run {run.data.tags[_PARENT]}; give that one")
    content = _read(client, run_id, "config.json")
    classes = run_classes()
    if content.get("family") not in classes:
        known = ", ".join(classes)
        raise InputError(f"run {run_id}: {content.get('family')!r} is no family; there are {known}")
    if threads is not None:
        content = with_threads(content, threads)
    config = validate(content, classes[content["family"]], f"config.json of run {run_id}")
    return LoggedRun(str(run.info.run_name), config, from_artefact(_read(client, run_id, FILE), run_id))


def _read(client: "Client", run_id: str, name: str) -> Any:
    missing = (
        f"run {run_id} has no readable {name}; it was logged by an older version, or failed: train again"
    )
    with tempfile.TemporaryDirectory() as folder, tracking.refusing(missing):
        try:
            return read_json(Path(client.download_artifacts(run_id, name, folder)))
        except (OSError, ValueError) as error:
            raise InputError(missing) from error
