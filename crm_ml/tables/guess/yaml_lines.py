"""Lines of YAML with comments beside them."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

_PLAIN: Final = re.compile(r"[^\W\d_](?:[\w ./-]*\w)?")
_WORDS: Final = frozenset(("null", "true", "false", "yes", "no", "on", "off", "y", "n"))
_COMMENT_AT: Final = 40
_WIDEST: Final = 108


def scalar(value: object) -> str:
    """Return a value as YAML, in quotes where a plain text would be read as something else.

    Examples
    --------
    >>> scalar("Lineitem price"), scalar("%d.%m.%Y"), scalar("no"), scalar(12), scalar(True)
    ('Lineitem price', '"%d.%m.%Y"', '"no"', '12', 'true')
    """
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    return json.dumps(value, ensure_ascii=False)


def flow(value: object) -> str:
    """Return a value on one line.

    Examples
    --------
    >>> flow({"column": "price", "less": ["a", "b"]})
    '{column: price, less: [a, b]}'
    """
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{scalar(key)}: {flow(part)}" for key, part in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(flow(part) for part in value) + "]"
    return scalar(value)


def line(indent: int, key: str, value: Any = None, why: str = "", say: bool = False) -> str:
    """Return ``key: value  # why``; with `say` all of it is a comment, for what the file does not tell."""
    lead = " " * indent + ("# say: " if say else "")
    text = f"{lead}{scalar(key)}:" + ("" if value is None else f" {flow(value)}")
    if not why:
        return text
    padded = text.ljust(_COMMENT_AT)
    return f"{padded}  # {why}" if len(padded) + len(why) + 4 <= _WIDEST else f"{' ' * indent}# {why}\n{text}"
