"""Tables that a list on Spark reads: exported by Spark, cleaned and dealt by its tasks, as DuckDB would."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from crm_ml.parts.dealing import deal
from crm_ml.parts.part_number import parts_of
from crm_ml.parts.spark_export import export
from crm_ml.parts.spark_workers import SparkWorkers
from crm_ml.private_files import make_folder, private_files
from crm_ml.storage.workspace import new_workspace, remove_stale
from crm_ml.tables.bundle import Tables
from crm_ml.tables.config_file import root_of, sources_of
from crm_ml.tables.mapping import read_mapping
from crm_ml.tables.sources import TableSource
from crm_ml.tables.table_cache import load_tables

LEAST_PARTS = 8  # of a cluster; one part would be worked on by the driver
_EXPORTED = "exported"


def spark_tables(path: Path, workers: SparkWorkers, parts: int | None, work: Path) -> tuple[Tables, int]:
    """Return the cleaned tables of a mapping that names tables of Spark, and their number of parts.

    Spark writes its tables to the work folder; a task cleans all of them together and deals the accepted
    rows, so that the driver holds none of them. What is cleaned and refused is what `crm_ml.tables.load`
    would.

    Parameters
    ----------
    path : Path
        Mapping file.
    workers : SparkWorkers
    parts : int, optional
        Parts; without it as many as memory asks for, see `dealt_in_task`.
    work : Path
        Folder of all stages, on storage that driver and workers share.

    Raises
    ------
    ConfigError
        If the mapping has errors.
    InputError
        If tables are refused, listing all breaches.
    ClusterFailed
        If Spark can't read a table.
    """
    mapping = read_mapping(path)
    root = root_of(path, mapping)
    make_folder(work)
    remove_stale(work, _EXPORTED)
    with private_files(), new_workspace(work / _EXPORTED) as space:
        exported: dict[str, TableSource] = {
            name: export(workers, name, table, space / name, parts or LEAST_PARTS)
            for name, table in mapping.tables.items()
            if table.spark_table is not None
        }
        load = partial(load_tables, mapping, sources_of(mapping, root, path, exported), root)
        return dealt_in_task(load, workers, parts, work)


def dealt_in_task(
    load: Callable[[], Tables], workers: SparkWorkers, parts: int | None, work: Path
) -> tuple[Tables, int]:
    """Load tables and deal them in a task, or find that done; return the tables and the number of parts.

    Parameters
    ----------
    load : callable
        Returns tables of files on the shared storage; cloudpickle can carry it.
    workers : SparkWorkers
    parts : int, optional
        Parts; without it as many as the memory of the task asks for, at least `LEAST_PARTS`.
    work : Path

    Raises
    ------
    CrmError
        What loading raised.
    """
    count = next(workers.map(Loading(load, parts, work), [0]))
    return load(), count  # which finds them cleaned


@dataclass(frozen=True)
class Loading:
    """Load tables and deal their customers."""

    load: Callable[[], Tables]
    parts: int | None
    work: Path

    def __call__(self, _part: int) -> int:
        """Do it in a task, whose result is what lies on the shared storage; return the number of parts."""
        tables = self.load()
        count = self.parts or max(LEAST_PARTS, parts_of(tables))
        deal(tables, count, self.work)
        return count
