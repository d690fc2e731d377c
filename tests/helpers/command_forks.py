"""Fork commands on order: each line read is one order as JSON, each line written tells how it ended.

Everything is imported once and no thread is started before the fork, so that a run takes milliseconds.
"""

import contextlib
import importlib
import json
import os
import signal
import sys
import time

for name in (
    "adbc_driver_postgresql.dbapi",
    "crm_ml.score.export",
    "crm_ml.delivery.exporters.google",
    "crm_ml.delivery.exporters.export_job",
    "crm_ml.score.load",
    "crm_ml.delivery.loaders.csv_file",
    "crm_ml.delivery.loaders.duckdb_table",
    "crm_ml.delivery.loaders.postgres",
    "crm_ml.tables.engine",
    "duckdb",
    "duckdb.func",
    "narwhals",
    "numpy",
    "phonenumbers",
    "pyarrow.compute",
    "pyarrow.parquet",
    "rich.console",
    "rich.table",
):
    importlib.import_module(name)


def start(order):
    number = os.fork()
    if number == 0:
        os.environ |= order["environment"]
        output = os.open(os.devnull, os.O_WRONLY)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os._exit(importlib.import_module(f"crm_ml.score.{order['command']}").main(order["arguments"]))
    return number


def finish(number):
    return os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])


def answer(order):
    started = time.perf_counter()
    if order.get("twice"):
        return {"codes": [finish(one) for one in [start(order), start(order)]]}
    number = start(order)
    if order.get("kill_after") is not None:
        time.sleep(order["kill_after"])
        with contextlib.suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)
    return {"code": finish(number), "seconds": time.perf_counter() - started}


if __name__ == "__main__":
    for line in sys.stdin:
        sys.stdout.write(json.dumps(answer(json.loads(line))) + "\n")
        sys.stdout.flush()
