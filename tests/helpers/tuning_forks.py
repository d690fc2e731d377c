"""Fork searches on order: each line read is one order as JSON, each line written tells how it ended.

Everything is imported once and nothing is fitted before the fork, so that a search takes a second.
"""

import contextlib
import json
import logging
import os
import signal
import sys
import time
import warnings
from pathlib import Path

import lightgbm  # noqa: F401
import optuna  # noqa: F401
import sklearn.linear_model  # noqa: F401
import tuning_world
from rich.progress import Progress

from crm_ml.errors import CrmError
from crm_ml.train.search import optuna_search
from crm_ml.train.search.search_job import tune

RUN = tuning_world.config()
JUDGES = tuning_world.judges_of(RUN)


def child(folder, pipe):
    try:
        found = tune(RUN, JUDGES, folder, Progress(disable=True))
        said = {
            "table": [one.as_dict() for one in found.tried],
            "verdict": found.verdict.as_dict(),
            "code": 0,
        }
    except CrmError as error:
        said = {"error": str(error), "code": error.exit_code}
    with os.fdopen(pipe, "w") as file:
        file.write(json.dumps(said))
    os._exit(said["code"])


def answer(order):
    folder = None if order["folder"] is None else Path(order["folder"])
    started = time.perf_counter()
    reader, writer = os.pipe()
    number = os.fork()
    if number == 0:
        os.close(reader)
        child(folder, writer)
    os.close(writer)
    if "after" in order:
        time.sleep(order["after"])
        with contextlib.suppress(ProcessLookupError):
            os.kill(number, signal.Signals[order["signal"]])
    with os.fdopen(reader) as file:
        text = file.read()
    code = os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])
    said = json.loads(text) if text else {}
    return said | {"code": code, "seconds": time.perf_counter() - started}


if __name__ == "__main__":
    warnings.simplefilter("error")
    logging.getLogger("optuna").setLevel(logging.WARNING)
    with optuna_search._kept(Path(sys.argv[1]) / "warm"):
        pass  # SQLAlchemy and Alembic are loaded by it
    for line in sys.stdin:
        sys.stdout.write(json.dumps(answer(json.loads(line))) + "\n")
        sys.stdout.flush()
