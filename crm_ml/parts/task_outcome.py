"""Work sent to another process, and what came of it there: a result or an error, as bytes that travel."""

import os
import pickle
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from crm_ml import environment
from crm_ml.error_report import trace_of, without_cells
from crm_ml.errors import CrmError
from crm_ml.masked_stream import masked_streams
from crm_ml.parts.worker_software import refuse_other_software, software
from crm_ml.private_files import private_files

Item = TypeVar("Item")  # a part or its number
T = TypeVar("T")
_CARRIED = (environment.DATA, environment.RUNS, environment.CACHE_HOME)  # folders of the shared storage
_CARRIED_AS_THEY_ARE = (environment.MEMORY, environment.CACHE, environment.CACHE_GB)


@dataclass(frozen=True)
class TaskOutcome:
    """A result, or an error in place of it.

    Parameters
    ----------
    value : object
    error : Exception, optional
    trace : str
        Where the error was raised, without cells of the data; empty for one that is raised on purpose.

    Examples
    --------
    >>> TaskOutcome.of_bytes(TaskOutcome(3).to_bytes()).result()
    3
    """

    value: Any = None
    error: Exception | None = None
    trace: str = ""

    def result(self) -> Any:
        """Return the value, or raise the error."""
        if self.error is None:
            return self.value
        if not self.trace:
            raise self.error
        raise self.error from CrmError(f"in a worker:\n{self.trace}")

    def to_bytes(self) -> bytes:
        """Return the outcome for the way back."""
        return pickle.dumps(self, protocol=pickle.HIGHEST_PROTOCOL)

    @classmethod
    def of_bytes(cls, outcome: bytes) -> "TaskOutcome":
        """Return what `to_bytes` made; the bytes are of one's own workers."""
        loaded = pickle.loads(outcome)
        if not isinstance(loaded, cls):
            raise TypeError(f"a worker gave a {type(loaded).__name__} and no outcome")
        return loaded


def task_payload(work: Callable[[Item], T], parts: Sequence[Item], threads: int) -> bytes:
    """Return what `run_task` needs: the work, the parts, and variables, folder and software of this process.

    Parameters
    ----------
    work : callable
    parts : sequence
    threads : int
        What DuckDB, OpenMP and numba may take in a task.
    """
    import cloudpickle

    carried = (carried_environment(threads), str(Path.cwd()), software())
    return bytes(cloudpickle.dumps((work, list(parts), *carried)))


def carried_environment(threads: int = 1) -> dict[str, str]:
    """Return the environment variables that count in a task; folders as absolute paths.

    Of this package's variables those with addresses and passwords of databases are not among them.

    Parameters
    ----------
    threads : int
        What DuckDB, OpenMP and numba may take there.

    Examples
    --------
    >>> carried_environment(2)["CRM_ML_THREADS"]
    '2'
    """
    folders = {name: environment.text(name) for name in _CARRIED}
    values = {name: environment.text(name) for name in _CARRIED_AS_THEY_ARE}
    values |= {name: None if path is None else str(Path(path).absolute()) for name, path in folders.items()}
    pools = dict.fromkeys((environment.THREADS, "OMP_NUM_THREADS", "NUMBA_NUM_THREADS"), str(threads))
    return (
        {name: value for name, value in values.items() if value is not None}
        | pools
        | {"OMP_WAIT_POLICY": "PASSIVE"}
    )


def run_task(payload: bytes, position: int) -> bytes:
    """Do the work of one part in this process, a worker; its streams show no secret.

    Parameters
    ----------
    payload : bytes
        Of `task_payload`.
    position : int
        Of the part.

    Returns
    -------
    bytes
        Of a `TaskOutcome`.
    """
    try:
        work, parts, variables, folder, of_driver = pickle.loads(payload)
        os.environ.update(variables)
        if Path(folder).is_dir():
            os.chdir(folder)
        refuse_other_software(of_driver)
        with masked_streams(), private_files():
            outcome = TaskOutcome(work(parts[position]))
            return outcome.to_bytes()
    except CrmError as error:
        return TaskOutcome(error=error).to_bytes()
    except Exception as error:
        return _unexpected(error)


def _unexpected(error: Exception) -> bytes:
    """Return the outcome of an error; one that can't be pickled is told in words."""
    trace = trace_of(error)
    try:
        outcome = TaskOutcome(error=error, trace=trace).to_bytes()
        TaskOutcome.of_bytes(outcome)
    except Exception:
        words = f"{type(error).__name__}: {without_cells(str(error))}"
        return TaskOutcome(error=RuntimeError(words), trace=trace).to_bytes()
    return outcome
