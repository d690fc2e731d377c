"""Which command a case runs and what it mutates; all of it follows from a seed and a number."""

import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fuzz_places
import fuzz_tables
import fuzz_values
from fuzz_scenes import CHECK, SCENES, SCORE, Scene

Bytes = Callable[[random.Random, bytes], tuple[bytes, str]]
BY_NAME: tuple[tuple[str, Bytes], ...] = (
    (".yaml", fuzz_values.yaml_mutated),
    ("MLmodel", fuzz_values.yaml_mutated),
    (".json", fuzz_values.json_mutated),
    (".csv", fuzz_tables.csv_mutated),
    (".parquet", fuzz_tables.parquet_mutated),
    (".npz", fuzz_tables.npz_mutated),
    ("trees.txt", fuzz_tables.lightgbm_mutated),
    (".txt", fuzz_tables.lightgbm_mutated),
)


DEAR = {CHECK: 4, SCORE: 2, "train churn/mine": 1, "train reproduce {run}": 0}  # .6 to 2 CPU s each


def numbers(seed: int, count: int, whole: bool) -> list[int]:
    """Return the numbers of so many cases: all in their order, or a sample with few of dear commands."""
    if whole:
        return list(range(count))
    left, chosen, number = dict(DEAR), [], 0
    while len(chosen) < count:
        _, command = _scene(random.Random(f"{seed} {number}"))
        if left.get(command, 1):
            left |= {command: left[command] - 1} if command in left else {}
            chosen.append(number)
        number += 1
    return chosen


def _scene(draw: random.Random) -> tuple[Scene, str]:
    scene = draw.choices(SCENES, [scene.weight for scene in SCENES])[0]
    return scene, draw.choice(scene.commands)


def mutate(case: Path, seed: int, number: int) -> dict[str, Any]:
    """Mutate a copy of the project and return the plan: what was done, words, environment, places named.

    Parameters
    ----------
    case : Path
        With the folders project and outside.
    seed, number : int
        Of the case; the same ones give the same mutation.
    """
    draw = random.Random(f"{seed} {number}")
    project = case / "project"
    scene, command = _scene(draw)
    path = _drawn(draw, project, scene.files)
    words = [_filled(word, project, path) for word in command.split()]
    plan: dict[str, Any] = {"scene": scene.name, "words": words, "environment": {}, "named": []}
    if scene.name == "environment":
        plan |= fuzz_places.environment(draw, case)
    elif scene.name == "words":
        plan |= fuzz_places.other_words(draw, words, case)
    elif scene.name == "kinds" or (path and draw.random() < 0.04):
        plan["what"] = f"{path.relative_to(project)}: {fuzz_places.kind_changed(draw, path, case)}"
    elif path:
        plan["what"] = f"{path.relative_to(project)}: {_contents(draw, path, scene.sums)}"
    return plan


def _drawn(draw: random.Random, project: Path, patterns: tuple[str, ...]) -> Path | None:
    """Draw a file of one of the patterns, or a folder of tables; the ids in its path do not decide."""
    if not patterns:
        return None
    paths: list[Path] = []
    while not paths:
        paths = [path for path in project.glob(draw.choice(patterns)) if _is_target(path)]
    return draw.choice(sorted(paths, key=lambda path: re.sub(r"[0-9a-f]{16,}", "", str(path.resolve()))))


def _is_target(path: Path) -> bool:
    return path.is_file() or path.parent.name == "tables"


def _filled(word: str, project: Path, path: Path | None) -> str:
    folders = sorted(place for place in (project / "data/lists/mine").iterdir() if place.is_dir())
    lists = [str(place.relative_to(project)) for place in folders]
    runs = [place.name for place in (project / "runs/artefacts").iterdir() if len(place.name) == 32]
    values = {"list": lists[-1], "other": lists[0], "run": runs[0]}
    values |= {"file": str(path.relative_to(project))} if path else {}
    return re.sub(r"\{(\w+)\}", lambda match: values[match[1]], word)


def _contents(draw: random.Random, path: Path, sums: bool) -> str:
    if path.suffix == ".db":
        return fuzz_tables.sqlite_mutated(draw, path)
    kinds = (mutated for ending, mutated in BY_NAME if path.name.endswith(ending))
    content, note = next(kinds, fuzz_values.bytes_mutated)(draw, path.read_bytes())
    path.write_bytes(content)
    if sums and draw.random() < 0.75 and path.name != "manifest.json":
        note += fuzz_places.sums_repaired(path)
    return note
