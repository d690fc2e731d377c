"""What an experiment of any family hands back to be logged, registered and shown."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from crm_ml.evaluation.calibration_check import CalibrationCheck
    from crm_ml.evaluation.significance import Interval
    from crm_ml.train.compare.scored_rows import ScoredRows
    from crm_ml.train.search.trials import SearchTrial


def named(name: str, interval: "Interval") -> dict[str, float]:
    """Return a metric and the ends of its interval under their names in a run."""
    return {name: interval.value, f"{name}.low": interval.low, f"{name}.high": interval.high}


@dataclass(frozen=True)
class Gate:
    """A condition for promotion: its name, whether it holds, and the figures behind it."""

    name: str
    passed: bool
    reason: str


def calibrated(check: "CalibrationCheck", limit: float) -> Gate:
    """Return the gate that fails where probabilities are shown to be miscalibrated beyond a limit."""
    return Gate("calibrated", check.within(limit), f"{check}; limit {limit:g}")


def no_leak(what: str, single_auc: Mapping[str, float] | None = None, limit: float = 1.0) -> Gate:
    """Return the gate of what was found the same without later rows; a leak would have stopped the run.

    Parameters
    ----------
    what : str
        That was compared with and without the rows after a test day.
    single_auc : mapping of str to float, optional
        By feature, where each was asked whether it tells the label.
    limit : float
        Of these; what lies above was allowed by the config.

    Examples
    --------
    >>> no_leak("features", {"orders": 0.8, "left": 1.0}, 0.99).reason
    'features are the same without later rows; orders alone has AUC 0.8000, limit 0.99; allowed: left'
    """
    figures = [f"{what} are the same without later rows"]
    areas = single_auc or {}
    within = [name for name, area in areas.items() if area <= limit]
    if within:
        best = max(within, key=lambda name: (areas[name], name))
        figures.append(f"{best} alone has AUC {areas[best]:.4f}, limit {limit}")
    allowed = [name for name in areas if name not in within]
    if allowed:
        figures.append(f"allowed: {', '.join(allowed)}")
    return Gate("no leak", True, "; ".join(figures))


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
class Trace:
    """Sums and counts by which a second run is compared with a first one, stage by stage; plain data.

    Parameters
    ----------
    features : mapping
        Rows and sums of what models are fitted to and judged on.
    split : mapping
        What tests and what trains for it.
    trials : mapping
        What was tried on validation and what was taken; empty where the config settles it.
    predictions : mapping
        Rows and sums of what was said of the test rows.
    """

    features: Mapping[str, Any]
    split: Mapping[str, Any]
    trials: Mapping[str, Any]
    predictions: Mapping[str, Any]


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
        Without all of them the model is not promoted.
    candidate : Candidate
    trace : Trace
        Logged in ``reproduction.json``.
    tables : mapping of str to pandas.DataFrame
        Logged as CSV under ``tables/``.
    figures : mapping of str to matplotlib Figure
        Logged as PNG under ``plots/``.
    facts : mapping
        Logged as ``facts.json``: split, features, hashes.
    rows : ScoredRows, optional
        The test rows, logged under pseudonyms, by which runs are compared and a champion is challenged.
    notes : tuple of str
        Lines shown at the end of a run.
    trials : tuple of SearchTrial
        Of a search for settings, logged as nested runs.
    """

    metrics: Mapping[str, float]
    summary: "pd.DataFrame"
    gates: tuple[Gate, ...]
    candidate: Candidate
    trace: Trace
    tables: "Mapping[str, pd.DataFrame]" = field(default_factory=dict)
    figures: "Mapping[str, Figure]" = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    rows: "ScoredRows | None" = None
    notes: tuple[str, ...] = ()
    trials: "tuple[SearchTrial, ...]" = ()

    @property
    def promoted(self) -> bool:
        """Whether every gate holds."""
        return all(gate.passed for gate in self.gates)
