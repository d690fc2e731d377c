"""One command of the package in this process, with the CPU, wall time and memory of each of its stages.

``python experiments/performance/stages.py [--stages FILE] MODULE [ARGUMENT ...]`` prints them as JSON in its
last line; a script of Python may bring other ``STAGES``. The time of a stage is its own: what a stage inside
takes is that one's. What no stage claims is "the rest".
"""

import functools
import importlib
import json
import runpy
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

REST, START = "the rest", "start"
# which function is a stage, and its name; {1} stands for the second argument of the call
STAGES = {
    "crm_ml.train.experiment:load_tables": "tables",
    "crm_ml.datasets:load": "tables",
    "crm_ml.features.assembly:matrix": "features",
    "crm_ml.features.assembly:_tables": "features",
    "crm_ml.tracking.store:connect": "tracking",
    "crm_ml.train.record.account:before_fitting": "tracking",
    "crm_ml.train.record.outcome_log:log_outcome": "tracking",
    "crm_ml.evaluation.significance:evaluate": "bootstrap of metrics",
    "lightgbm:train": "boosters",
    "crm_ml.score_tables.champion_set:champions": "champions",
    "crm_ml.score_tables.drift_gate:check_drift": "drift gate",
    "crm_ml.storage.stage_cache:stage": "{1}",
    "crm_ml.score.list_job:decide": "decision and list",
}
# a new line of the table begins with each call of these; their first argument is its name
SECTIONS = ("crm_ml.train.experiment:run",)


@dataclass
class Meter:
    """What stages took, by section and stage; the innermost stage that is open is charged.

    Parameters
    ----------
    section : str
        Section that is charged at first.
    """

    section: str
    spent: dict[str, dict[str, dict[str, float]]] = field(default_factory=dict)
    peaks: dict[str, float] = field(default_factory=dict)
    open: list[str] = field(default_factory=lambda: [START])
    since: tuple[float, float] = field(default_factory=lambda: now())

    def charge(self) -> None:
        """Charge what passed since the last charge to the innermost open stage."""
        moment = now()
        stages = self.spent.setdefault(self.section, {})
        stage = stages.setdefault(self.open[-1], {"cpu_s": 0.0, "wall_s": 0.0})
        for name, end, begin in zip(("wall_s", "cpu_s"), moment, self.since, strict=True):
            stage[name] += end - begin
        self.peaks[self.section] = max(peak_gb(), self.peaks.get(self.section, 0.0))
        self.since = moment

    def within(self, stage: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """Return the call as a stage."""

        @functools.wraps(call)
        def measured(*arguments: Any, **named: Any) -> Any:
            self.charge()
            self.open.append(stage.format(*arguments))
            try:
                return call(*arguments, **named)
            finally:
                self.charge()
                self.open.pop()

        return measured

    def begins(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """Return the call as a section, named by its first argument."""

        @functools.wraps(call)
        def measured(name: str, *arguments: Any, **named: Any) -> Any:
            self.charge()
            before, self.section = self.section, name
            self.open.append(REST)
            forget_peak()
            try:
                return call(name, *arguments, **named)
            finally:
                self.charge()
                self.open.pop()
                self.section = before

        return measured

    def result(self) -> dict[str, Any]:
        """Return seconds by section and stage, and the peak memory of each section in GB."""
        self.charge()
        return {"stages": self.spent, "peak_gb": self.peaks}


def now() -> tuple[float, float]:
    """Return wall and CPU seconds, the latter of all threads."""
    return time.perf_counter(), time.process_time()


def peak_gb() -> float:
    """Return the most memory that the process has had since `forget_peak`, in GB."""
    status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024 / 1e9


def forget_peak() -> None:
    """Let the peak of memory begin anew."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def replace(place: str, change: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    """Put a changed function wherever a module has the function of a place, ``module:name``."""
    module, _, name = place.partition(":")
    original = getattr(importlib.import_module(module), name)
    changed = change(original)
    for other in list(sys.modules.values()):
        for attribute, value in list(vars(other).items()) if other is not None else ():
            if value is original:
                setattr(other, attribute, changed)


def main(module: str, arguments: list[str], stages: Mapping[str, str] = STAGES) -> int:
    """Run ``python -m module`` with its stages measured and print them; return its exit code."""
    meter = Meter(" ".join([module.rpartition(".")[2], *(a for a in arguments if "/" in a and "=" not in a)]))
    for place in (*SECTIONS, *stages):
        importlib.import_module(place.partition(":")[0])
    command = importlib.import_module(module)
    if hasattr(command, "__path__"):
        command = importlib.import_module(f"{module}.__main__")
    for place, stage in stages.items():
        replace(place, functools.partial(meter.within, stage))
    for place in SECTIONS:
        replace(place, meter.begins)
    meter.charge()
    meter.open[:] = [REST]
    code: int = command.main(arguments)
    print(json.dumps(meter.result()))
    return code


if __name__ == "__main__":
    given, own = sys.argv[1:], STAGES
    if given[0] == "--stages":
        own, given = runpy.run_path(given[1])["STAGES"], given[2:]
    sys.exit(main(given[0], given[1:], own))
