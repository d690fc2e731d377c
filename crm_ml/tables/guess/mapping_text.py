"""A first mapping as text: what was found, and commented lines for what the files do not tell."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from crm_ml.tables.guess.column_facts import ColumnFacts
from crm_ml.tables.guess.column_lines import column_mapping, event_columns, line_columns
from crm_ml.tables.guess.file_guess import FileGuess
from crm_ml.tables.guess.other_files import FilesGuess, IdFile
from crm_ml.tables.guess.personal_columns import personal_columns
from crm_ml.tables.guess.sample import Sample
from crm_ml.tables.guess.settings_lines import zone_and_currency
from crm_ml.tables.guess.yaml_lines import line

if TYPE_CHECKING:
    from crm_ml.tables.mapping_parts import ColumnMapping


def mapping_text(name: str, root: Path | None, places: Mapping[Path, str], guess: FilesGuess) -> str:
    """Return the text of a mapping file.

    Parameters
    ----------
    name : str
    root : Path, optional
        To be written, where the files do not lie below the folder that paths are relative to anyway.
    places : mapping of Path to str
        Place of each file below the root.
    guess : FilesGuess
    """
    orders = guess.orders
    paths = [places[path] for path in guess.paths]
    lines = [*_head(orders), line(0, "name", name)]
    if orders.ready is not None:
        lines.append(line(0, "like", orders.ready, "has these columns; what stands below is on top of it"))
    if root is not None:
        lines.append(line(0, "root", str(root)))
    lines += [*zone_and_currency(orders), line(0, "tables"), *_ids(guess, places)]
    if orders.ready is not None:
        lines += _of_ready(orders, paths)
    else:
        lines += [*(_events(orders, paths) if orders.is_events else ()), *_order_lines(orders, paths)]
    if guess.events is not None:
        lines += _events(guess.events, [places[path] for path in guess.event_paths])
    return "\n".join(lines) + "\n"


def _head(guess: FileGuess) -> list[str]:
    return [
        f"# First mapping of {guess.sample.path.name}, guessed from {guess.sample.looked_at}.",
        "# What it does not tell stands behind `# say: `: take that away and correct the line.",
        *(f"# - {note}" for note in guess.notes),
    ]


def _ids(guess: FilesGuess, places: Mapping[Path, str]) -> list[str]:
    """Return the tables of customers and items: files of their own, or the ids of other tables."""
    of_files = {file.table: file for file in guess.ids}
    customers = ["events" if guess.orders.is_events else "order_lines"]
    customers += ["events"] if guess.events is not None else []
    lines = []
    for table, origins in (("customers", customers), ("items", ["order_lines"])):
        if table in of_files:
            lines += _id_table(of_files[table], places)
        elif guess.orders.ready is None or (table == "customers" and guess.events is not None):
            lines.append(line(2, table, {"ids_of": origins}))
    return lines


def _id_table(file: IdFile, places: Mapping[Path, str]) -> list[str]:
    key = "customer_id" if file.table == "customers" else "item_id"
    lines = [line(2, file.table), *_source(file.sample, [places[path] for path in file.paths])]
    lines += [line(4, "columns"), line(6, key, file.key.id_mapping())]
    if file.registered is not None:
        lines.append(line(6, "registered_at", column_mapping(file.registered)))
    taken = [file.key.name, *([file.registered.name] if file.registered is not None else [])]
    return [*lines, *_left_aside(file.sample, taken)]


def _left_aside(sample: Sample, taken: Collection[str]) -> list[str]:
    """Return the lines of what is not read: all is ignored, and what is to be personal if it were read."""
    names = personal_columns(sample.columns, taken)
    why = "before you read one: it then stands as a pseudonym"
    return [*([line(4, "personal", names, why, say=True)] if names else []), line(4, "ignore", ["*"])]


def _source(sample: Sample, paths: Sequence[str]) -> list[str]:
    lines = [line(4, "path", paths[0] if len(paths) == 1 else list(paths))]
    if sample.open_encodings:
        others = ", ".join(sample.open_encodings)
        lines.append(line(4, "encoding", sample.encoding, f"the bytes do not tell; it may be {others}"))
    elif sample.encoding != "utf-8" and not sample.stored:
        lines.append(
            line(4, "encoding", sample.encoding, "declared" if sample.is_declared else "by the bytes")
        )
    if sample.delimiter != ",":
        lines.append(line(4, "delimiter", sample.delimiter))
    return lines


def _order_lines(guess: FileGuess, paths: Sequence[str]) -> list[str]:
    lines = [line(2, "order_lines"), *_source(guess.sample, paths)]
    amount = guess.column("amount")
    if amount is not None and (guess.is_events or (amount.name in guess.per_order and amount.filled < 1)):
        what = "events" if guess.is_events else "rows"
        lines.append(line(4, "where", f"{_quoted(amount.name)} is not null", f"{what} that have an amount"))
    used_once = [guess.columns[role] for role in ("customer", "time", "status", "currency")
                 if guess.columns.get(role) in guess.once]  # fmt: skip
    if used_once:
        how = {"columns": used_once, "within": guess.columns["order"]}
        lines.append(line(4, "fill_down", how, "stand on the first row of an order alone"))
    if guess.cancelled:
        lines.append(
            line(4, "cancelled", {"column": guess.columns["status"], "values": list(guess.cancelled)})
        )
    if guess.cancels:
        how = {"column": guess.columns["order"], "starts_with": guess.cancels}
        lines.append(line(4, "cancellations", how, "amounts below zero are of these orders"))
    allow = [line(4, "allow", {"conflicting_key": 1})] if guess.amounts_on_all_lines else []
    return [*lines, line(4, "columns"), *line_columns(guess), *allow, *_left_aside(guess.sample, guess.taken)]


def _quoted(name: str) -> str:
    return name if name.isascii() and name.isidentifier() else f"`{name}`"


def _events(guess: FileGuess, paths: Sequence[str]) -> list[str]:
    lines = [line(2, "events"), *_source(guess.sample, paths), line(4, "columns")]
    return [*lines, *event_columns(guess), *_left_aside(guess.sample, guess.taken)]


def _of_ready(guess: FileGuess, paths: Sequence[str]) -> list[str]:
    """Return the tables of a ready mapping with their source, and what is written otherwise in this file."""
    from crm_ml.tables.mapping import parse_mapping

    mapping = parse_mapping({"name": guess.ready, "like": guess.ready}, guess.ready or "")
    lines = []
    for name, table in mapping.tables.items():
        if table.ids_of is not None:
            continue
        lines += [line(2, name), *_source(guess.sample, paths)]
        own = {
            ours: column_mapping(guess.facts[how.column])
            for ours, how in table.columns.items()
            if how.column in guess.facts and _is_time(name, ours) and _differs(guess.facts[how.column], how)
        }
        if own:
            lines += [line(4, "columns"), *(line(6, ours, how) for ours, how in own.items())]
    return lines


def _is_time(table: str, column: str) -> bool:
    from crm_ml.tables.contract import contracts

    return contracts()[table].column(column).kind == "time"


def _differs(column: ColumnFacts, how: "ColumnMapping") -> bool:
    """Return whether times are written in another way than a mapping says."""
    return column.time is not None and (column.time.format, column.time.epoch) != (how.format, how.epoch)
