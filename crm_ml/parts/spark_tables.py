"""Tables that a list on Spark reads: exported by Spark, cleaned and dealt by its tasks, as DuckDB would."""

from dataclasses import dataclass
from pathlib import Path

from crm_ml.parts.dealing import deal
from crm_ml.parts.spark_export import export
from crm_ml.parts.spark_workers import SparkWorkers
from crm_ml.private_files import make_folder, private_files
from crm_ml.storage.workspace import new_workspace, remove_stale
from crm_ml.tables.bundle import Tables
from crm_ml.tables.config_file import root_of, sources_of
from crm_ml.tables.mapping import Mapping, read_mapping
from crm_ml.tables.sources import TableSource
from crm_ml.tables.table_cache import load_tables

_EXPORTED = "exported"


def spark_tables(path: Path, workers: SparkWorkers, count: int, work: Path) -> Tables:
    """Return the cleaned tables of a mapping that names tables of Spark, dealt into parts.

    Spark writes its tables to the work folder; a task cleans all of them together and deals the accepted
    rows, so that the driver holds none of them. What is cleaned and refused is what `crm_ml.tables.load`
    would.

    Parameters
    ----------
    path : Path
        Mapping file.
    workers : SparkWorkers
    count : int
        Parts.
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
            name: export(workers, name, table, space / name, count)
            for name, table in mapping.tables.items()
            if table.spark_table is not None
        }
        cleaning = Cleaning(mapping, sources_of(mapping, root, path, exported), root, count, work)
        list(workers.map(cleaning, [0]))
        return load_tables(mapping, cleaning.sources, root)  # which finds them cleaned


@dataclass(frozen=True)
class Cleaning:
    """Clean tables and deal the accepted rows, or find that done."""

    mapping: Mapping
    sources: dict[str, TableSource]
    root: Path
    count: int
    work: Path

    def __call__(self, _part: int) -> None:
        """Do it in a task; its result is what lies on the shared storage."""
        deal(load_tables(self.mapping, self.sources, self.root), self.count, self.work)
