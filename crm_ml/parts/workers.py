"""Who works on the parts: this process, processes beside it, or a cluster."""

import itertools
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import Protocol

from crm_ml import environment
from crm_ml.errors import ConfigError, InputError
from crm_ml.parts.task_outcome import Item, T, TaskOutcome, run_task, task_payload

MOST_WORKERS = 256
_OF_JOBLIB = r"A worker stopped while some jobs|\d+ tasks "


class Workers(Protocol):
    """What runs a function for each part."""

    def map(self, work: Callable[[Item], T], parts: Sequence[Item]) -> Iterator[T]:
        """Give what the function returns for each part, in the order of parts.

        Parameters
        ----------
        work : callable
            Takes a part; for other processes it and its result must be made of what cloudpickle can send.
        parts : sequence
            Parts or their numbers.

        Raises
        ------
        CrmError
            What the function raised.
        """
        ...


class LocalWorkers:
    """The process itself, or so many processes of this machine.

    Parameters
    ----------
    count : int
        With 1, parts are worked on one after another in this process.

    Examples
    --------
    >>> list(LocalWorkers().map(lambda number: number * 10, range(4)))
    [0, 10, 20, 30]
    """

    def __init__(self, count: int = 1) -> None:
        if not 1 <= count <= MOST_WORKERS:
            raise ConfigError(f"workers: {count} is no number from 1 to {MOST_WORKERS}")
        self.count = count

    def map(self, work: Callable[[Item], T], parts: Sequence[Item]) -> Iterator[T]:
        """Give what the function returns for each part, see `Workers.map`.

        Raises
        ------
        InputError
            If a worker was killed, by the system for want of memory or by hand; finished parts are kept.
        """
        if self.count == 1 or len(parts) < 2:
            yield from (work(part) for part in parts)
            return
        from joblib import Parallel, delayed
        from joblib.externals.loky.process_executor import TerminatedWorkerError

        payload = task_payload(work, parts, environment.threads())
        pool = Parallel(
            min(self.count, len(parts)), return_as="generator", batch_size=1, pre_dispatch="n_jobs"
        )
        # of a worker that grew and is replaced, and of parts that are given up after an error: where warnings
        # are errors they would end the thread that waits, or hide the error
        warnings.filterwarnings("ignore", message=_OF_JOBLIB, category=UserWarning)
        failed = False
        tasks = (
            delayed(run_task)(payload, position)
            for position in itertools.takewhile(lambda _: not failed, range(len(parts)))
        )
        try:
            with closing(pool(tasks)) as outcomes:
                for outcome in outcomes:
                    try:
                        result = TaskOutcome.of_bytes(outcome).result()
                    except BaseException:
                        failed = True  # no further part is begun
                        # what runs goes on to its end: a pool that is stopped while it hands out a part loses
                        # its thread (KeyError in joblib's loky), and what is finished is kept
                        for _ in outcomes:
                            pass
                        raise
                    yield result
        except TerminatedWorkerError as error:
            raise InputError(
                f"a worker of {self.count} was killed, perhaps for want of memory; finished parts are kept: "
                "run again, with more parts or fewer workers if it happens again"
            ) from error
