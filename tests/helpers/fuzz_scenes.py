"""What is fuzzed: files, and the commands that read them."""

from dataclasses import dataclass

from fuzz_world import MAPPING

MODEL = "runs/artefacts/models/*/artifacts/data/model"
RUN = "runs/artefacts/?" + "[0-9a-f]" * 31
LIST = "data/lists/mine"
CHECK = f"tables {MAPPING} --out out"
GUESS = "tables --guess {file} --out configs/data/new.yaml"
SCORE = "score score/mine --out lists"
NEW_RUN = f"train --new churn --data {MAPPING} --name new"
NEW_LIST = f"score --new --data {MAPPING} --name new"
EXPORT = f"score export {LIST} --to braze"
TO_PEOPLE = f"score export {LIST} --contacts data/contacts.csv --to"
READ_LIST = (
    EXPORT,
    "score load {list} --into csv:sink",
    "score load {list} --into duckdb:sink.db",
    "score diff {list} {other}",
    "score evaluate {list} score/mine",
    "score realised score/mine --as-of 2024-07-01",
)
READ_RUN = (
    "train compare {run} churn_mine@champion",
    "train reproduce {run}",
    "train promote churn_mine --version 1",
    "train promote churn_mine --rollback",
)


@dataclass(frozen=True)
class Scene:
    """Files of which one is mutated, and commands of which one is run.

    Parameters
    ----------
    name : str
    weight : int
        How often it is drawn, beside the others.
    files : tuple of str
        Patterns of paths below the project.
    commands : tuple of str
        Words; ``{list}`` and ``{other}`` are folders of lists, ``{run}`` the id of a run, ``{file}`` the
        mutated file.
    sums : bool
        Whether the manifest of a mutated file may be made to agree with it again.
    """

    name: str
    weight: int
    files: tuple[str, ...]
    commands: tuple[str, ...]
    sums: bool = False


TABLES = ("data/customers.csv", "data/order_lines.csv", "data/items.parquet")
SCENES = (
    Scene("mapping", 14, (MAPPING,), (CHECK, CHECK, CHECK, NEW_RUN)),
    Scene("csv", 14, TABLES[:2], (CHECK,)),
    Scene("parquet", 12, TABLES[2:], (CHECK,)),
    Scene("databases", 4, ("data/crm.db", "data/touches.duckdb"), (CHECK,)),
    Scene("guess", 10, TABLES, (GUESS,)),
    Scene("run", 8, ("configs/churn/mine.yaml", "configs/default.yaml"), ("train", "train churn/mine")),
    Scene("settings", 6, ("configs/score/mine.yaml",), (SCORE,)),
    Scene("catalogue", 6, ("configs/actions/mine.yaml",), (SCORE,)),
    Scene("model", 8, (f"{MODEL}/**/*", f"{MODEL}/../../*"), (SCORE,), sums=True),
    Scene("run files", 3, (f"{RUN}/**/*",), READ_RUN, sums=True),
    Scene("store", 7, ("runs/mlflow.db",), (SCORE, *READ_RUN)),
    Scene("list", 12, (f"{LIST}/*/*", f"{LIST}/latest.json"), READ_LIST, sums=True),
    Scene("contacts", 6, ("data/contacts.csv",), (f"{TO_PEOPLE} google", f"{TO_PEOPLE} klaviyo")),
    Scene(
        "derived",
        6,
        ("data/tables/*/*", "data/scores/*/*", "data/features/*/*", "runs/pseudonym.key"),
        (SCORE, CHECK),
        sums=True,
    ),
    Scene("new list", 2, (MAPPING, "runs/mlflow.db", f"{MODEL}/*.json"), (NEW_LIST,)),
    Scene(
        "environment",
        10,
        (),
        (CHECK, SCORE, "train churn/mine", EXPORT, "score load {list} --into postgres:", "init new",
         *READ_RUN),
    ),
    Scene(
        "words",
        12,
        ("data/customers.csv",),
        (CHECK, GUESS, SCORE, NEW_RUN, NEW_LIST, "init new", "score play_out {list}", *READ_RUN, *READ_LIST),
    ),
    Scene(
        "kinds",
        10,
        ("configs/*/mine.yaml", "data/*.*", f"{MODEL}/*", f"{LIST}/*/*", f"{LIST}/latest.json",
         "runs/mlflow.db", "runs/pseudonym.key", "data/tables/*"),
        (CHECK, CHECK, SCORE, GUESS, f"{TO_PEOPLE} meta", *READ_RUN),
    ),
)  # fmt: skip
