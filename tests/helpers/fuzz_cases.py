"""Which command a case runs and what it mutates; all of it follows from a seed and a number."""

import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fuzz_places
import fuzz_tables
import fuzz_values
from fuzz_world import MAPPING

Bytes = Callable[[random.Random, bytes], tuple[bytes, str]]
MODEL = "runs/artefacts/models/*/artifacts/data/model"
LIST = "data/lists/mine/*"
CHECK = ["tables", MAPPING, "--out", "out"]
SCORE = ["score", "score/mine", "--out", "lists"]
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


@dataclass(frozen=True)
class Scene:
    """Files of which one is mutated, and commands of which one reads them.

    Parameters
    ----------
    name : str
    weight : int
        How often it is drawn, beside the others.
    files : tuple of str
        Patterns of paths below the project.
    commands : tuple of list of str
        Words; ``{list}`` and ``{other}`` are folders of lists, ``{run}`` is the id of a run.
    sums : bool
        Whether the manifest of a mutated file may be made to agree with it again.
    """

    name: str
    weight: int
    files: tuple[str, ...]
    commands: tuple[list[str], ...]
    sums: bool = False


SCENES = (
    Scene("mapping", 14, (MAPPING,), (CHECK, CHECK, CHECK, ["train", "--new", "churn", "--data", MAPPING, "--name", "new"])),
    Scene("csv", 14, ("data/customers.csv", "data/order_lines.csv"), (CHECK,)),
    Scene("parquet", 12, ("data/items.parquet",), (CHECK,)),
    Scene("databases", 4, ("data/crm.db", "data/touches.duckdb"), (CHECK,)),
    Scene("guess", 10, ("data/customers.csv", "data/order_lines.csv", "data/items.parquet"),
          (["tables", "--guess", "{file}", "--out", "configs/data/new.yaml"],)),
    Scene("run", 8, ("configs/churn/mine.yaml", "configs/default.yaml"), (["train"], ["train", "churn/mine"])),
    Scene("settings", 6, ("configs/score/mine.yaml",), (SCORE,)),
    Scene("catalogue", 6, ("configs/actions/mine.yaml",), (SCORE,)),
    Scene("model", 8, (f"{MODEL}/**/*", f"{MODEL}/../../*"), (SCORE,), sums=True),
    Scene("run files", 3, ("runs/artefacts/?" + "[0-9a-f]" * 31 + "/**/*",),
          (["train", "compare", "{run}", "{run}"], ["train", "reproduce", "{run}"],
           ["train", "promote", "churn_mine", "--version", "1"]), sums=True),
    Scene("store", 7, ("runs/mlflow.db",),
          (SCORE, ["train", "promote", "churn_mine"], ["train", "promote", "churn_mine", "--rollback"],
           ["train", "compare", "{run}", "churn_mine@champion"], ["train", "reproduce", "{run}"])),
    Scene("list", 12, (f"{LIST}/*", "data/lists/mine/latest.json"),
          (["score", "export", "data/lists/mine", "--to", "csv"], ["score", "load", "{list}", "--into", "csv:sink"],
           ["score", "load", "{list}", "--into", "duckdb:sink.db"], ["score", "diff", "{list}", "{other}"],
           ["score", "evaluate", "{list}"], ["score", "realised", "score/mine", "--as-of", "2024-07-01"]), sums=True),
    Scene("contacts", 6, ("data/contacts.csv",),
          (["score", "export", "data/lists/mine", "--to", "google", "--contacts", "data/contacts.csv"],
           ["score", "export", "data/lists/mine", "--to", "klaviyo", "--contacts", "data/contacts.csv"])),
    Scene("derived", 6, ("data/tables/*/*", "data/scores/*/*", "data/features/*/*", "runs/pseudonym.key"), (SCORE, CHECK), sums=True),
    Scene("new settings", 2, (MAPPING, "runs/mlflow.db", f"{MODEL}/*.json"), (["score", "--new", "--data", MAPPING, "--name", "new"],)),
    Scene("environment", 10, (), (CHECK, SCORE, ["train", "churn/mine"], ["train", "promote", "churn_mine"],
          ["score", "export", "data/lists/mine", "--to", "csv"], ["score", "load", "{list}", "--into", "postgres:"], ["init", "new"])),
    Scene("words", 12, (), (CHECK, SCORE, ["tables", "--guess", "data/customers.csv", "--out", "configs/data/new.yaml"],
          ["train", "churn/mine", "--set", "seed=3"], ["train", "--new", "churn", "--data", MAPPING, "--name", "new"],
          ["train", "compare", "{run}", "{run}"], ["train", "promote", "churn_mine", "--version", "1"],
          ["score", "export", "data/lists/mine", "--to", "csv", "--action", "points"], ["score", "diff", "{list}", "{other}"],
          ["score", "load", "{list}", "--into", "csv:sink"], ["score", "evaluate", "{list}"], ["init", "new"],
          ["score", "--new", "--data", MAPPING, "--name", "new"], ["train", "reproduce", "{run}"],
          ["score", "realised", "score/mine"], ["score", "play_out", "{list}"])),
    Scene("kinds", 10, ("configs/*/mine.yaml", "data/*.*", f"{MODEL}/*", "data/lists/mine/*/*", "data/lists/mine/latest.json",
          "runs/mlflow.db", "runs/pseudonym.key", "data/tables/*"),
          (CHECK, CHECK, SCORE, ["tables", "--guess", "data/customers.csv", "--out", "configs/data/new.yaml"],
           ["score", "export", "data/lists/mine", "--to", "csv", "--contacts", "data/contacts.csv"],
           ["train", "promote", "churn_mine"])),
)  # fmt: skip


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
    scene = draw.choices(SCENES, [scene.weight for scene in SCENES])[0]
    words = list(draw.choice(scene.commands))
    path = _drawn(draw, project, scene.files)
    words = [_filled(word, project, path) for word in words]
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
    """Draw a file of one of the patterns; ids of runs and models do not change which."""
    if not patterns:
        return None
    found: list[Path] = []
    while not found:
        found = [
            path
            for path in project.glob(draw.choice(patterns))
            if path.is_file() or path.parent.name == "tables"
        ]
    return draw.choice(sorted(found, key=lambda path: re.sub(r"[0-9a-f]{32}", "", str(path.resolve()))))


def _filled(word: str, project: Path, path: Path | None) -> str:
    lists = sorted(
        str(place.relative_to(project)) for place in (project / "data/lists/mine").iterdir() if place.is_dir()
    )
    runs = [place.name for place in (project / "runs/artefacts").iterdir() if len(place.name) == 32]
    values = {
        "list": lists[-1],
        "other": lists[0],
        "run": runs[0],
        "file": path and path.relative_to(project),
    }
    return re.sub(r"\{(\w+)\}", lambda match: str(values[match[1]]), word)


def _contents(draw: random.Random, path: Path, sums: bool) -> str:
    if path.suffix == ".db":
        return fuzz_tables.sqlite_mutated(draw, path)
    mutated = next(
        (mutated for ending, mutated in BY_NAME if path.name.endswith(ending)), fuzz_values.bytes_mutated
    )
    content, note = mutated(draw, path.read_bytes())
    path.write_bytes(content)
    if sums and draw.random() < 0.75 and path.name != "manifest.json":
        note += fuzz_places.sums_repaired(path)
    return note
