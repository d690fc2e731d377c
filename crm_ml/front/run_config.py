"""The config of a run from what a person states and what the tables suggest."""

import copy
import importlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from crm_ml.config import Run, run_classes
from crm_ml.config.loading import override
from crm_ml.config.suggested import suggested, suggested_families
from crm_ml.datasets import IN_MEMORY
from crm_ml.errors import ConfigError, Mistakes
from crm_ml.front.days import day_of
from crm_ml.front.setting_names import check_names, near, own_names, place_of, sections
from crm_ml.tables import Tables
from crm_ml.tables.strict import Strict, validate

_ENDS = "ends_at"


def run_config(
    family: str,
    tables: Tables,
    as_of: date | str | None,
    stated: Mapping[str, Any],
    settings: Mapping[str, Any],
) -> tuple[Run, tuple[str, ...]]:
    """Return the config of a family's run on tables, and why its suggested settings are what they are.

    Parameters
    ----------
    family : str
    tables : Tables
    as_of : date or str, optional
        Day of the final model.
    stated : mapping of str to value
        Settings by their own name, such as ``horizon_days``.
    settings : mapping of str to value
        By dotted key or nested, as in a file of ``configs/<family>/``; they win over all else, and where they
        are a whole config nothing is suggested.

    Raises
    ------
    ConfigError
        If there is no such family or setting, or the config is wrong; with all breaches, or near names.
    InputError
        If the tables are too few or too short for what is left to them.
    """
    kind = _kind(family)
    choices, names, wanted = _choices(family), dict(stated), dict[str, Any]()
    mistakes = Mistakes()
    with mistakes.noted():
        names |= {} if as_of is None else {"as_of": day_of(as_of)}
    with mistakes.noted():
        _check_own_names(family, names, {*own_names(kind), *choices})
    with mistakes.noted():
        wanted |= _dotted(kind, _mapping(settings))
        check_names(kind, wanted)
    mistakes.refuse("fit")
    base = _content(family, {}, wanted if not names else {})
    if _is_whole(base, kind):
        return validate(base, kind, f"fit({family!r})"), ()
    short = {**_short(kind, wanted, choices), **{key: names[key] for key in names if key in choices}}
    content, reasons = _suggestion(family, tables, short)
    placed = {str(place_of(kind, name)): value for name, value in names.items() if name not in choices}
    if _ENDS in short:
        placed[f"data.{_ENDS}"] = short[_ENDS]
    return validate(_content(family, content, placed | wanted), kind, f"fit({family!r})"), reasons


def _kind(family: str) -> type[Run]:
    classes = run_classes()
    if not isinstance(family, str) or family not in classes:
        raise ConfigError(f"{family!r} is no family; there are {', '.join(classes)}")
    return classes[family]


def _check_own_names(family: str, names: Iterable[str], known: Collection[str]) -> None:
    lines = [f"fit: {family} has no setting {name!r}; {near(name, known)}" for name in names
             if name not in known]  # fmt: skip
    if lines:
        raise ConfigError("\n".join(lines))


def _mapping(settings: object) -> Mapping[str, Any]:
    if isinstance(settings, Mapping) and all(isinstance(key, str) for key in settings):
        return settings
    raise ConfigError(
        "settings: write names and their values, such as {'model.options.rounds': 200}; there is a "
        f"{type(settings).__name__}"
    )


def _choices(family: str) -> Collection[str]:
    """Return the names that a suggestion for the family follows; none where there is no suggestion."""
    if family not in suggested_families():
        return ()
    stated: Collection[str] = importlib.import_module(f"crm_ml.config.suggestion.{family}").STATED
    return stated


def _suggestion(
    family: str, tables: Tables, short: Mapping[str, Any]
) -> tuple[Mapping[str, Any], tuple[str, ...]]:
    if family not in suggested_families():
        return {}, ()
    suggestion = suggested(family, tables, **short)
    return suggestion.content, suggestion.reasons


def _content(family: str, suggestion: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Return plain content of a config: what is suggested, overridden by what is wanted."""
    content: dict[str, Any] = {"family": family, "data": {"name": IN_MEMORY}}
    content |= copy.deepcopy(dict(suggestion))
    content["register_as"] = {"name": family, **content.get("register_as", {})}
    if isinstance(wanted.get("features"), Mapping):
        content["leave_out"] = _of_groups(content.get("leave_out", ()), wanted["features"])
    for key in sorted(wanted, key=lambda key: not key.endswith(".name")):
        override(content, key, wanted[key], f"settings: {key!r} is no key of a config of {family}")
    return content


def _of_groups(patterns: Iterable[str], groups: Collection[str]) -> list[str]:
    """Return the patterns of features of some groups; those of others would match nothing."""
    return [name for name in patterns if {name.split("_")[0], f"{name.split('_')[0]}s"} & set(groups)]


def _is_whole(content: Mapping[str, Any], kind: type[Run]) -> bool:
    try:
        validate(content, kind, "")
    except ConfigError:
        return False
    return True


def _short(kind: type[Strict], wanted: Mapping[str, Any], choices: Collection[str]) -> dict[str, Any]:
    """Return the settings that a suggestion follows, by their own names."""
    names = {key.rpartition(".")[2]: key for key in wanted}
    return {
        name: wanted[key]
        for name, key in names.items()
        if name in choices and name != "name" and key in (place_of(kind, name), f"data.{name}")
    }


def _dotted(kind: type[Strict], settings: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Give nested settings by dotted keys, down to what is no section of the config."""
    for key, value in settings.items():
        inner = sections(kind, key)
        if inner and isinstance(value, Mapping):
            parts = [part for part in inner if set(value) <= set(part.model_fields)] or inner
            yield from ((f"{key}.{name}", deep) for name, deep in _dotted(parts[0], value))
        else:
            yield key, value
