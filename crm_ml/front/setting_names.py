"""Names of the settings of a run: where a plain name belongs, and which are near one that is none."""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, get_args

from crm_ml.errors import ConfigError
from crm_ml.tables.strict import Strict

_SECTIONS = ("target", "split", "register_as")


def place_of(kind: type[Strict], name: str) -> str | None:
    """Return the dotted key of a setting by its own name; None where there is none of that name.

    A name of the run itself comes first, then one of its target, its split and its registration.

    Examples
    --------
    >>> from crm_ml.config import ChurnRun
    >>> place_of(ChurnRun, "horizon_days"), place_of(ChurnRun, "replicates"), place_of(ChurnRun, "colour")
    ('target.horizon_days', 'replicates', None)
    """
    if name in kind.model_fields and name not in _SECTIONS:
        return name
    for section in _SECTIONS:
        if any(name in part.model_fields for part in sections(kind, section)):
            return f"{section}.{name}"
    return None


def own_names(kind: type[Strict]) -> list[str]:
    """Return all names that `place_of` knows."""
    inner = {name for section in _SECTIONS for part in sections(kind, section) for name in part.model_fields}
    return sorted({*kind.model_fields, *inner} - {"family", *_SECTIONS})


def sections(kind: type[Strict], name: str) -> list[type[Strict]]:
    """Return the models that a field of a model may hold; none where it holds a plain value."""
    field = kind.model_fields.get(name)
    return [] if field is None else list(_models(field.annotation))


def _models(annotation: Any) -> Iterator[type[Strict]]:
    if isinstance(annotation, type) and issubclass(annotation, Strict):
        yield annotation
    elif not isinstance(annotation, type):
        for part in get_args(annotation):
            yield from _models(part)


def check_names(kind: type[Strict], settings: Mapping[str, Any]) -> None:
    """Refuse settings that a model does not have.

    Parameters
    ----------
    kind : type
        Config class of a family.
    settings : mapping of str to value
        Dotted key to value.

    Raises
    ------
    ConfigError
        With the names that are near.
    """
    lines = [
        f"settings: {key!r} is none of this family; {hint}" for key in settings if (hint := _hint(kind, key))
    ]
    if lines:
        raise ConfigError("\n".join(lines))


def _hint(kind: type[Strict], key: str) -> str:
    """Return what is near the first part of a dotted key that is no name; empty where each is one."""
    models: list[type[Strict]] = [kind]
    for part in key.split("."):
        known = sorted({name for model in models for name in model.model_fields})
        if part not in known:
            return near(part, known)
        models = [inner for model in models for inner in sections(model, part)]
        if not models:
            break  # what follows is an option, which its owner checks
    return ""


def near(name: str, known: Iterable[str]) -> str:
    """Return what a person may have meant by a name, or all names where nothing is near.

    Examples
    --------
    >>> near("horizon_day", ["horizon_days", "seed"]), near("x", ["horizon_days", "seed"])
    ('did you mean horizon_days?', 'there are horizon_days, seed')
    """
    names = sorted(known)
    meant = difflib.get_close_matches(name, names, n=1)
    return f"did you mean {meant[0]}?" if meant else f"there are {', '.join(names)}"
