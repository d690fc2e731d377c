"""Ready mappings of well-known exports: what ``like: shopify`` stands for, below a person's own keys."""

from functools import cache
from importlib import resources
from typing import Any, Final

from crm_ml.errors import ConfigError
from crm_ml.tables.safe_yaml import parse_yaml

UNVERIFIED_NOTE: Final = "written from the vendor's documentation, no real file was read yet"
_ENDING: Final = ".yaml"
_ORIGINS: Final = {"column", "sum", "constant", "made"}
_SOURCES: Final = {"path", "glob", "database", "url", "ids_of"}


def ready_names() -> tuple[str, ...]:
    """Return the names of all ready mappings.

    Examples
    --------
    >>> "shopify" in ready_names()
    True
    """
    files = resources.files("crm_ml.tables").joinpath("ready").iterdir()
    return tuple(sorted(file.name.removesuffix(_ENDING) for file in files if file.name.endswith(_ENDING)))


def ready_content(name: str) -> dict[str, Any]:
    """Return the content of a ready mapping, without a name and without sources.

    Raises
    ------
    ConfigError
        If there is none of that name; lists those that are.
    """
    if name not in ready_names():
        raise ConfigError(f"like: there is no ready mapping {name!r}; there are {', '.join(ready_names())}")
    content: dict[str, Any] = parse_yaml(_text(name), f"the ready mapping {name}")
    return content


def with_ready(content: Any, where: str) -> Any:
    """Return the content of a mapping on top of the ready mapping that its key ``like`` names.

    Own keys win, at any depth; a key set to null removes what the ready mapping has there.

    Parameters
    ----------
    content : plain YAML types
    where : str
        Name of the file, for errors.

    Raises
    ------
    ConfigError
        If there is no such ready mapping.
    """
    if not isinstance(content, dict) or not isinstance(content.get("like"), str):
        return content
    try:
        return merged(ready_content(content["like"]), content)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from None


def merged(ready: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """Return `own` over `ready`: mappings key by key, anything else as a whole, nulls as absent.

    What names its origin is a whole too: ``{constant: app}`` replaces ``{column: sku}``, while
    ``{unit: minor}`` changes one key. A source of a table takes the place of another one.

    Examples
    --------
    >>> merged({"a": {"b": 1, "c": 2}, "d": 3}, {"a": {"b": 4}, "d": None})
    {'a': {'b': 4, 'c': 2}}
    >>> merged({"item_id": "sku"}, {"item_id": {"constant": "app"}})
    {'item_id': {'constant': 'app'}}
    """
    result = {key: value for key, value in ready.items() if key not in _SOURCES or not _SOURCES & set(own)}
    for key, value in own.items():
        below = ready.get(key)
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict) and isinstance(below, dict) and not _ORIGINS & set(value):
            result[key] = merged(below, value)
        elif isinstance(value, dict) and isinstance(below, str) and not _ORIGINS & set(value):
            result[key] = {"column": below, **value}
        else:
            result[key] = value
    return result


def expects(name: str | None, table: str, column: str) -> bool:
    """Return whether the ready mapping `name` names the source column or value `column` for `table`."""
    if name is None:
        return False
    tables: dict[str, Any] = ready_content(name)["tables"]
    return column in _texts(tables.get(table))


def _texts(content: Any) -> set[str]:
    if isinstance(content, dict):
        return set().union(*(_texts(value) for value in content.values()))
    if isinstance(content, list):
        return set().union(*(_texts(value) for value in content))
    return {content} if isinstance(content, str) else set()


@cache
def _text(name: str) -> str:
    return resources.files("crm_ml.tables").joinpath("ready", name + _ENDING).read_text(encoding="utf-8")
