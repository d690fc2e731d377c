"""Whether settings that a search found are clearly better on days that it never saw."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from crm_ml.evaluation.recommendation import evaluate_lists
from crm_ml.evaluation.significance import Interval
from crm_ml.train.search.trials import SearchTrial

START, FOUND = "defaults", "tuned"


@dataclass(frozen=True)
class Confirmed:
    """Scores of both settings on the rows that confirm.

    Parameters
    ----------
    rows, customers : int
    start, tuned : Interval
        Mean score of the settings without a search, and of those found.
    gain : Interval
        Paired; above 0 is better, whatever the metric.
    """

    rows: int
    customers: int
    start: Interval
    tuned: Interval
    gain: Interval

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data; the settings that the search found are ``found`` there."""
        content = asdict(self)
        return {"found": content.pop("tuned"), **content}


@dataclass(frozen=True)
class SearchVerdict:
    """What became of a search.

    Parameters
    ----------
    metric : str
    best : SearchTrial
        The best complete trial of the search.
    start : SearchTrial
        The first one, without a search.
    confirmed : Confirmed or None
        None where no trial was better than the first one.
    """

    metric: str
    best: SearchTrial
    start: SearchTrial
    confirmed: Confirmed | None

    @property
    def taken(self) -> bool:
        """Whether the settings found replace the others: the whole interval of the gain lies above 0."""
        return self.confirmed is not None and self.confirmed.gain.low > 0

    @property
    def reason(self) -> str:
        """What was decided and by which figures, in one line."""
        if self.confirmed is None:
            return f"defaults kept: no trial was better in {self.metric} than {self.start.value:.5f}"
        figures = f"{in_figures(self.metric, self.confirmed)} that the search never saw"
        return f"tuned settings taken: {figures}" if self.taken else f"defaults kept: {figures}"

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "metric": self.metric,
            "taken": self.taken,
            "reason": self.reason,
            "best": self.best.number,
            "confirmed": None if self.confirmed is None else self.confirmed.as_dict(),
        }


def in_figures(metric: str, confirmed: Confirmed) -> str:
    """Return the figures of a comparison in a few words, which end with the number of rows."""
    gain = f"{confirmed.gain.value:.5f} [{confirmed.gain.low:.5f}, {confirmed.gain.high:.5f}]"
    values = f"{confirmed.tuned.value:.5f} against {confirmed.start.value:.5f}"
    return f"{metric} {values}, gain {gain}, on {confirmed.rows:,} rows"


def confirm(
    customer_id: npt.ArrayLike,
    start: npt.NDArray[np.float64],
    tuned: npt.NDArray[np.float64],
    larger: bool,
    rng: np.random.Generator,
    replicates: int = 1000,
) -> Confirmed:
    """Compare the scores of two settings on the same rows; intervals draw whole customers.

    Parameters
    ----------
    customer_id : array-like of str, shape (n,)
    start, tuned : numpy.ndarray, shape (n,)
        Score of each row.
    larger : bool
        Whether a larger score is better.
    rng : numpy.random.Generator
    replicates : int

    Examples
    --------
    >>> scores = np.linspace(0, 1, 50)
    >>> result = confirm([str(n) for n in range(50)], scores, scores - 0.1, False, np.random.default_rng(0))
    >>> round(result.gain.value, 3), result.gain.low > 0
    (0.1, True)
    """
    names = np.asarray(customer_id, dtype=str)
    judged = evaluate_lists(
        names, {START: {"score": start}, FOUND: {"score": tuned}}, rng, replicates, ("score",)
    )
    better, worse = (FOUND, START) if larger else (START, FOUND)
    return Confirmed(
        rows=len(names),
        customers=len(set(names.tolist())),
        start=judged.interval(START, "score"),
        tuned=judged.interval(FOUND, "score"),
        gain=judged.difference(better, worse, "score"),
    )
