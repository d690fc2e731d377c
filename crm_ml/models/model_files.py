"""How a fitted model and its kind are written to a folder and read again."""

from functools import cache
from pathlib import Path
from typing import Any

from crm_ml.models.discovery import discover, read_kind, write_kind

KIND = "model"


def write_model(model: Any, folder: Path) -> None:
    """Write a fitted model and its kind into a new folder; `read_model` reads it."""
    folder.mkdir(parents=True, exist_ok=True)
    write_kind(folder, KIND, model)
    model.save(folder)


def read_model(folder: Path) -> Any:
    """Read a model of any kind; check the folder's manifest before.

    Raises
    ------
    InputError
        If the folder holds no model of a known kind and format.
    """
    kind = read_kind(folder, KIND, kinds(), "model")
    return kind.load(folder)


@cache
def kinds() -> dict[str, type[Any]]:
    """Return what can be read from a folder, by module name: every class here with save and load."""
    return discover("crm_ml.models", lambda one: hasattr(one, "save") and hasattr(one, "load"))
