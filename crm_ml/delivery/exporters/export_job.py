"""Exporting a list: its sums are checked, rows selected, files written, read back, and published whole."""

import itertools
import json
import logging
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crm_ml.delivery.exporters.csv_cells import header, line
from crm_ml.delivery.exporters.export_plan import ExportPlan, Options
from crm_ml.delivery.exporters.exporters import plan_of
from crm_ml.delivery.exporters.file_splitter import FilePart, Splitter
from crm_ml.delivery.exporters.recipients import Selection, select
from crm_ml.errors import AlreadyPublished, InputError, IntegrityError
from crm_ml.lists.read_list import LIST_FILE, locate, verify_list
from crm_ml.storage import manifest as artefacts
from crm_ml.storage.group_access import Group
from crm_ml.storage.identity import identity
from crm_ml.storage.publish import check_free, publish
from crm_ml.tables.engine import connect
from crm_ml.tables.sources import sha256

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

log = logging.getLogger(__name__)
BATCH_ROWS = 100_000
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


@dataclass(frozen=True)
class Exported:
    """A published export in figures.

    Parameters
    ----------
    folder : Path
    selection : Selection
        Rows exported and left out, by reason.
    parts : tuple of FilePart
        Its files.
    """

    folder: Path
    selection: Selection
    parts: tuple[FilePart, ...]


def export_list(folder: Path, options: Options, out: Path, group: Group | None = None) -> Exported:
    """Write the files of a tool into a new folder below `out`, with a manifest.

    Only the owner and `group` may open the folder, since it may hold addresses. It is named by the list, the
    tool and a hash of what was asked for, so that the same export is never made twice. The files are the same
    bytes for the same list, contacts and options.

    Parameters
    ----------
    folder : Path
        A list, or the folder of all lists of a name, whose newest is exported.
    options : Options
    out : Path
    group : Group, optional
        Who may read the export beside its owner.

    Raises
    ------
    ConfigError
        If the options don't fit the tool.
    InputError
        If there is no list, the contacts can't be read, or no row is left to export.
    AlreadyPublished
        If this export is there already, whole (exit code 3).
    IntegrityError
        If the list or the export that is there is damaged, or a file that was written breaks a rule of the
        tool (exit code 4); nothing is published then.
    """
    plan = plan_of(options)
    source = locate(folder)
    manifest = verify_list(source)
    facts = _facts(manifest["list_id"], options, plan)
    tool = re.sub(r"[^A-Za-z0-9]+", "-", options.to)  # of one's own it is module:name
    name = f"{source.resolve().name}-{tool}-{facts['export_id'][:8]}"
    try:
        check_free(out, name, group=group)
    except AlreadyPublished:
        artefacts.verify(out / name)
        raise
    done: list[Exported] = []

    def fill(content: Path, _scratch: Path) -> None:
        selection, parts = _fill(content, plan, source / LIST_FILE, options)
        done.append(Exported(out / name, selection, tuple(parts)))
        entries = [_manifest_entry(plan, part) for part in parts]
        artefacts.write_manifest(content, **facts, **asdict(selection), parts=entries)

    publish(out, name, fill, group=group)
    log.info("export %s of list %s: %s", name, manifest["list_id"], asdict(done[0].selection))
    return done[0]


def _fill(
    content: Path, plan: ExportPlan, list_file: Path, options: Options
) -> tuple[Selection, list[FilePart]]:
    """Write the files and read them back."""
    connection = connect()
    try:
        selection = select(connection, list_file, plan, options)
        parts = _write(connection, plan, content)
    finally:
        connection.close()
    _check(plan, content, selection, parts)
    return selection, parts


def _facts(list_id: str, options: Options, plan: ExportPlan) -> dict[str, Any]:
    """Return the facts of the export for its manifest, without addresses and paths."""
    contacts = options.contacts if plan.requires else None
    try:
        digest = sha256(contacts) if contacts else None
    except OSError as error:
        raise InputError(f"contacts {options.contacts} can't be read: {error.strerror}") from error
    asked = options.model_dump(mode="json", exclude={"contacts", "to"})
    ingredients = {"list_id": list_id, "tool": options.to, "options": asked, "contacts_sha256": digest}
    return {
        **plan.facts,
        "list_id": list_id,
        "tool": options.to,
        "export_id": identity(ingredients),
        "ingredients": ingredients,
    }


def _write(connection: "duckdb.DuckDBPyConnection", plan: ExportPlan, content: Path) -> list[FilePart]:
    if plan.suffix == ".parquet":
        return [_write_table(connection, plan, content / f"{plan.stem}{plan.suffix}")]
    shard = f"to_json([{', '.join(f'{column}::VARCHAR' for column in plan.shard)}])::VARCHAR"
    query = f"SELECT {shard} AS shard, {line(plan.cells)} AS line FROM exported {_order(plan)}"
    first = header(plan.cells) if plan.suffix == ".csv" else b""
    with Splitter(content, plan.suffix, first, plan.max_bytes, plan.max_rows) as splitter:
        for batch in connection.sql(query).to_arrow_reader(BATCH_ROWS):
            for shard_values, lines in _runs(batch):
                values = tuple(json.loads(shard_values))
                splitter.write(lines, _stem(plan, values), values)
    return splitter.parts


def _write_table(connection: "duckdb.DuckDBPyConnection", plan: ExportPlan, path: Path) -> FilePart:
    import pyarrow as pa

    from crm_ml.storage import parquet

    cells = ", ".join(f'{cell.sql} AS "{cell.name}"' for cell in plan.cells)
    reader = connection.sql(f"SELECT {cells} FROM exported {_order(plan)}").to_arrow_reader(BATCH_ROWS)
    rows = parquet.write((pa.Table.from_batches([batch]) for batch in reader), reader.schema, path)
    return FilePart(path.name, rows, path.stat().st_size)


def _order(plan: ExportPlan) -> str:
    return f"ORDER BY {', '.join((*plan.shard, 'list_row'))}"


def _runs(batch: "pa.RecordBatch") -> "Iterator[tuple[str, pa.Array]]":
    """Yield the value of each run of rows of the same shard in a batch, with their lines."""
    import numpy as np
    import pyarrow.compute as pc

    shards, lines = batch.column("shard"), batch.column("line")
    changed = pc.not_equal(shards[1:], shards[:-1]).to_numpy(zero_copy_only=False)
    cuts = [0, *(np.flatnonzero(changed) + 1).tolist(), len(lines)]
    for start, end in itertools.pairwise(cuts):
        if end > start:
            yield shards[start].as_py(), lines[start:end]


def _stem(plan: ExportPlan, values: tuple[str, ...]) -> str:
    """Return how the name of a shard's files begins."""
    named = [value for key, value in zip(plan.shard, values, strict=True) if key in plan.named]
    if not all(_NAME.fullmatch(value) for value in named):
        raise InputError("an action or channel of the list has a name that can't stand in the name of a file")
    return "-".join((plan.stem, *named))


def _check(plan: ExportPlan, content: Path, selection: Selection, parts: list[FilePart]) -> None:
    """Read the files back; refuse them if they break a rule, or do not hold each row once."""
    breaches = plan.validate(content)
    written = sum(part.rows for part in parts)
    accounted = selection.rows + sum(selection.left_out.values())
    if written != selection.rows or accounted != selection.selected:
        breaches.append(f"{written:,} rows of {selection.rows:,} were written")
    if breaches:
        raise IntegrityError(f"what was written breaks rules, nothing is published: {'; '.join(breaches)}")


def _manifest_entry(plan: ExportPlan, part: FilePart) -> dict[str, Any]:
    shard = dict(zip(plan.shard, part.shard, strict=True))
    return {"file": part.file, "rows": part.rows} | ({"shard": shard} if shard else {})
