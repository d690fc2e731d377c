"""The folder of a fitted model: the model, its config, its evaluation and its plots."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from crm_ml.config import Run, run_classes
from crm_ml.errors import InputError
from crm_ml.front.fit_report import FitReport
from crm_ml.storage.manifest import copy_files, new_folder, verify
from crm_ml.tables.strict import validate
from crm_ml.tracking.safe_names import safe_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_FILE = "fit.json"


def save(
    folder: Path, config: Run, evaluation: FitReport, model: Path, figures: "Mapping[str, Figure]"
) -> Path:
    """Write all of a fitted model, whole or not at all, and return its folder.

    Raises
    ------
    AlreadyPublished
        If the folder stands already.
    """
    content = {"config": config.model_dump(mode="json"), "evaluation": evaluation.as_json()}
    with new_folder(folder, family=config.family) as part:
        copy_files(model, part / "model")
        (part / _FILE).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        (part / "plots").mkdir()
        for name, figure in figures.items():
            figure.savefig(part / "plots" / f"{safe_file(name)}.png", dpi=120)
    return folder


def read(folder: Path) -> tuple[Run, FitReport]:
    """Return config and evaluation of a saved model; its model is in the folder ``model``.

    Raises
    ------
    IntegrityError
        If a file is missing or has changed.
    InputError
        If it is the folder of something else, or the family is not installed here.
    """
    family = str(verify(folder).get("family"))
    if not (folder / _FILE).is_file():
        raise InputError(f"{folder}: it has no {_FILE}; give a folder that FittedModel.save wrote")
    classes = run_classes()
    if family not in classes:
        raise InputError(f"{folder}: no family {family!r} is installed here; there are {', '.join(classes)}")
    content = json.loads((folder / _FILE).read_text(encoding="utf-8"))
    config = validate(content["config"], classes[family], f"{_FILE} of {folder}")
    return config, FitReport.from_json(content["evaluation"])
