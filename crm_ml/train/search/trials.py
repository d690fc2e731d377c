"""Trials of a search as plain data."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from crm_ml.config.parts import Option

State = Literal["complete", "pruned", "failed"]


@dataclass(frozen=True)
class SearchTrial:
    """One finished trial.

    Parameters
    ----------
    number : int
        From 0, which has the settings that the run would have without a search.
    state : {"complete", "pruned", "failed"}
    value : float or None
        Mean score over the rows of all folds that it saw; None where it failed.
    gain : float or None
        By how much that is better than what the first trial has on the same rows.
    params : mapping of str to value
        Settings that were tried.
    steps : tuple of float
        Mean over the rows of the folds so far, after each fold.
    error : str
        Why it failed.
    """

    number: int
    state: State
    value: float | None
    gain: float | None
    params: Mapping[str, Option]
    steps: tuple[float, ...]
    error: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return asdict(self) | {"params": dict(self.params), "steps": list(self.steps)}


def best_of(tried: Sequence[SearchTrial]) -> SearchTrial:
    """Return the complete trial of the largest gain, the first of equal ones.

    Examples
    --------
    >>> first = SearchTrial(0, "complete", 0.30, 0.0, {}, (0.30,))
    >>> best_of([first, SearchTrial(1, "complete", 0.28, 0.02, {}, (0.28,))]).number
    1
    """
    complete = [trial for trial in tried if trial.state == "complete"]
    return max(complete, key=lambda trial: (trial.gain or 0.0, -trial.number))
