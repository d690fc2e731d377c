"""Values of parameters as a table of runs shows them."""

from collections.abc import Mapping
from typing import Any

_LONGEST, _ROOM = 250, 20


def short(value: Any) -> str:
    """Return a setting as short text; the whole of it stands in ``config.json`` of the run.

    Parameters
    ----------
    value : plain value
        A mapping with a name is its name with what else is set.

    Examples
    --------
    >>> short(["2017-08-30", "2017-09-27"]), short({}), short(True), short(0.5)
    ('2017-08-30, 2017-09-27', '{}', 'True', '0.5')
    >>> short([{"name": "recency_rule", "options": {}}, {"name": "logistic", "options": {"strength": 0.03}}])
    'recency_rule, logistic (strength=0.03)'
    >>> len(short(["timing_*"] * 100)), short(["timing_*"] * 100)[-27:]
    (243, '_*, timing_*, … and 77 more')
    """
    text = _text(value)
    if len(text) <= _LONGEST:
        return text
    if not isinstance(value, list | tuple):
        return text[: _LONGEST - 1] + "…"
    shown: list[str] = []
    for part in map(_text, value):
        if len(", ".join([*shown, part])) > _LONGEST - _ROOM:
            break
        shown.append(part)
    return (
        f"{', '.join(shown)}, … and {len(value) - len(shown)} more" if shown else text[: _LONGEST - 1] + "…"
    )


def _text(value: Any) -> str:
    if isinstance(value, list | tuple) and value:
        return ", ".join(map(_text, value))
    if not isinstance(value, Mapping) or not value:
        return str(value)
    stated = {str(key): part for key, part in value.items() if part not in (None, {}, [], ())}
    name = stated.pop("name", "")
    options = stated.pop("options", {}) if set(stated) == {"options"} else stated
    inner = ", ".join(f"{key}={_text(part)}" for key, part in options.items())
    return f"{name} ({inner})" if name and inner else str(name or inner)
