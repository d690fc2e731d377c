"""Safe YAML: plain types only, limits of size, aliases and levels, and no repeated key.

Every check is linear in the text. What an alias stands for is counted again wherever it is used, since merge
keys (``<<``) copy it there: ten lines that each merge the one before twice would be a thousand.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from crm_ml.errors import ConfigError, InputError
from crm_ml.masking import note
from crm_ml.storage.input_limits import MOST_ALIASES, MOST_LEVELS, MOST_NUMBER_SIGNS, MOST_YAML_BYTES
from crm_ml.storage.regular_file import read_text

_NUMBERS = tuple(f"tag:yaml.org,2002:{kind}" for kind in ("int", "float", "timestamp"))
_MOST_SHOWN = 5


def read_yaml(path: Path) -> Any:
    """Read one YAML file with plain types.

    Raises
    ------
    ConfigError
        If the file is absent, no regular file, no YAML, repeats a key, or is beyond the limits of
        `crm_ml.storage.input_limits`: 1 MiB (also with each alias written out), 100 aliases, 50 levels, 64
        signs of a number.
    """
    try:
        return parse_yaml(read_text(path, MOST_YAML_BYTES), str(path))
    except InputError as error:
        raise ConfigError(f"{path} {error}") from None
    except OSError as error:
        raise ConfigError(f"{path}: can't be read: {error.strerror or error}") from error


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
    note(content)
    import yaml

    # LibYAML makes the same values in a tenth of the time
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        _check_events(yaml.parse(content, loader), where)
        reader = loader(content)
        node = reader.get_single_node()
        if node is None:
            return None
        _check_nodes(node, where)
        return reader.construct_document(node)
    except (yaml.YAMLError, ValueError, LookupError, AttributeError, TypeError) as error:
        # its readers of tagged numbers, dates and switches raise what they come upon
        reason = " ".join(str(error).split())
        raise ConfigError(f"{where}: is no YAML: {reason}") from error


def _check_events(events: Any, where: str) -> None:
    aliases = depth = 0
    for event in events:
        name = type(event).__name__
        aliases += name == "AliasEvent"
        depth += name.endswith("StartEvent") - name.endswith("EndEvent")
        if aliases > MOST_ALIASES or depth > MOST_LEVELS + 2:
            raise ConfigError(
                f"{where}: too many aliases or levels; a config has at most {MOST_ALIASES} and {MOST_LEVELS}"
            )


def _check_nodes(root: Any, where: str) -> None:
    """Refuse repeated keys, endless numbers, aliases that hold themselves, and what is too large with them.

    A node that aliases share is visited once, and its size, in bytes, is added wherever it stands.
    """
    sizes: dict[int, int] = {}
    open_nodes: set[int] = set()
    stack = [(root, False)]
    while stack:
        node, is_left = stack.pop()
        if is_left:
            open_nodes.discard(id(node))
            sizes[id(node)] = 1 + sum(sizes[id(child)] for child in _children(node))
        elif id(node) in open_nodes:
            raise ConfigError(f"{where}: line {_line(node)}: holds itself by an alias; write it out")
        elif id(node) not in sizes:
            if isinstance(node.value, str):
                sizes[id(node)] = 1 + _scalar_bytes(node, where)
                continue
            _refuse_repeated(node, where)
            open_nodes.add(id(node))
            stack += [(node, True), *((child, False) for child in _children(node))]
    if sizes[id(root)] > MOST_YAML_BYTES + len(sizes):
        raise ConfigError(
            f"{where}: has {sizes[id(root)]:,} bytes with each alias written out; at most "
            f"{MOST_YAML_BYTES:,} are read"
        )


def _children(node: Any) -> Iterator[Any]:
    for part in node.value:
        if isinstance(part, tuple):
            yield from part
        else:
            yield part


def _scalar_bytes(node: Any, where: str) -> int:
    """Return the bytes of a scalar; numbers, such as those in base 60, take the square of their length."""
    if node.tag in _NUMBERS and len(node.value) > MOST_NUMBER_SIGNS:
        raise ConfigError(
            f"{where}: line {_line(node)}: a number of {len(node.value):,} signs; one has at most "
            f"{MOST_NUMBER_SIGNS}, put a text in quotes"
        )
    return len(node.value.encode("utf-8", "surrogatepass"))


def _refuse_repeated(node: Any, where: str) -> None:
    """Refuse a repeated key in one mapping, where YAML would silently take the last."""
    if node.id != "mapping":
        return
    keys = Counter(key.value for key, _ in node.value if isinstance(key.value, str))
    twice = sorted(key for key, times in keys.items() if times > 1 and key != "<<")
    if twice:
        more = f" and {len(twice) - _MOST_SHOWN:,} more" if len(twice) > _MOST_SHOWN else ""
        shown = f"{', '.join(twice[:_MOST_SHOWN])}{more}"
        raise ConfigError(f"{where}: line {_line(node)}: {shown} stands twice in one block")


def _line(node: Any) -> int:
    return int(node.start_mark.line) + 1
