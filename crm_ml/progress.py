"""Progress that is seen off a terminal too: a line every 30 s on standard error, and forecasts."""

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

EVERY_S = 30.0
_LOOK_S = 1.0
_TELLING = 8


@dataclass(frozen=True)
class Stage:
    """A stage that runs: its name, steps that are done, all steps (None if unknown) and seconds so far."""

    name: str
    done: float
    total: float | None
    elapsed_s: float

    @property
    def left_s(self) -> float | None:
        """Seconds until its end at the rate of the steps so far; None before an eighth of them is done.

        The first step may do the work of many, such as the pass over the orders of all snapshots.
        """
        if not self.total or self.done <= 0 or self.done < self.total / _TELLING:
            return None
        return self.elapsed_s / self.done * (self.total - self.done)


@dataclass(eq=False)
class ProgressLines:
    """What is said of running stages: how long one may take, once, and where it is, every 30 s.

    Parameters
    ----------
    clock : callable
        Seconds.
    peak_mb : callable
        Peak resident memory in megabytes; None where it is not known.

    Examples
    --------
    >>> now = iter([0.0, 40.0, 50.0])
    >>> lines = ProgressLines(clock=lambda: next(now), peak_mb=lambda: 512)
    >>> lines.due([Stage("trials", 4, 10, 40.0)])  # doctest: +NORMALIZE_WHITESPACE
    ['trials: may take about 1 min 40 s',
     'trials: 4 of 10, about 1 min left; peak memory 512 MB; 40 s in all']
    >>> lines.due([Stage("trials", 5, 10, 50.0)])
    []
    """

    clock: Callable[[], float] = time.monotonic
    peak_mb: Callable[[], int | None] = field(default_factory=lambda: peak_memory_mb)

    def __post_init__(self) -> None:
        self._began = self._said = self.clock()
        self._foretold: set[str] = set()

    def due(self, stages: Sequence[Stage]) -> list[str]:
        """Return the lines that are due now, of stages that run."""
        now = self.clock()
        lines = [text for stage in stages for text in self._forecast(stage)]
        if now - self._said >= EVERY_S and stages:
            self._said = now
            lines.append(self._where(stages[-1], now - self._began))
        return lines

    def _forecast(self, stage: Stage) -> list[str]:
        left = stage.left_s
        if left is None or stage.name in self._foretold:
            return []
        self._foretold.add(stage.name)
        whole = stage.elapsed_s + left
        return [f"{stage.name}: may take about {_in_words(whole)}"] if left >= EVERY_S else []

    def _where(self, stage: Stage, elapsed_s: float) -> str:
        steps = f": {stage.done:,.0f} of {stage.total:,.0f}" if stage.total else ""
        left = "" if stage.left_s is None else f", about {_in_words(stage.left_s)} left"
        memory = self.peak_mb()
        peak = "" if memory is None else f"; peak memory {memory:,} MB"
        return f"{stage.name}{steps}{left}{peak}; {_in_words(elapsed_s)} in all"


@contextlib.contextmanager
def shown(console: "Console") -> Iterator["Progress"]:
    """Yield a progress bar of rich; off a terminal and a notebook its stages are lines on standard error."""
    from rich.progress import Progress

    is_seen = console.is_terminal or console.is_jupyter
    with Progress(console=console, transient=not is_seen) as progress:
        if is_seen:
            yield progress
            return
        with _lines(lambda: _stages(progress)):
            yield progress


@contextlib.contextmanager
def status(first: str) -> Iterator[Callable[[str], None]]:
    """Yield what tells the stage of a work without steps: a spinner, or lines off a terminal."""
    from rich.console import Console

    console = Console(stderr=True)
    if console.is_terminal:
        with console.status(first) as spinner:
            yield spinner.update
        return
    current = [(first, time.monotonic())]
    with _lines(lambda: [Stage(name, 0, None, time.monotonic() - began) for name, began in current]):
        yield lambda name: current.__setitem__(0, (name, time.monotonic()))


def peak_memory_mb() -> int | None:
    """Return the peak resident memory of this process in megabytes; None where the system does not say."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak // 2**20 if sys.platform == "darwin" else peak // 2**10)


@contextlib.contextmanager
def _lines(stages: Callable[[], list[Stage]]) -> Iterator[None]:
    """Write the lines that are due, from a thread of its own, while the block works."""
    lines, ended = ProgressLines(), threading.Event()

    def watch() -> None:
        while not ended.wait(_LOOK_S):
            for line in lines.due(stages()):
                sys.stderr.write(f"{line}\n")
                sys.stderr.flush()

    thread = threading.Thread(target=watch, name="progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _stages(progress: "Progress") -> list[Stage]:
    """Return the stages of a progress bar that run."""
    return [
        Stage(task.description, task.completed, task.total, task.elapsed or 0.0)
        for task in progress.tasks
        if task.started and not task.finished
    ]


def _in_words(seconds: float) -> str:
    """Return a duration, rounded.

    Examples
    --------
    >>> _in_words(41.2), _in_words(100), _in_words(7300)
    ('41 s', '1 min 40 s', '2 h 1 min')
    """
    whole = round(seconds)
    hours, minutes, rest = whole // 3600, whole % 3600 // 60, whole % 60
    parts = [(hours, "h"), (minutes, "min"), (0 if hours else rest, "s")]
    return " ".join(f"{number} {unit}" for number, unit in parts if number) or "0 s"
