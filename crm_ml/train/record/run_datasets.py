"""What a run trains, chooses and tests on, as datasets of the tracking store: counts, days and sums."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crm_ml.storage.paths import project_root
from crm_ml.tracking.logged_datasets import LoggedDataset
from crm_ml.train.record.account import Stages
from crm_ml.train.record.fingerprints import content_sum, plain

if TYPE_CHECKING:
    from crm_ml.config import Run
    from crm_ml.train.record.outcome import Outcome

_CONTENT, _WINDOWS = 12, 8


def run_datasets(
    config: "Run", before: Stages, outcome: "Outcome", model: Mapping[str, Any]
) -> list[LoggedDataset]:
    """Return the data of training, of validation where there is one, and of the test.

    Their digest is that of the accepted rows, by the sums in ``reproduction.json``, and of the windows, those
    of training with each of their days: equal digests are the same rows of the same data for the same target,
    whatever the features and the code. The source has no path of a machine.

    Parameters
    ----------
    config : Run
    before : mapping
        Of `crm_ml.train.record.account.before_fitting`.
    outcome : Outcome
    model : mapping
        Manifest of the registered model.
    """
    inputs = before["inputs"]
    content = content_sum(inputs["tables"])
    schema = {
        f"{table}.{column}": kind.rpartition(" ")[0]
        for table, described in inputs["tables"].items()
        for column, kind in described["columns"].items()
    }
    counts = {name: described["rows"] for name, described in inputs["tables"].items()}
    target = config.target.model_dump(mode="json")
    name = _in_project(config.data.name, Path(config.data.name).name)
    return [
        LoggedDataset(
            name=name,
            digest=f"{content[:_CONTENT]}-{content_sum([config.family, target, windows])[:_WINDOWS]}",
            context=context,
            source=_in_project(config.data.path or name, name),
            schema=schema,
            profile={"rows": counts, **windows},
        )
        for context, windows in _windows(config, outcome, model).items()
    ]


def _windows(config: "Run", outcome: "Outcome", model: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return days and counts of each part of the data that a run has."""
    as_of = str(config.register_as.as_of)
    labels_end = model.get("labels_end", as_of)
    # rows are counted by day, those of validation too, which train nothing
    days_of_training = {name: days for name, days in outcome.trace.split.items() if name != "rows"}
    parts: dict[str, dict[str, Any]] = {
        "training": {"registered_for": as_of, "labels_end": labels_end, "split": days_of_training}
    }
    split = config.model_dump(mode="json").get("split", {})
    tuning = getattr(config, "tuning", None)
    if split.get("validation"):
        parts["validation"] = {"days": split["validation"]}
    elif tuning is not None:
        parts["validation"] = {"days_before_test": tuning.validation.model_dump(mode="json"), "test": split}
    if outcome.rows is not None:
        windows = {fold: [each.as_of, each.labels_end] for fold, each in sorted(outcome.rows.windows.items())}
        rows = {name: len(part.y) for name, part in outcome.rows.parts.items()}
        parts["test"] = {"windows": windows, "test_rows": rows}
    return dict(plain(parts))


def _in_project(path: str, otherwise: str) -> str:
    """Return a path as seen from the project, and something else where it leads out of it."""
    root = project_root()
    place = Path(os.path.normpath(root / path))
    return place.relative_to(root).as_posix() if place.is_relative_to(root) else otherwise
