"""The account of a run by which it can be run again and compared: ordered stages, each with its sum."""

import importlib.metadata
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crm_ml.errors import IntegrityError
from crm_ml.storage.manifest import verify
from crm_ml.train.record.fingerprints import content_sum, plain, table_sums
from crm_ml.train.record.parameters import resolved, seeds
from crm_ml.train.record.provenance import provenance

if TYPE_CHECKING:
    from crm_ml.config import Run
    from crm_ml.tables import Tables
    from crm_ml.train.record.outcome import Outcome

FILE = "reproduction.json"
TOLD = "environment"
COMPARED = ("libraries", "inputs", "features", "split", "trials", "model", "predictions")
_LIBRARIES = (
    "duckdb", "implicit", "lightgbm", "narwhals", "numba", "numpy", "optuna", "pandas", "pyarrow",
    "scikit-learn", "scipy",
)  # fmt: skip
_SETTINGS = {
    "inputs": ("data",),
    "features": ("family", "features", "leave_out", "target", "time_unit", "arms"),
    "split": ("split", "test", "register_as"),
}
Stages = dict[str, Any]


def before_fitting(config: "Run", tables: "Tables") -> Stages:
    """Return the stages that are known before anything is fitted: environment, libraries and inputs.

    Parameters
    ----------
    config : Run
    tables : Tables
        Those that the config names.
    """
    content = config.model_dump(mode="json")
    counts = {} if tables.report is None else tables.report.to_dict()
    counted = ("read", "accepted", "quarantined")
    environment = provenance(tables, config.data) | {
        "seeds": seeds(resolved(content)), "as_of": content["register_as"]["as_of"],
    }  # fmt: skip
    stages = {
        TOLD: environment,
        "libraries": {name: _version(name) for name in _LIBRARIES},
        "inputs": {
            "settings": _settings(content, "inputs"),
            "tables": table_sums(tables),
            "counts": {name: {key: report[key] for key in counted} for name, report in counts.items()},
        },
    }  # fmt: skip
    return dict(plain(stages))


def after_fitting(config: "Run", outcome: "Outcome", folder: Path) -> Stages:
    """Return the stages from the features on.

    Parameters
    ----------
    config : Run
    outcome : Outcome
        Of the family's experiment.
    folder : Path
        Where its model was saved.

    Raises
    ------
    IntegrityError
        If the folder does not agree with its manifest.
    """
    content, trace = config.model_dump(mode="json"), outcome.trace
    stages = {
        "features": {"settings": _settings(content, "features"), **trace.features},
        "split": {"settings": _settings(content, "split"), **trace.split},
        "trials": {"settings": _settings(content, "trials"), **trace.trials},
        "model": verify(folder),
        "predictions": {"by_model": trace.predictions, "metrics": dict(outcome.metrics)},
    }
    return dict(plain(stages))


def as_artefact(stages: Stages) -> list[dict[str, Any]]:
    """Return what `reproduction.json` holds: the stages in order, each with the sha256 of its content."""
    return [
        {"stage": name, "sha256": content_sum(content), "content": content}
        for name, content in stages.items()
    ]


def from_artefact(content: list[dict[str, Any]], run_id: str) -> Stages:
    """Return the stages that `as_artefact` wrote.

    Raises
    ------
    IntegrityError
        If a stage is missing or does not agree with its sum; the message names all of them.
    """
    stages = {stage["stage"]: stage["content"] for stage in content}
    faults = [f"{name} is missing" for name in (TOLD, *COMPARED) if name not in stages]
    changed = [stage["stage"] for stage in content if content_sum(stage["content"]) != stage["sha256"]]
    faults += [f"{name} does not agree with its sum" for name in changed]
    if faults:
        raise IntegrityError(f"{FILE} of run {run_id}: {'; '.join(faults)}; train the run again")
    return stages


def _settings(content: Mapping[str, Any], stage: str) -> dict[str, Any]:
    """Return the settings that a stage follows from; trials have all that no other stage has.

    Where data lie and on how many threads models are fitted change nothing and are left out.
    """
    full = resolved(content)
    full["data"] = {key: value for key, value in full["data"].items() if key != "path"}
    taken = {key for keys in _SETTINGS.values() for key in keys}
    names = _SETTINGS.get(stage, tuple(key for key in full if key not in taken))
    return {key: full[key] for key in names if key in full}


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
