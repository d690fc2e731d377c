"""Base class of all configuration models, and validation with all breaches in one error."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from crm_ml.errors import ConfigError
from crm_ml.masking import note
from crm_ml.tables.cell_shape import looks_like_data, shape_of

_MOST_LINES, _MOST_SIGNS = 100, 4_000
Checked = TypeVar("Checked", bound="Strict")


class Strict(BaseModel):
    """A frozen configuration without unknown keys, silent conversions, NaN or infinite numbers."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


def validate(
    content: Any, model: type[Checked], where: str, words: Mapping[str, str] | None = None
) -> Checked:
    """Check plain data against a model.

    Parameters
    ----------
    content : plain YAML types
    model : type
    where : str
        Name of the file, for errors.
    words : mapping of str to str, optional
        Place in the file to what its writer calls it, for errors.

    Raises
    ------
    ConfigError
        Listing every breach with its place in the file, the first 100 of more.
    """
    note(content)
    try:
        return model.model_validate(content)
    except ValidationError as error:
        breaches = error.errors(include_url=False, include_context=False)
        lines = [
            f"  {_cut((words or {}).get(place, place))}: {_cut(fault['msg'].removeprefix('Value error, '))}"
            for fault in breaches
            for place in [_place(fault["loc"])]
        ]
        more = [f"  and {len(lines) - _MOST_LINES:,} more"] if len(lines) > _MOST_LINES else []
        raise ConfigError(
            f"{where}: {len(lines):,} {'mistake' if len(lines) == 1 else 'mistakes'}\n"
            + "\n".join(lines[:_MOST_LINES] + more)
        ) from None


def _place(parts: tuple[int | str, ...]) -> str:
    keys = [part if isinstance(part, int) or not looks_like_data(part) else shape_of(part) for part in parts]
    place = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys)
    return place.lstrip(".") or "the file"


def _cut(text: str) -> str:
    return text if len(text) <= _MOST_SIGNS else f"{text[:_MOST_SIGNS]} ... ({len(text):,} characters)"
