"""Lists to load, and what kills of a loader may leave."""

import atexit
import functools
import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from soak import generator, size

from crm_ml.storage import manifest
from crm_ml.storage.identity import identity

AS_OF = datetime(2024, 6, 1, tzinfo=UTC)
MOMENT = pa.timestamp("us", tz="UTC")
TEXTS = pa.list_(pa.string())
KILLS = size(3, 10, 100)


def table(rows, list_id):
    """Rows of all types that a list has; odd cells in the first ones."""
    numbers = range(rows)
    items = [["i1", 'i,"{}\\ \n2', None], None, [], ["=1+1"]]
    values = {
        "list_id": pa.array([list_id] * rows, pa.string()),
        "as_of": pa.array([AS_OF] * rows, MOMENT),
        "customer_id": pa.array([f"c{i:07d}" for i in numbers], pa.string()),
        "action_id": pa.array(["=1+1" if i == 1 else "coupon" for i in numbers], pa.string()),
        "slot": pa.array([1] * rows, pa.int32()),
        "item_ids": pa.array([items[i % 4] for i in numbers], TEXTS),
        "item_p": pa.array([[0.1, None] if i % 2 else [] for i in numbers], pa.list_(pa.float64())),
        "expected_value_cents": pa.array([i - 5 for i in numbers], pa.int64()),
        "uplift": pa.array([None if i % 3 else i / 7 for i in numbers], pa.float64()),
        "send_at": pa.array([AS_OF + timedelta(seconds=i, microseconds=i % 2) for i in numbers], MOMENT),
    }
    return pa.table(values)


def write_list(folder, rows=1_000, day=1, **columns):
    """Publish a list; `columns` are added to it or take the place of others."""
    ingredients = {"as_of": f"2024-06-{day:02d}", "rows": rows, "columns": sorted(columns)}
    list_id = identity(ingredients)
    path = Path(folder) / f"2024-06-{day:02d}-{list_id[:16]}"
    path.mkdir(parents=True)
    content = table(rows, list_id)
    for name, values in columns.items():
        kept = content.drop_columns([name]) if name in content.column_names else content
        content = kept.append_column(name, values)
    pq.write_table(content, path / "list.parquet")
    manifest.write_manifest(path, list_id=list_id, ingredients=ingredients, rows=rows)
    return path


def list_id(folder):
    return manifest.verify(folder)["list_id"]


@functools.cache
def _process():
    """Start the process that forks commands; it has everything imported and serves until the tests end."""
    command = [sys.executable, str(Path(__file__).with_name("command_forks.py"))]
    more = {"PYTHONPATH": os.pathsep.join(sys.path), "CRM_ML_THREADS": "1"}
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ | more
    )
    atexit.register(_end, process)
    return process


def _end(process):
    process.stdin.close()
    process.wait()
    process.stdout.close()


def forks(**environment):
    """Return ``ask(command, *arguments, kill_after=..., twice=...)``, which runs a command in a fork."""

    def ask(command, *arguments, **how):
        order = {"command": command, "arguments": [str(one) for one in arguments], **how}
        process = _process()
        process.stdin.write(json.dumps({"environment": environment, **order}) + "\n")
        process.stdin.flush()
        return json.loads(process.stdout.readline())

    return ask


def kill_often(run, seconds, reset, check):
    """Kill a run at random moments until `KILLS` kills hit it; check what is seen after each.

    Parameters
    ----------
    run : callable
        Called with ``kill_after``; returns the exit code.
    seconds : float
        What a whole run takes.
    reset : callable
        Takes away what was loaded, so that each run has all to do.
    check : callable
        Called after each run, before the reset.
    """
    draw, killed = generator("kills of a loader"), 0
    for _ in range(6 * KILLS):
        code = run(kill_after=seconds * draw.random())
        killed += code == -signal.SIGKILL
        check()
        reset()
        if killed == KILLS:
            return
    raise AssertionError(f"only {killed} kills hit")
