"""Outcomes of treated and untreated customers, accumulated from the highest score down."""

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt

from crm_ml.errors import InputError
from crm_ml.evaluation.ranking import Floats, Ranking, Weighted, as_floats


@dataclass(frozen=True, eq=False)
class UpliftRanking(Ranking):
    """Outcomes, scores and arms in ascending order of the score.

    Parameters
    ----------
    order, y, p, starts
        As `Ranking`; y may be 0 or 1, or an amount.
    treatment : numpy.ndarray of {0, 1}, shape (n,)
        1 = treated; ranked.
    """

    treatment: Floats


def uplift_ranking(y: npt.ArrayLike, uplift: npt.ArrayLike, treatment: npt.ArrayLike) -> UpliftRanking:
    """Sort by score; rows with equal scores form one group.

    Raises
    ------
    InputError
        If lengths differ, there is no row, a value is NaN or infinite, or a treatment is neither 0 nor 1; the
        message counts each.
    """
    outcomes, scores, arms = check_uplift(y, uplift, treatment)
    order = np.argsort(scores, kind="stable")
    ranked = scores[order]
    starts = np.flatnonzero(np.append(True, ranked[1:] != ranked[:-1]))
    return UpliftRanking(order, outcomes[order], ranked, starts, arms[order])


def check_uplift(
    y: npt.ArrayLike, uplift: npt.ArrayLike, treatment: npt.ArrayLike
) -> tuple[Floats, Floats, Floats]:
    """Check outcomes, scores and arms and return them as float arrays; raises as `uplift_ranking`."""
    columns = {"y": as_floats("y", y), "uplift": as_floats("uplift", uplift)}
    columns["treatment"] = as_floats("treatment", treatment)
    shapes = {name: values.shape for name, values in columns.items()}
    if len(set(shapes.values())) > 1 or columns["y"].ndim != 1 or not len(columns["y"]):
        shown = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise InputError(f"three columns of equal length are needed; shapes are {shown}")
    rows = len(columns["y"])
    breaches = []
    for name, values in columns.items():
        bad = int((~np.isfinite(values)).sum())
        if bad:
            breaches.append(f"{name} is NaN or infinite in {bad:,} of {rows:,} rows")
    arms = columns["treatment"]
    odd = int((np.isfinite(arms) & (arms != 0) & (arms != 1)).sum())
    if odd:
        breaches.append(f"treatment is neither 0 nor 1 in {odd:,} of {rows:,} rows")
    if breaches:
        raise InputError("; ".join(breaches) + "; drop or mend these rows before judging")
    return columns["y"], columns["uplift"], arms


@dataclass(frozen=True, eq=False)
class Counts:
    """Cumulative sums from the highest score down, at the end of each group of equal scores.

    Parameters
    ----------
    sums : numpy.ndarray, shape (4, r, g)
        Weight of all rows and of the treated ones, weighted sums of the outcomes of treated and of untreated
        ones; r weightings, g groups.
    """

    sums: Floats

    @property
    def rows(self) -> Floats:
        """Weight of all rows, shape (r, g)."""
        return np.asarray(self.sums[0])

    @property
    def treated(self) -> Floats:
        """Weight of the treated rows, shape (r, g)."""
        return np.asarray(self.sums[1])

    @property
    def y_treated(self) -> Floats:
        """Outcomes of the treated rows, shape (r, g)."""
        return np.asarray(self.sums[2])

    @property
    def y_control(self) -> Floats:
        """Outcomes of the untreated rows, shape (r, g)."""
        return np.asarray(self.sums[3])

    @staticmethod
    def of(judged: Weighted) -> "Counts":
        """Accumulate under each weighting of an `UpliftRanking`."""
        return _counted(judged)

    @property
    def control(self) -> Floats:
        """Weight of the untreated rows."""
        return self.rows - self.treated

    @cached_property
    def areas(self) -> Floats:
        """Areas of each weighting by the four conventions of `crm_ml.evaluation.uplift`, shape (4, r).

        Twice the area under the Qini and under the uplift curve (zero while an arm is empty), and the sums of
        both curves over rows (a straight line from zero while an arm is empty), linear across equal scores.
        """
        from crm_ml.evaluation.uplift_kernels import area_terms

        terms = np.empty_like(self.sums)
        area_terms(self.sums, terms)
        return np.asarray(terms.sum(axis=2))

    def upto(self, rows: Floats, tied: npt.NDArray[np.bool_]) -> "Counts":
        """Return the sums over so many rows of highest score in each weighting, shape (r, 1).

        Of a group of equal scores that the last of them lies in, the matching share is taken, which is the
        mean over all orders of its rows. A single row is taken whole.

        Parameters
        ----------
        rows : numpy.ndarray of float, shape (r,)
            Weight of the rows that are wanted.
        tied : numpy.ndarray of bool, shape (g,)
            Whether a group has several rows, from the highest score down.
        """
        last = np.array([np.searchsorted(row, wanted) for row, wanted in zip(self.rows, rows, strict=True)])
        ends = self.at(last).sums
        before = self.at(np.maximum(last - 1, 0)).sums * (last > 0)[:, None]
        size = (ends - before)[0, :, 0]
        share = np.divide(rows - before[0, :, 0], size, out=np.ones_like(rows), where=tied[last] & (size > 0))
        return Counts(before + (ends - before) * share[:, None])

    def at(self, places: npt.NDArray[np.int64]) -> "Counts":
        """Return the sums at one place of each weighting, shape (r, 1)."""
        return Counts(np.take_along_axis(self.sums, places[None, :, None], axis=2))


@lru_cache(maxsize=1)  # all metrics of a ranking are asked for one after the other
def _counted(judged: Weighted) -> Counts:
    from crm_ml.evaluation.uplift_kernels import accumulate

    ranking = judged.ranking
    assert isinstance(ranking, UpliftRanking)
    counts = np.empty((4, len(judged.weights), len(ranking.starts)))
    accumulate(judged.weights, ranking.y, ranking.treatment, ranking.starts, counts)
    return Counts(counts)
