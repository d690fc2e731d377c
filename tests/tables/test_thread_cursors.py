"""Tables in threads and forked processes: a DuckDB connection of its own for each, and the same values."""

import multiprocessing
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import narwhals as nw
import pytest
from histories import MIDNIGHT, random_world

from crm_ml.errors import InputError
from crm_ml.tables import Tables
from crm_ml.tables.bundle import to_pandas
from crm_ml.tables.engine import connect, connect_for_frames
from crm_ml.tables.thread_cursors import ThreadCursors

WORLD = random_world(3, 12, MIDNIGHT)
THREADS = 4


def in_threads(job: Callable[[], Any]) -> list[Any]:
    """Run a job in several threads at once."""
    start = threading.Barrier(THREADS)

    def together(_: int) -> Any:
        start.wait()
        return job()

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(together, range(THREADS)))


def sums(tables: Tables) -> list[float]:
    """What is read of plain tables, of derived ones, and of rows before a snapshot."""
    known = WORLD.snapshot().known(tables)
    frames = [tables.frame("order_lines"), tables.frame("orders"), known.frame("orders")]
    return [float(to_pandas(frame.select(nw.col("paid_cents").sum())).iloc[0, 0]) for frame in frames]


@pytest.mark.parametrize("engine", ["duckdb", "polars"])
def test_threads_read_at_once_what_one_reads(engine):
    tables = WORLD.tables(engine).identified("a" * 64)  # cleaned, so that no thread checks them
    assert in_threads(lambda: sums(tables)) == [sums(tables)] * THREADS


def test_a_thread_has_one_connection_and_the_thread_of_the_tables_their_own():
    tables = WORLD.tables().identified("a" * 64)
    others = in_threads(lambda: (tables.here(), tables.here(), tables.here().here()))
    assert all(first is second is third for first, second, third in others)
    assert len({id(first) for first, _, _ in others}) == THREADS
    assert {first.fingerprint for first, _, _ in others} == {tables.fingerprint}
    assert tables.here() is tables


def test_connections_for_frames_are_opened_in_threads_at_once():
    assert in_threads(lambda: connect_for_frames().sql("SELECT 42").fetchall()) == [[(42,)]] * THREADS


def own_tables(kind: str, named: bool) -> Tables:
    """Tables of a connection of one's own, which is named to them or not."""
    connection, polars = connect(), WORLD.tables("polars")
    frames = {}
    for name in ("customers", "order_lines"):
        connection.register("arrow", polars.frame(name).collect(backend="pyarrow").to_native())
        connection.execute(f"CREATE {kind} TABLE {name} AS SELECT * FROM arrow")
        frames[name] = connection.table(name)
    return Tables(**frames, cursors=ThreadCursors(connection if named else None))


def test_tables_of_an_own_connection_name_it_or_are_refused_in_other_threads():
    known, unknown, temporary = own_tables("", True), own_tables("", False), own_tables("TEMP", True)
    assert in_threads(lambda: sums(known)) == [sums(known)] * THREADS
    with ThreadPoolExecutor(1) as pool:
        with pytest.raises(InputError, match="belongs to another thread; make them with"):
            pool.submit(unknown.frame, "orders").result()
        with pytest.raises(InputError, match="another thread can't read temporary tables"):
            pool.submit(temporary.frame, "orders").result()
    assert sums(unknown) == sums(temporary) == sums(known)


def in_a_fork(job: Callable[[], Any]) -> Any:
    """Run a job in a forked process and return its value, or the text of its error."""
    receiver, sender = multiprocessing.Pipe(duplex=False)

    def work() -> None:
        try:
            sender.send(job())
        except InputError as error:
            sender.send(str(error))

    process = multiprocessing.get_context("fork").Process(target=work)
    process.start()
    assert receiver.poll(60)
    value = receiver.recv()
    process.join()
    return value


def test_a_forked_process_opens_files_anew_and_refuses_what_is_in_memory(tmp_path: Path):
    in_memory = WORLD.tables()
    refused = (
        "tables: a forked process has no part in the DuckDB in memory of its parent: load the tables in it"
    )
    assert in_a_fork(lambda: sums(in_memory)).startswith(refused)
    connection = connect()
    for name in ("customers", "order_lines"):
        in_memory.frame(name).sink_parquet(tmp_path / f"{name}.parquet")
    paths = {name: str(tmp_path / f"{name}.parquet") for name in ("customers", "order_lines")}
    frames = {name: connection.read_parquet(path) for name, path in paths.items()}
    tables = Tables(**frames, cursors=ThreadCursors(connection))
    assert in_a_fork(lambda: sums(tables)) == sums(tables) == sums(in_memory)
