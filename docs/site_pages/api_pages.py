"""Pages of the API reference: one a room, from docstrings by mkdocstrings."""

import importlib
import inspect
from collections.abc import Iterator

from public_names import ROOMS, PublicName, public_names, value_of

FOLDER = "reference/api"


def pages() -> dict[str, str]:
    """Return the pages of the API by their path below ``docs/``, in the order of `ROOMS`."""
    homes: dict[int, PublicName] = {}
    texts = {f"{FOLDER}/{_stem(room)}.md": _page(room, homes) for room in ROOMS}
    return {f"{FOLDER}/index.md": _index(), **texts}


def _page(room: str, homes: dict[int, PublicName]) -> str:
    """Return the page of a room: what it is, a table of its names, and each name that no page before has."""
    names = public_names(room)
    mine = [name for name in names if homes.setdefault(id(value_of(name.path)), name) is name]
    table = [f"| [`{_shown(name, room)}`][{_home(name, homes)}] | {name.summary} |" for name in names]
    parts = [f"# {room}", inspect.getdoc(importlib.import_module(room)) or ""]
    if table:
        parts.append("\n".join(["| name | what it is |", "|---|---|", *table]))
    parts += [f"::: {name.path}" for name in mine]
    return "\n\n".join(parts) + "\n"


def _home(name: PublicName, homes: dict[int, PublicName]) -> str:
    return homes[id(value_of(name.path))].path


def _shown(name: PublicName, room: str) -> str:
    """Return a name as it is imported from its room, such as ``baselines.recency_rule``."""
    return name.path.removeprefix(f"{room}.")


def _index() -> str:
    rows = "\n".join(_index_rows())
    return f"# API\n\nEvery public name, by package.\n\n| package | holds |\n|---|---|\n{rows}\n"


def _index_rows() -> Iterator[str]:
    for room in ROOMS:
        purpose = (inspect.getdoc(importlib.import_module(room)) or "").partition("\n\n")[0]
        yield f"| [`{room}`]({_stem(room)}.md) | {' '.join(purpose.split())} |"


def _stem(room: str) -> str:
    return room.replace(".", "_")
