"""Cleaned tables in a folder named by the hash of all that they follow from; a second load skips cleaning."""

import hashlib
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from crm_ml.errors import InputError
from crm_ml.private_files import make_folder, private_files, tell_open
from crm_ml.storage.code_version import code_version
from crm_ml.storage.paths import data_folder
from crm_ml.storage.regular_file import read_json
from crm_ml.storage.workspace import new_workspace, remove_stale
from crm_ml.tables.bundle import Tables
from crm_ml.tables.cleaning import Opened, Progress, clean, open_sources
from crm_ml.tables.cleaning_report import CleaningReport
from crm_ml.tables.databases import DuckTable
from crm_ml.tables.engine import connect
from crm_ml.tables.mapping import Mapping
from crm_ml.tables.personal import key_check
from crm_ml.tables.source_errors import explain
from crm_ml.tables.sources import TableSource, content_digest, sha256, stamps
from crm_ml.tables.sql import parquet_rows
from crm_ml.tables.thread_cursors import ThreadCursors

logger = logging.getLogger(__name__)


def load_tables(
    mapping: Mapping,
    sources: dict[str, TableSource],
    root: Path,
    progress: Progress | None = None,
    store: Path | None = None,
) -> Tables:
    """Return cleaned tables, from the cache where the same inputs were cleaned before.

    Parameters
    ----------
    mapping : Mapping
    sources : dict of str to TableSource
        One a mapped table, except those made of ids.
    root : Path
        Project root.
    progress : callable, optional
        Told the name of each step.
    store : Path, optional
        Folder that holds the cache; by default the data folder.

    Returns
    -------
    Tables
        DuckDB relations over the Parquet files of the cache, with report and fingerprint.

    Raises
    ------
    InputError
        With every breach of every table, one a line.
    """
    opened: Opened | None = None
    target = (store or data_folder()) / "tables"
    files = _files(mapping, sources, root)
    before = stamps(files)
    digests = _digests(sources)
    if any(digest is None for digest in digests.values()):
        opened = open_sources(dict(sources), mapping.tables, target)
        for name, digest in digests.items():
            if digest is None and name in opened.types:
                digests[name] = content_digest(opened.connection, f"raw_{name}", opened.types[name])
    fingerprint = _fingerprint(mapping, digests, root)
    folder = target / f"{mapping.name}-{fingerprint[:16]}"
    report = None if opened is not None and opened.refusals else _stored(folder)
    if report is None:
        opened = open_sources(dict(sources), mapping.tables, target) if opened is None else opened
        report = _clean_into(folder, opened, mapping, root, progress, lambda: _refuse_changed(files, before))
    return _relations(folder, report, fingerprint)


def _digests(sources: dict[str, TableSource]) -> dict[str, str | None]:
    digests: dict[str, str | None] = {}
    refusals = []
    for name, source in sources.items():
        try:
            digests[name] = source.digest()
        except (InputError, OSError) as error:
            digests[name] = ""
            refusals.append(f"{name}: {explain(source, error)}")
    if refusals:
        raise InputError("\n".join(refusals))
    return digests


def _files(mapping: Mapping, sources: dict[str, TableSource], root: Path) -> list[Path]:
    """Return the files whose hashes stand for what is read; of a database, copied rows are hashed."""
    profile = [root / mapping.profile] if mapping.profile else []
    return [
        file for source in sources.values() if not isinstance(source, DuckTable) for file in source.files
    ] + profile


def _refuse_changed(files: list[Path], before: tuple[tuple[int, ...], ...]) -> None:
    if stamps(files) != before:
        raise InputError("a file of the tables was changed while it was read; run again when it is written")


def _fingerprint(mapping: Mapping, digests: dict[str, str | None], root: Path) -> str:
    profile = sha256(root / mapping.profile) if mapping.profile and (root / mapping.profile).is_file() else ""
    content = [
        mapping.model_dump_json(exclude={"root"}),
        sorted(digests.items()),
        profile,
        code_version("crm_ml.tables.cleaning"),
        *filter(None, [key_check(mapping.tables)]),
    ]
    return hashlib.sha256(repr(content).encode()).hexdigest()


def _stored(folder: Path) -> CleaningReport | None:
    """Return the report of a folder whose files are all as they were written."""
    try:
        content: dict[str, Any] = read_json(folder / "report.json")
        zone, currency = content.get("timezone", "UTC"), content.get("currency", "")
        report = CleaningReport.from_dict(content["tables"], folder, zone, currency)
        sums = {f"{name}.parquet": "" for name in report.tables} | content["files"]
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None
    for name, digest in sums.items():
        if not (folder / name).is_file() or sha256(folder / name) != digest:
            logger.warning("%s: %s is not as it was written; the tables are cleaned again", folder, name)
            return None
    return report


def _clean_into(
    folder: Path,
    opened: Opened,
    mapping: Mapping,
    root: Path,
    progress: Progress | None,
    check: Callable[[], None],
) -> CleaningReport:
    """Clean into a temporary folder beside the final one, check and rename, so that nobody sees half."""
    make_folder(folder.parent)
    tell_open(folder.parent)
    remove_stale(folder.parent)
    try:
        with private_files(), new_workspace(folder) as working:
            (working / "tables").mkdir()
            report = clean(opened, mapping, working / "tables", root, progress)
            check()
            if folder.exists() and _stored(folder) is None:
                folder.rename(working / "damaged")
            try:
                (working / "tables").rename(folder)
            except OSError:
                if _stored(folder) is None:
                    raise
    finally:
        opened.connection.close()
    return replace(report, folder=folder)


def _relations(folder: Path, report: CleaningReport, fingerprint: str) -> Tables:
    connection = connect()
    frames: dict[str, Any] = {
        name: connection.sql(f"FROM {parquet_rows((folder / f'{name}.parquet').resolve())}")
        for name in report.tables
    }
    cursors = ThreadCursors(connection)
    return Tables(**frames, report=report, zone=report.zone, cursors=cursors).identified(fingerprint)
