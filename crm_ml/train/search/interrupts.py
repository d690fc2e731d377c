"""SIGTERM ends a search at once, and says what is kept and how to go on."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

from crm_ml.errors import Stopped


class Ending:
    """Whether the process was asked to end, and what to say then.

    Parameters
    ----------
    told : str
        What stands where, kept up to date by the search.
    """

    def __init__(self, state: str = "nothing was tried yet; run the same command again") -> None:
        self.told = state
        self.asked = False

    def check(self) -> None:
        """End if it was asked for; a library that calls Python back may have swallowed the error.

        Raises
        ------
        Stopped
        """
        if self.asked:
            raise Stopped(f"stopped by SIGTERM: {self.told}")

    def __call__(self, _number: int, _frame: FrameType | None) -> None:
        """Take the signal."""
        self.asked = True
        self.check()


@contextlib.contextmanager
def stoppable() -> Iterator[Ending]:
    """Let SIGTERM raise `Stopped` within the block; elsewhere than in the main thread nothing is changed."""
    ending = Ending()
    if threading.current_thread() is not threading.main_thread():
        yield ending
        return
    before = signal.signal(signal.SIGTERM, ending)
    try:
        yield ending
    finally:
        signal.signal(signal.SIGTERM, before)
