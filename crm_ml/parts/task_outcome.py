"""What the work of one task came to: its result or its error, as bytes that travel from a worker."""

import os
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crm_ml.error_report import trace_of, without_cells
from crm_ml.errors import CrmError
from crm_ml.private_files import private_files


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
        raise self.error from CrmError(f"in a task of Spark:\n{self.trace}")

    def to_bytes(self) -> bytes:
        """Return the outcome for the way back."""
        return pickle.dumps(self, protocol=pickle.HIGHEST_PROTOCOL)

    @classmethod
    def of_bytes(cls, outcome: bytes) -> "TaskOutcome":
        """Return what `to_bytes` made; the bytes are of the session's own workers."""
        loaded = pickle.loads(outcome)
        if not isinstance(loaded, cls):
            raise TypeError(f"a task of Spark gave a {type(loaded).__name__} and no outcome")
        return loaded


def run_task(payload: bytes, position: int) -> bytes:
    """Do the work of one part in this process, a worker of Spark.

    Parameters
    ----------
    payload : bytes
        Pickled: the work, the parts, and environment variables, working folder and software of the driver.
    position : int
        Of the part.

    Returns
    -------
    bytes
        Of a `TaskOutcome`.
    """
    from crm_ml.parts.worker_software import refuse_other_software

    try:
        work, parts, variables, folder, of_driver = pickle.loads(payload)
        os.environ.update(variables)
        if Path(folder).is_dir():
            os.chdir(folder)
        refuse_other_software(of_driver)
        with private_files():
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
