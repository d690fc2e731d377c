"""Fork scoring runs on order: each line read is one run as JSON, each line written tells how it ended."""

import contextlib
import importlib
import json
import os
import random
import re
import resource
import signal
import sys
import time
from datetime import date
from pathlib import Path

import duckdb  # noqa: F401
import narwhals  # noqa: F401
import numpy as np
import pandas  # noqa: F401
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq
import score_world

from crm_ml import features
from crm_ml.allocation import lagrangian
from crm_ml.allocation.lagrangian import Customers
from crm_ml.allocation.problem import ActionGroup, ProblemLimits, problem_of
from crm_ml.allocation.value_parts import MemoryParts, ValuePart, draws_of_rows
from crm_ml.errors import CrmError
from crm_ml.score import batch
from crm_ml.score_tables.champion_set import Champions
from crm_ml.storage import publish
from crm_ml.tables.contract import contracts

N_CUSTOMERS = 3_000


def write_features(tables, snapshot, path, _groups, _constants=None):
    """Stand in for the features: three columns of many customers, or of a part, without a thread of Arrow."""
    of_part = re.search(r"-(\d+)-of-(\d+)$", tables.fingerprint)
    mine = slice(*map(int, (of_part[1], N_CUSTOMERS, of_part[2])) if of_part else (None,))
    days = np.random.default_rng(snapshot.as_of.day).integers(0, 80, N_CUSTOMERS).astype(float)[mine]
    names = [f"c{i:07d}" for i in range(N_CUSTOMERS)][mine]
    pq.write_table(
        pa.table({"customer_id": names, "rfm_days_since_order": days, "rfm_orders_84d": days % 7}), path
    )


def warm_up():
    """Import and load what a run needs. No solver may run: its threads would be missing in a fork."""
    for name in ("crm_ml.allocation.dual_prices", "crm_ml.allocation.integer_rounding", "scipy.optimize"):
        importlib.import_module(name)
    contracts()
    features.groups()
    limits = ProblemLimits(groups=(ActionGroup("all", (0, 1), 1.0),))
    problem, _ = problem_of((3, 2), None, None, limits)
    customers = Customers(MemoryParts([ValuePart(0, np.ones((3, 2)), draws_of_rows(3))]), 3, 1.0)
    lagrangian.smooth(problem, customers, np.zeros(1), 1.0)
    lagrangian.exact(problem, customers, np.zeros(1))


def run(root, order):
    settings = score_world.settings(name="big", as_of=date(2024, 6, order["day"]), daily_cap=order.get("cap"))
    fixed = {"work": "work", "past_lists": False, "parts": order.get("parts", 1)}
    settings = settings.model_copy(update=fixed)
    catalog = score_world.catalog(
        score_world.action("coupon", score="p_churn", eligible="rfm_orders_84d >= 1"),
        score_world.action("push", channel="push", score="p_churn", cost_cents=1, assumed_effect=0.4),
    )
    tables = score_world.tables(root / f"tables_{os.getpid()}", n_customers=10)
    if "file_size_limit" in order:
        resource.setrlimit(resource.RLIMIT_FSIZE, (order["file_size_limit"],) * 2)
    champions = Champions([score_world.churn_source()])
    return batch.run(settings, catalog, tables, champions, root / order["out"]).folder


def child(root, order, pipe):
    answer = {"code": 0}
    try:
        if "die_at" in order:
            die_at(order["die_at"])
        answer["folder"] = str(run(root, order))
    except CrmError as error:
        answer = {"code": error.exit_code, "error": str(error)}
    with os.fdopen(pipe, "w") as file:
        file.write(json.dumps(answer))
    os._exit(answer["code"])


def die_at(step):
    def die(*_arguments, **_options):
        os.kill(os.getpid(), signal.SIGKILL)

    if step == "discard":
        publish._discard = die
    elif step == "replace":
        replace = Path.replace
        Path.replace = lambda self, to: die() if to.name == publish.POINTER else replace(self, to)
    else:
        rename = Path.rename
        Path.rename = lambda self, to: die() if to.parent.name == "big" else rename(self, to)


def race(root, number):
    """Let two processes publish one name at once; return their exit codes."""

    def fill(content, _scratch):
        (content / "list").write_text(f"list {number}")

    def one():
        generator = random.Random(os.getpid())
        time.sleep(0.002 * generator.random())
        try:
            publish.publish(
                root / "races", f"list-{number}", fill, {"folder": f"list-{number}", "as_of": "1"}
            )
        except CrmError as error:
            os._exit(error.exit_code)
        os._exit(0)

    children = [os.fork() or one() for _ in range(2)]
    return [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]


def killed(root, number, generator):
    """Kill a process while it publishes; return its code, what a reader sees, and the next run's code."""
    folder, name = root / "killed", f"list-{number}"

    def fill(content, _scratch):
        for part in range(5):
            (content / f"part_{part}").write_bytes(bytes(200_000))

    def one():
        try:
            publish.publish(folder, name, fill, {"folder": name, "as_of": f"{number:04d}"})
        except CrmError as error:
            os._exit(error.exit_code)
        os._exit(0)

    while True:
        child = os.fork() or one()
        time.sleep(generator.uniform(0.0, 0.03))
        os.kill(child, signal.SIGKILL)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if code == -signal.SIGKILL:
            break
        name = name + "x"  # it was too fast: once more under another name
    parts = sorted(path.name for path in (folder / name).glob("*"))
    seen = {0: "nothing", 5: "all"}.get(len(parts), "a part")
    then = os.waitstatus_to_exitcode(os.waitpid(os.fork() or one(), 0)[1])
    return {"code": code, "seen": seen, "then": then}


def start(root, order):
    reader, writer = os.pipe()
    number = os.fork()
    if number == 0:
        os.close(reader)
        child(root, order, writer)
    os.close(writer)
    return number, reader


def finish(number, reader):
    with os.fdopen(reader) as file:
        text = file.read()
    code = os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])
    return (json.loads(text) if text else {}) | {"code": code}


def answer(root, order):
    started = time.perf_counter()
    if "races" in order:
        return {"codes": [race(root, number) for number in range(order["races"])]}
    if "kills" in order:
        generator = random.Random(order["seed"])
        return {"states": [killed(root, number, generator) for number in range(order["kills"])]}
    if order.pop("twice", False):
        both = [start(root, order), start(root, order)]
        return {"codes": [finish(*one)["code"] for one in both]}
    kill_after = order.pop("kill_after", None)
    number, reader = start(root, order)
    if kill_after is not None:
        time.sleep(kill_after)
        with contextlib.suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)
    return finish(number, reader) | {"seconds": time.perf_counter() - started}


if __name__ == "__main__":
    features.write = write_features
    warm_up()
    for line in sys.stdin:
        given = json.loads(line)
        folder = Path(given.pop("project"))
        (folder / "configs").mkdir(exist_ok=True)
        os.chdir(folder)
        sys.stdout.write(json.dumps(answer(folder, given)) + "\n")
        sys.stdout.flush()
