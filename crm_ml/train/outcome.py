"""What an experiment of any family hands back to be logged, registered and shown."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from crm_ml.evaluation.significance import Interval


def named(name: str, interval: "Interval") -> dict[str, float]:
    """Return a metric and the ends of its interval under their names in a run."""
    return {name: interval.value, f"{name}.low": interval.low, f"{name}.high": interval.high}


@dataclass(frozen=True)
class Gate:
    """A condition for promotion: its name, whether it holds, and the figures behind it."""

    name: str
    passed: bool
    reason: str


@dataclass(frozen=True, eq=False)
class Candidate:
    """A fitted model that may become champion.

    Parameters
    ----------
    name : str
        Registered name.
    save : callable
        Writes the model folder to the path it is given.
    loader_module : str
        Module whose ``_load_pyfunc`` reads the folder.
    inputs, outputs : mapping of str to str
        Column to ``"double"`` or ``"string"``.
    """

    name: str
    save: Callable[[Path], None]
    loader_module: str
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]


@dataclass(frozen=True, eq=False)
class Outcome:
    """The result of one experiment.

    Parameters
    ----------
    metrics : mapping of str to float
        ``test.<metric>``, ``baseline.<name>.<metric>``, each with ``.low`` and ``.high`` beside it.
    summary : pandas.DataFrame
        The table shown at the end of a run: a row for each model, a column for each metric.
    gates : tuple of Gate
        The model is promoted when all of them hold.
    candidate : Candidate
    tables : mapping of str to pandas.DataFrame
        Logged as CSV under ``tables/``.
    figures : mapping of str to matplotlib Figure
        Logged as PNG under ``plots/``.
    facts : mapping
        Logged as ``facts.json``: split, features, hashes.
    """

    metrics: Mapping[str, float]
    summary: "pd.DataFrame"
    gates: tuple[Gate, ...]
    candidate: Candidate
    tables: "Mapping[str, pd.DataFrame]" = field(default_factory=dict)
    figures: "Mapping[str, Figure]" = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def promoted(self) -> bool:
        """Whether every gate holds."""
        return all(gate.passed for gate in self.gates)
