"""``python list_by_engine.py ENGINE FOLDER PARTS``: the list of a small world, made by an engine."""

import sys
from pathlib import Path

import cloudpickle
import score_world

from crm_ml.parts.spark_session import spark_workers
from crm_ml.parts.workers import LocalWorkers
from crm_ml.score import batch
from crm_ml.score_tables.champion_set import Champions

CUSTOMERS = 400


def make_list(folder, workers, parts, **fields):
    """Publish the list into ``<folder>/lists``, from tables in its ``tables``; return its files' bytes."""
    cloudpickle.register_pickle_by_value(score_world)  # workers have the package, and none of the tests
    tables = score_world.tables(Path(folder) / "tables", n_customers=CUSTOMERS)
    source = score_world.churn_source(**fields)
    outcome = batch.run(
        score_world.settings(out=str(Path(folder) / "lists"), work=str(Path(folder) / "work")),
        score_world.usual_catalog(),
        tables,
        Champions([source]),
        workers=workers,
        parts=parts,
    )
    return {outcome.folder.name: score_world.contents(outcome.folder)}


def main(engine, folder, parts):
    """Make the list by an engine: ``duckdb``, or the address of a cluster."""
    if engine == "duckdb":
        return make_list(folder, LocalWorkers(), int(parts))
    with spark_workers(engine, {"spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1"}) as workers:
        return make_list(folder, workers, int(parts))


if __name__ == "__main__":
    main(*sys.argv[1:])
