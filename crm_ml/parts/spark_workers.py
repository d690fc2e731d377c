"""Parts that are computed by the tasks of a Spark cluster, one task a part."""

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from crm_ml.errors import ClusterFailed
from crm_ml.masking import masked_text
from crm_ml.parts.task_outcome import Item, T, TaskOutcome, task_payload

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import SparkSession

_OUTCOMES = "position long, outcome binary"
_LONGEST = 500
_GIVEN_UP = "what is done stays; see the log of the executors, then run it again"
_LACKING = (
    "the Python of the Spark workers has no crm_ml; install this version there, or name another Python with "
    "spark.pyspark.python or PYSPARK_PYTHON"
)


@dataclass(frozen=True)
class SparkWorkers:
    """Workers of a Spark session, classic or Connect; they share the folders of this process under one path.

    A task whose executor dies is run again by Spark, up to ``spark.task.maxFailures`` times: what work
    leaves behind must be whole or absent. An error of the work itself is raised here as it was there.

    Parameters
    ----------
    session : pyspark.sql.SparkSession
        Its workers need the same version of this package and of its libraries.
    threads : int
        Threads of a task, for DuckDB and models: ``spark.task.cpus``.
    """

    session: "SparkSession"
    threads: int = 1

    def map(self, work: Callable[[Item], T], parts: Sequence[Item]) -> Iterator[T]:
        """Give what the function returns for each part, see `Workers.map`; each is one task.

        Raises
        ------
        CrmError
            The error of the first part whose work raised one; any other exception of it likewise, with its
            traceback of there as its cause.
        ClusterFailed
            If the cluster does not answer, lost the same task too often, or lacks this package.
        ConfigError
            If the software of a worker differs from the one here.
        """
        if not parts:
            return
        task, count = _task(task_payload(work, parts, self.threads)), len(parts)
        with quiet_pyspark(), cluster_errors():
            positions = self.session.range(0, count, 1, count)
            rows = positions.mapInArrow(task, _OUTCOMES).collect()
        for row in sorted(rows, key=lambda row: int(row["position"])):
            yield TaskOutcome.of_bytes(bytes(row["outcome"])).result()


def _task(payload: bytes) -> "Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]":
    """Return what a task runs: a function that imports this package only where it runs."""

    def task(batches: "Iterable[pa.RecordBatch]") -> "Iterator[pa.RecordBatch]":
        import pyarrow as pa

        from crm_ml.parts.task_outcome import run_task

        for batch in batches:
            for position in batch.column(0).to_pylist():
                outcome = run_task(payload, position)
                yield pa.RecordBatch.from_pydict({"position": [position], "outcome": [outcome]})

    return task


@contextmanager
def quiet_pyspark() -> Iterator[None]:
    """Leave out that PySpark knows no pandas 3: no pandas frame is given to it or taken from it."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
        yield


@contextmanager
def cluster_errors() -> Iterator[None]:
    """Say in one sentence what the Java side or the Connect server reports over pages."""
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        yield
    except (PySparkException, Py4JError, ConnectionError) as error:
        text = str(error)
        if "No module named 'crm_ml" in text:
            raise ClusterFailed(_LACKING) from None
        raise ClusterFailed(f"Spark gave up: {first_words(text)}; {_GIVEN_UP}") from None


def first_words(text: str) -> str:
    r"""Return the first line of a message of Spark, without secrets.

    Examples
    --------
    >>> first_words("Job aborted due to stage failure: Task 1 failed 4 times\nDriver stacktrace:")
    'Job aborted due to stage failure: Task 1 failed 4 times'
    """
    lines = [line.strip() for line in masked_text(text).splitlines() if line.strip()]
    return lines[0][:_LONGEST].rstrip(".") if lines else "no reason given"
