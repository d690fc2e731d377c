"""Reference pages of columns: customer tables, score tables, and the files of a list."""

import importlib
import inspect
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from crm_ml.features import groups
from crm_ml.lists import list_columns
from crm_ml.lists.column_meanings import LIST, MANIFEST, NOT_SELECTED
from crm_ml.lists.page.feature_text import feature_meaning
from crm_ml.propensity.action_features import COLUMNS as ACTION_FEATURES
from crm_ml.score_tables import clv, recommend
from crm_ml.score_tables.columns import MEANINGS, numbered_column
from crm_ml.score_tables.families import score_table_families
from crm_ml.score_tables.score_rows import score_schema
from crm_ml.tables import Column, Contract, contracts

if TYPE_CHECKING:
    import pyarrow as pa

KINDS = {
    "id": "text, unchanged",
    "time": "time in UTC; `<name>_epoch_s` beside it has whole seconds",
    "integer": "whole number",
    "number": "number",
    "cents": "whole number of minor units of the currency",
    "text": "text",
    "boolean": "true or false",
}


def pages() -> dict[str, str]:
    """Return the pages by their path below ``docs/``."""
    return {
        "reference/tables.md": _tables(),
        "reference/features.md": _features(),
        "reference/score_tables.md": _score_tables(),
        "reference/list.md": _list(),
    }


def score_tables() -> "dict[str, pa.Schema]":
    """Return the columns of the score table of each family of the package."""
    import pyarrow as pa

    own = {
        "churn": score_schema("p_churn"),
        "clv": clv.schema(),
        "propensity": pa.schema([*score_schema("p_response"), *_of_actions()]),
        "recommend": recommend.schema(),
        "uplift": score_schema("uplift_<arm>"),
    }
    return {family: own[family] for family in score_table_families() if family in own}


def _features() -> str:
    lead = (
        "Features of a customer at a snapshot, by group; a config names groups, a rule of an action names "
        "features. `_84d` ends a window of 84 days, `_h28d` a half-life. `crm_ml.features.matrix` computes "
        "them; [adding features](../tutorial/04_adding_features.md) shows how to write a group."
    )
    parts = ["# Features", lead]
    for group in groups():
        module = importlib.import_module(f"crm_ml.features.{group}")
        rows = ((f"`{name}`", feature_meaning(name)) for name in module.COLUMNS)
        parts += [f"## {group}", (inspect.getdoc(module) or "").partition("\n\n")[0]]
        parts += [table(("feature", "meaning"), rows)] * bool(module.COLUMNS)
    return "\n\n".join(parts) + "\n"


def _of_actions() -> "Iterator[tuple[str, pa.DataType]]":
    """Yield the features of an action, which stand beside its scores."""
    import pyarrow as pa

    kind, *numbers = ACTION_FEATURES
    yield kind, pa.string()
    yield from ((name, pa.float64()) for name in numbers)


def _tables() -> str:
    known = contracts().values()
    needed = ", ".join(f"`{contract.name}`" for contract in known if contract.required)
    lead = (
        f"The tables that customers, orders and messages are read into. {needed} must be there; the others "
        "open what needs them. [Mapping](../how_to/mapping.md) says how files become these columns; a row "
        "that breaks a rule is set aside with its reason. A column that may be absent is filled with its "
        "default."
    )
    kinds = table(("kind", "stands for"), ((f"`{name}`", words) for name, words in KINDS.items()))
    parts = ["# Customer tables", lead, "## Kinds of columns", kinds]
    for contract in sorted(known, key=lambda contract: not contract.required):
        parts += [f"## {contract.name}", *_facts(contract), _columns(contract)]
    return "\n\n".join(parts) + "\n"


def _facts(contract: Contract) -> Iterator[str]:
    key = ", ".join(f"`{name}`" for name in contract.key)
    sentences = [f"Key: {key}."]
    sentences += [f"`{name}` stands in `{table}`." for name, table in contract.references.items()]
    if contract.known_at:
        sentences.append(f"A row is known from `{contract.known_at}` on.")
    if contract.attributes:
        sentences.append("Further columns may be declared as attributes in the mapping.")
    yield " ".join(sentences)


def _columns(contract: Contract) -> str:
    rows = (
        (f"`{column.name}`", f"`{column.kind}`", _presence(column), contract.meanings.get(column.name, ""))
        for column in contract.columns
    )
    return table(("column", "kind", "must be there", "meaning"), rows)


def _presence(column: Column) -> str:
    if column.required:
        return "yes"
    return "no" if column.default is None else f"no, {column.default} without it"


def _score_tables() -> str:
    lead = (
        "What the champion of each family predicts for each customer on a day, one Parquet file a model in "
        "the folder of scores (`data/scores`); of a family that scores each action, one a model and action, "
        "whose columns get the number of the action and channel in rules and values: "
        f"`{numbered_column('p_response', 0)}`. Rules of actions may name the columns marked as scores."
    )
    parts = ["# Score tables", lead]
    for family, schema in score_tables().items():
        scores = score_table_families()[family].SCORES
        rows = (
            (f"`{field.name}`", _type(field), "yes" if field.name.removesuffix("_<arm>") in scores else "",
             MEANINGS.get(field.name, ''))
            for field in schema
        )  # fmt: skip
        parts += [f"## {family}", table(("column", "type", "score", "meaning"), rows)]
    return "\n\n".join(parts) + "\n"


def _list() -> str:
    lead = (
        "A list is a folder `data/lists/<name>/<day>-<start of its id>` with the files below and "
        "`page.html`, a page for people. It is whole or absent: `crm_ml.lists.verify_list` checks each file "
        "against the manifest. Money is in whole minor units (cents)."
    )
    parts = ["# The list", lead, "## list.parquet", "One row for each customer and slot, ordered by both."]
    parts += [_fields(list_columns.of_list(), LIST), "## others.parquet"]
    parts += ["Customers who could have been listed and are not; effects are measured against them."]
    parts += [_fields(list_columns.of_not_selected(), NOT_SELECTED), "## manifest.json"]
    parts += [table(("entry", "holds"), ((f"`{name}`", text) for name, text in MANIFEST.items()))]
    return "\n\n".join(parts) + "\n"


def _fields(schema: "pa.Schema", meanings: Mapping[str, str]) -> str:
    rows = ((f"`{field.name}`", _type(field), meanings.get(field.name, "")) for field in schema)
    return table(("column", "type", "meaning"), rows)


def _type(field: "pa.Field") -> str:
    kind = str(field.type).replace("list<element: ", "list<").replace("list<item: ", "list<")
    return f"`{kind}`"


def table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a table of Markdown, with ``|`` in cells escaped."""
    head = [*heads]
    lines = [head, ["---"] * len(head), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
