"""Deal the customers of tables into parts: one pass over each table, one folder a part."""

import logging
from pathlib import Path

from crm_ml.errors import AlreadyPublished
from crm_ml.features.snapshot_constants import SnapshotConstants
from crm_ml.parts.part_number import check_parts, part_sql
from crm_ml.parts.parted_tables import COLUMNS, PartedTables, whole_tables
from crm_ml.storage import manifest
from crm_ml.storage.code_version import code_version, library_version
from crm_ml.storage.identity import identity
from crm_ml.storage.part import Part
from crm_ml.storage.workspace import remove_stale
from crm_ml.tables.bundle import Tables

log = logging.getLogger(__name__)
_CUSTOMER = "customer_id"


def deal(tables: Tables, count: int, work: Path) -> PartedTables:
    """Deal the customers of tables into parts, or find that done.

    Parameters
    ----------
    tables : Tables
        With a fingerprint.
    count : int
        A power of two; with 1 the tables are used as they are.
    work : Path
        Folder of all stages; the parts lie in ``of-<count>/tables-<id>``.

    Raises
    ------
    ConfigError
        If the number of parts is none.
    IntegrityError
        If the manifest of parts dealt before is damaged.
    """
    if check_parts(count) == 1:
        return whole_tables(tables)
    made_of = {
        "code": code_version(__name__),
        "data": tables.fingerprint,
        "duckdb": library_version("duckdb"),
    }
    folder = Part(0, count).folder(work) / f"tables-{identity(made_of)[:16]}"
    if not (folder / manifest.MANIFEST).is_file():
        remove_stale(folder.parent)
        try:
            _deal_into(folder, tables.to("duckdb"), count)
        except AlreadyPublished:  # by a run beside this one
            log.info("%s was dealt meanwhile", folder)
    return opened(folder)


def opened(folder: Path) -> PartedTables:
    """Return the parts of a folder that `deal` has written."""
    content = manifest.read_manifest(folder)
    return PartedTables(
        content["fingerprint"],
        content["zone"],
        SnapshotConstants(content["begins_at_local_s"]),
        names=tuple(content["names"]),
        dealt=tuple(content["dealt"]),
        folder=folder,
        count=content["parts"],
    )


def _deal_into(folder: Path, tables: Tables, count: int) -> None:
    dealt = [name for name in tables.names if _CUSTOMER in tables.frame(name).collect_schema().names()]
    details = {
        "begins_at_local_s": SnapshotConstants.of(tables).begins_at_local_s,
        "dealt": dealt,
        "fingerprint": tables.fingerprint,
        "names": list(tables.names),
        "parts": count,
        "zone": tables.zone,
    }
    with manifest.new_folder(folder, **details) as space:
        (space / COLUMNS).mkdir()
        for name in tables.names:
            log.info("dealing %s into %d parts", name, count)
            _write(tables, name, space, count if name in dealt else 0)


def _write(tables: Tables, name: str, space: Path, count: int) -> None:
    """Write a table whole, or dealt into so many parts; and its columns, for parts without a row."""
    relation = getattr(tables, name)
    if not count:
        relation.write_parquet(str(space / f"{name}.parquet"), compression="zstd")
        return
    relation.limit(0).write_parquet(str(space / COLUMNS / f"{name}.parquet"), compression="zstd")
    of_part = relation.project(f"*, {part_sql(_CUSTOMER, count)} AS part")
    of_part.write_parquet(str(space / name), partition_by=["part"], compression="zstd", overwrite=True)
