"""Qini curves and deciles of customers ordered by predicted uplift."""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from crm_ml.errors import InputError
from crm_ml.evaluation.gains_curves import DECILES
from crm_ml.evaluation.plot_style import Z95
from crm_ml.evaluation.ranking import Floats, Weighted
from crm_ml.evaluation.uplift_ranking import Counts, uplift_ranking

if TYPE_CHECKING:
    import pandas as pd

GRID = 101


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

    Rows with equal scores stay in input order, so deciles of a score with few distinct values mean little.

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
    rows = []
    for number, part in enumerate(np.array_split(np.arange(len(ranking.y))[::-1], DECILES), 1):
        outcomes, arms = ranking.y[part], ranking.treatment[part]
        treated, untreated = outcomes[arms == 1], outcomes[arms == 0]
        means = [arm.mean() if len(arm) else np.nan for arm in (treated, untreated)]
        spread = [arm.var(ddof=1) / len(arm) if len(arm) > 1 else np.nan for arm in (treated, untreated)]
        gap, half = means[0] - means[1], Z95 * np.sqrt(sum(spread))
        rows.append((number, len(part), *means, gap, gap - half, gap + half, ranking.p[part].mean()))
    columns = ["tenth", "rows", "treated", "untreated", "uplift", "low", "high", "predicted"]
    return pd.DataFrame(rows, columns=columns)
