"""Safe YAML: plain types only, limits of size, aliases and depth, and no repeated key."""

from pathlib import Path
from typing import Any

from crm_ml.errors import ConfigError

MAX_BYTES = 1_000_000
MAX_ALIASES = 100
MAX_DEPTH = 50


def read_yaml(path: Path) -> Any:
    """Read one YAML file with plain types.

    Raises
    ------
    ConfigError
        If the file is absent, larger than 1 MB, no YAML, repeats a key, or has more than 100 aliases or
        50 levels.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ConfigError(f"{path}: {path.stat().st_size:,} bytes; a config has at most {MAX_BYTES:,}")
        content = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: can't be read: {error}") from error
    return parse_yaml(content, str(path))


def parse_yaml(content: str, where: str) -> Any:
    """Parse YAML text with plain types; `where` names it in errors.

    Raises
    ------
    ConfigError
        See `read_yaml`.

    Examples
    --------
    >>> parse_yaml("horizon_days: 28", "a.yaml")
    {'horizon_days': 28}
    """
    import yaml

    # LibYAML makes the same values in a tenth of the time
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        _check_events(yaml.parse(content, loader), where)
        _check_keys(yaml.compose(content, loader), where, set())
        return yaml.load(content, loader)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise ConfigError(f"{where}: is no YAML: {reason}") from error


def _check_events(events: Any, where: str) -> None:
    aliases = depth = 0
    for event in events:
        name = type(event).__name__
        aliases += name == "AliasEvent"
        depth += name.endswith("StartEvent") - name.endswith("EndEvent")
        if aliases > MAX_ALIASES or depth > MAX_DEPTH + 2:
            raise ConfigError(
                f"{where}: too many aliases or levels; a config has at most {MAX_ALIASES} and {MAX_DEPTH}"
            )


def _check_keys(node: Any, where: str, seen: set[int]) -> None:
    """Refuse a repeated key in one mapping, where YAML would silently take the last."""
    if id(node) in seen or not isinstance(getattr(node, "value", None), list):
        return
    seen.add(id(node))
    children = [part for pair in node.value for part in (pair if isinstance(pair, tuple) else (pair,))]
    if node.id == "mapping":
        keys = [key.value for key, _ in node.value if isinstance(key.value, str)]
        twice = sorted({key for key in keys if keys.count(key) > 1 and key != "<<"})
        if twice:
            line = node.start_mark.line + 1
            raise ConfigError(f"{where}: line {line}: {', '.join(twice)} stands twice in one block")
    for child in children:
        _check_keys(child, where, seen)
