"""Evaluations as files, so that the page of the next list can show them."""

import json
from pathlib import Path
from typing import Any

from crm_ml.errors import InputError
from crm_ml.learning.list_outcomes import Published
from crm_ml.lists.previous_lists import EVALUATIONS
from crm_ml.storage.regular_file import read_json
from crm_ml.storage.whole_file import write_text

_NOT_SAVED = ("off_policy",)


def save_evaluation(published: Published, evaluation: dict[str, Any]) -> str:
    """Write ``<name>/evaluations/<list folder>.json`` and return in words what was done.

    An evaluation of a longer window stays; one of the same or a shorter window is replaced.

    Raises
    ------
    InputError
        If the file can't be written; the one before stays.
    """
    path = published.folder.parent / EVALUATIONS / f"{published.folder.name}.json"
    longer = _days(path, published.list_id)
    if longer is not None and longer > evaluation["days"]:
        return (
            f"kept: {path} has the evaluation of {longer} days already, which a shorter one does not replace"
        )
    write_json(path, {name: part for name, part in evaluation.items() if name not in _NOT_SAVED})
    return f"evaluation: {path}"


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write JSON with sorted keys, whole or not at all.

    Raises
    ------
    InputError
        If it can't be written, or a figure is NaN or infinite.
    """
    try:
        text = json.dumps(content, indent=1, sort_keys=True, allow_nan=False, ensure_ascii=False) + "\n"
    except ValueError as error:
        raise InputError(f"{path}: a figure is NaN or infinite; nothing was written") from error
    write_text(path, text)


def _days(path: Path, list_id: str) -> int | None:
    """Return the window of the evaluation in a file; None if it is absent, broken or of another list."""
    try:
        content = read_json(path)
    except (OSError, ValueError):
        return None
    if not isinstance(content, dict) or content.get("list_id") != list_id:
        return None
    days = content.get("days")
    return days if isinstance(days, int) else None
