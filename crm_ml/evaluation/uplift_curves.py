"""Qini curves and deciles of customers ordered by predicted uplift."""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from crm_ml.errors import InputError
from crm_ml.evaluation.gains_curves import DECILES, GRID
from crm_ml.evaluation.ranking import Floats, Weighted
from crm_ml.evaluation.rare_events import added, deviations, rare_part
from crm_ml.evaluation.significance import Interval
from crm_ml.evaluation.uplift_ranking import Counts, UpliftRanking, uplift_ranking
from crm_ml.evaluation.wilson import Z95

if TYPE_CHECKING:
    import pandas as pd


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
    """Return mean outcomes of treated and untreated rows in each decile, highest score first.

    A group of equal scores that several deciles cut is in each with the matching share of all its rows, so
    that the order of the input does not matter.

    Returns
    -------
    pandas.DataFrame
        Columns tenth (from 1), rows, treated, untreated (mean outcomes), uplift, low, high (95 %), predicted
        (mean score).

    Raises
    ------
    InputError
        If there are fewer than ten rows, or values are invalid.
    """
    import pandas as pd

    ranking = uplift_ranking(y, uplift, treatment)
    if len(ranking.y) < DECILES:
        raise InputError(f"deciles of {len(ranking.y)} rows; give at least {DECILES}")
    rows, events = [], deviations(ranking.y, ranking.treatment)
    for number, (part, share) in enumerate(_tenths(ranking.starts, len(ranking.y)), 1):
        taken = np.zeros(len(events))
        taken[part] = share
        means = [_weighted(ranking.y, taken * (ranking.treatment == arm))[0] for arm in (1, 0)]
        effect = _effect(ranking, taken, events)
        predicted = float(share @ ranking.p[part] / share.sum())
        size = round(float(share.sum()))
        rows.append((number, size, *means, effect.value, effect.low, effect.high, predicted))
    columns = ["tenth", "rows", "treated", "untreated", "uplift", "low", "high", "predicted"]
    return pd.DataFrame(rows, columns=columns)


def _tenths(starts: npt.NDArray[np.int64], rows: int) -> list[tuple[npt.NDArray[np.int64], Floats]]:
    """Return the ranked rows of each decile, highest score first, and the share of each that it takes."""
    ends = np.append(starts[1:], rows)
    parts = []
    for part in np.array_split(np.arange(rows)[::-1], DECILES):
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
