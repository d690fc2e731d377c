"""What reads tables in several threads at once gives what one thread gives, to the bit."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from histories import MIDNIGHT, random_world

from crm_ml import features
from crm_ml.clv.summary import summarize
from crm_ml.recommend.recommendation_task import task_of


def positive(table: str, row: dict) -> dict:
    """Orders that cost something, and refunds of less than nothing."""
    if table != "order_lines":
        return row
    return row | {"paid_cents": abs(row["paid_cents"]) * (-1 if row["refund_of"] else 1)}


WORLD = random_world(3, 24, MIDNIGHT).mapped(positive)
SNAPSHOTS = [WORLD.snapshot().shifted(-7 * week) for week in range(4)]
THREADS = 4


def matrix(tables, snapshot):
    return features.matrix(tables, snapshot, ["habit"])


def summary(tables, snapshot):
    return summarize(tables, snapshot.as_of)


def bought(tables, snapshot):
    return task_of(tables, snapshot, level="department").data.content


@pytest.mark.parametrize(
    "job",
    [pytest.param(matrix, marks=pytest.mark.slow), bought, summary],
)
def test_threads_compute_several_snapshots_at_once(job):
    tables = WORLD.tables().identified("a" * 64)
    alone = {snapshot: job(tables, snapshot) for snapshot in SNAPSHOTS}
    start = threading.Barrier(THREADS)

    def together(number: int):
        start.wait()
        return job(tables, SNAPSHOTS[number % len(SNAPSHOTS)])

    with ThreadPoolExecutor(THREADS) as pool:
        results = list(pool.map(together, range(THREADS)))
    for number, result in enumerate(results):
        expected = alone[SNAPSHOTS[number % len(SNAPSHOTS)]]
        assert result.equals(expected) if hasattr(result, "equals") else result == expected
