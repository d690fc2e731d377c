"""The engine of a list: who works on its parts, and how its tables are loaded for them."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from crm_ml import datasets
from crm_ml.parts.part_number import parts_of
from crm_ml.parts.spark_session import spark_workers
from crm_ml.parts.spark_tables import dealt_in_task, spark_tables
from crm_ml.parts.spark_workers import SparkWorkers
from crm_ml.parts.workers import LocalWorkers, Workers
from crm_ml.score.settings import ScoreSettings
from crm_ml.tables.bundle import Tables
from crm_ml.tables.mapping import read_mapping


@contextmanager
def engine_of(settings: ScoreSettings) -> Iterator[Workers]:
    """Yield the workers that settings name.

    Raises
    ------
    ConfigError, ClusterFailed
        As `crm_ml.parts.spark_session.spark_workers`.
    """
    data = settings.data
    if data.master is None:
        yield LocalWorkers(settings.workers)
        return
    with spark_workers(data.master, data.engine_options) as workers:
        yield workers


def tables_of(settings: ScoreSettings, workers: Workers) -> tuple[Tables, int]:
    """Return the tables of a list, and how many parts its customers are dealt into.

    On a cluster a task cleans and deals them; tables that a mapping takes from Spark are read there too.
    """
    data, work = settings.data, settings.work_folder
    load = partial(datasets.load, data.name, data.path, **data.options)
    if not isinstance(workers, SparkWorkers):
        tables = load()
        return tables, settings.parts or parts_of(tables, settings.workers)
    path = datasets.mapping_file(data.name) if datasets.is_mapping(data.name) else None
    if path and any(table.spark_table for table in read_mapping(path).tables.values()):
        return spark_tables(path, workers, settings.parts, work)
    return dealt_in_task(load, workers, settings.parts, work)
