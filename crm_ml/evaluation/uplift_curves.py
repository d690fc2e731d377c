"""Qini curves and bins of customers ordered by predicted uplift."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from crm_ml.errors import InputError
from crm_ml.evaluation.gains_curves import DECILES, GRID
from crm_ml.evaluation.ranking import Floats, Weighted, row_weights
from crm_ml.evaluation.rare_events import added, deviations, rare_part
from crm_ml.evaluation.significance import Interval
from crm_ml.evaluation.uplift_ranking import Counts, UpliftRanking, uplift_ranking
from crm_ml.evaluation.wilson import Z95

if TYPE_CHECKING:
    import pandas as pd

Strategy = Literal["overall", "by_group"]


def qini_curve(
    y: npt.ArrayLike, uplift: npt.ArrayLike, treatment: npt.ArrayLike, weights: Floats | None = None
) -> tuple[Floats, Floats]:
    """Return incremental outcomes per row against the share of rows treated, highest score first.

    Parameters
    ----------
    y, uplift, treatment : array-like, shape (n,)
    weights : numpy.ndarray, shape (r, n), optional
        Weightings of the rows in input order, one curve each; by default all rows count once.

    Returns
    -------
    share : numpy.ndarray, shape (101,)
        From 0 to 1.
    curve : numpy.ndarray, shape (r, 101)
        ``(y_t - y_c * n_t / n_c) / n_t(all)``: what treating this share would add to the mean outcome.
    """
    ranking = uplift_ranking(y, uplift, treatment)
    ones = np.ones((1, len(ranking.y))) if weights is None else np.asarray(weights, dtype=float)
    counts = Counts.of(Weighted(ranking, ones[:, ranking.order]))
    ratio = np.divide(
        counts.treated, counts.control, out=np.zeros_like(counts.treated), where=counts.control > 0
    )
    gained = (counts.y_treated - counts.y_control * ratio) / counts.treated[:, -1:]
    taken = counts.rows / counts.rows[:, -1:]
    share = np.linspace(0, 1, GRID)
    curves = [
        np.interp(share, np.append(0, x), np.append(0, value)) for x, value in zip(taken, gained, strict=True)
    ]
    return share, np.array(curves)


def uplift_by_decile(y: npt.ArrayLike, uplift: npt.ArrayLike, treatment: npt.ArrayLike) -> "pd.DataFrame":
    """Return `uplift_by_bins` of ten bins; the column bin is called tenth."""
    return uplift_by_bins(y, uplift, treatment, DECILES).rename(columns={"bin": "tenth"})


def uplift_by_bins(
    y: npt.ArrayLike,
    uplift: npt.ArrayLike,
    treatment: npt.ArrayLike,
    bins: int = DECILES,
    strategy: Strategy = "overall",
    weight: npt.ArrayLike | None = None,
) -> "pd.DataFrame":
    """Return mean outcomes of treated and untreated rows in each bin of equal numbers, highest score first.

    A group of equal scores that several bins cut is in each with the matching share of all its rows, so that
    the order of the input does not matter.

    Parameters
    ----------
    y, uplift, treatment : array-like, shape (n,)
        As `crm_ml.evaluation.uplift.qini` takes them.
    bins : int
    strategy : {"overall", "by_group"}
        Whether all rows are ordered together, or treated and untreated ones apart, so that a bin has the same
        share of both (the two of scikit-uplift).
    weight : array-like of float, shape (n,), optional
        Of each row within its bin; bins are cut by rows.

    Returns
    -------
    pandas.DataFrame
        Columns bin (from 1), rows, treated, untreated (mean outcomes), uplift, low, high (95 %), predicted
        (mean score).

    Raises
    ------
    InputError
        If a bin would have no row, or values are invalid.
    """
    import pandas as pd

    ranking = uplift_ranking(y, uplift, treatment)
    counted = row_weights(weight, len(ranking.y))[ranking.order]
    groups = _groups(ranking, strategy)
    fewest = min(len(rows) for rows in groups)
    if not 1 <= bins <= fewest:
        raise InputError(f"{bins} bins of {fewest} rows; give from 1 to {fewest} bins")
    rows, events = [], deviations(ranking.y, ranking.treatment)
    for number, taken in enumerate(_taken(ranking, groups, bins), 1):
        effect = _effect(ranking, taken * counted, events)
        arms = [taken * counted * (ranking.treatment == arm) for arm in (1, 0)]
        means = [_weighted(ranking.y, arm)[0] for arm in arms]
        predicted, _ = _weighted(ranking.p, taken * counted)
        rows.append(
            (number, round(float(taken.sum())), *means, effect.value, effect.low, effect.high, predicted)
        )
    columns = ["bin", "rows", "treated", "untreated", "uplift", "low", "high", "predicted"]
    return pd.DataFrame(rows, columns=columns)


def _groups(ranking: UpliftRanking, strategy: str) -> list[npt.NDArray[np.int64]]:
    """Return the ranked rows that are ordered together."""
    if strategy == "overall":
        return [np.arange(len(ranking.y))]
    if strategy == "by_group":
        return [np.flatnonzero(ranking.treatment == arm) for arm in (1, 0)]
    raise InputError(f"strategy is {strategy!r}; there are overall and by_group")


def _taken(
    ranking: UpliftRanking, groups: list[npt.NDArray[np.int64]], bins: int
) -> Iterator[npt.NDArray[np.float64]]:
    """Yield for each bin, highest score first, which share of each ranked row it takes."""
    parts = []
    for rows in groups:
        scores = ranking.p[rows]
        starts = np.flatnonzero(np.append(True, scores[1:] != scores[:-1]))
        parts.append([(rows[part], share) for part, share in _shares(starts, len(rows), bins)])
    for each in zip(*parts, strict=True):
        taken = np.zeros(len(ranking.y))
        for part, share in each:
            taken[part] = share
        yield taken


def _shares(
    starts: npt.NDArray[np.int64], rows: int, bins: int
) -> list[tuple[npt.NDArray[np.int64], Floats]]:
    """Return the ranked rows of each bin, highest score first, and the share of each that it takes."""
    ends = np.append(starts[1:], rows)
    parts = []
    for part in np.array_split(np.arange(rows)[::-1], bins):
        low, high = part[-1], part[0] + 1
        first, last = np.searchsorted(ends, low, side="right"), np.searchsorted(starts, high)
        size = ends[first:last] - starts[first:last]
        taken = np.minimum(ends[first:last], high) - np.maximum(starts[first:last], low)
        parts.append((np.arange(starts[first], ends[last - 1]), np.repeat(taken / size, size)))
    return parts


def _effect(ranking: UpliftRanking, taken: Floats, events: Floats) -> Interval:
    """Return the effect among rows that count by a share, with its 95 % interval, also of rare outcomes."""
    arms = [taken * (ranking.treatment == arm) for arm in (1, 0)]
    if not min(arm.sum() for arm in arms) > 0:
        return Interval(np.nan, np.nan, np.nan)
    rare = rare_part(arms[0] / arms[0].sum() - arms[1] / arms[1].sum(), events)
    rest = ranking.y if rare is None else ranking.y - np.where(rare.rows, events, 0.0)
    (treated, noise), (untreated, noise_untreated) = (_weighted(rest, arm) for arm in arms)
    gap, half = treated - untreated, Z95 * np.sqrt(noise + noise_untreated)
    usual = Interval(gap, gap - half, gap + half)
    return usual if rare is None else added(usual, rare.sum)


def _weighted(y: Floats, share: Floats) -> tuple[float, float]:
    """Return the mean of rows that count by a share, and its squared error; NaN where they are too few."""
    total = float(share.sum())
    if not total > 0:
        return np.nan, np.nan
    mean = float(share @ y / total)
    noise = float((share**2) @ (y - mean) ** 2) / total**2
    return mean, noise * total / (total - 1) if total > 1 else np.nan
