"""What imports what between the rooms of the package, read from its source and from the import contract."""

import ast
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PROJECT = Path(__file__).parents[1]
PACKAGE = "crm_ml"


@dataclass(frozen=True)
class Room:
    """One top-level folder or module of the package."""

    name: str
    purpose: str
    lines: int
    imports: frozenset[str]


def layers() -> list[list[str]]:
    """Return the rooms of each layer of the import contract, highest layer first."""
    with (PROJECT / "pyproject.toml").open("rb") as file:
        contracts = tomllib.load(file)["tool"]["importlinter"]["contracts"]
    (contract,) = [contract for contract in contracts if contract["type"] == "layers"]
    return [layer.split(" | ") for layer in contract["layers"]]


@cache
def rooms() -> dict[str, Room]:
    """Return the rooms of the package by name, each with what it imports of lower layers."""
    below: set[str] = set()
    known: dict[str, Room] = {}
    for layer in reversed(layers()):
        known |= {name: _room(name, below) for name in layer}
        below |= set(layer)
    return known


def needed_arrows(rooms: dict[str, Room]) -> set[tuple[str, str]]:
    """Return the imports between rooms that no way over other rooms already implies."""
    reach = {name: _reach(rooms, name) for name in rooms}
    return {
        (name, imported)
        for name, room in rooms.items()
        for imported in room.imports
        if not any(imported in reach[other] for other in room.imports - {imported})
    }


def _reach(rooms: dict[str, Room], name: str) -> set[str]:
    reached: set[str] = set()
    waiting = [name]
    while waiting:
        new = rooms[waiting.pop()].imports - reached
        reached |= new
        waiting += new
    return reached


def _room(name: str, below: set[str]) -> Room:
    path = PROJECT / PACKAGE / name
    files = sorted(path.rglob("*.py")) if path.is_dir() else [path.with_suffix(".py")]
    trees = {file: ast.parse(file.read_bytes()) for file in files}
    head = trees[path / "__init__.py" if path.is_dir() else files[0]]
    imported = {room for tree in trees.values() for room in _imported_rooms(tree)}
    lines = sum(len(file.read_text(encoding="utf-8").splitlines()) for file in files)
    return Room(name, _purpose(name, head), lines, frozenset(imported & below))


def _purpose(name: str, module: ast.Module) -> str:
    """Return the first sentence of a docstring, without the name of the room where it begins with that."""
    sentence = (ast.get_docstring(module) or "").split("\n\n")[0].replace("\n", " ").replace("`", "")
    head, colon, rest = sentence.partition(": ")
    text = rest if colon and head.lower().endswith(name.replace("_", " ")) else sentence
    return (text[:1].upper() + text[1:]).rstrip(".")


def _imported_rooms(tree: ast.Module) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    parts = [name.split(".") for name in names]
    return {part[1] for part in parts if part[0] == PACKAGE and len(part) > 1}
