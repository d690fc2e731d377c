"""The uplift among the customers of highest score, at any number of them."""

import numpy as np
import numpy.typing as npt

from crm_ml.errors import InputError
from crm_ml.evaluation.ranking import Floats, Weighted, row_weights
from crm_ml.evaluation.uplift_curves import Strategy
from crm_ml.evaluation.uplift_ranking import Counts, UpliftRanking, uplift_ranking


def uplift_at_k(
    y: npt.ArrayLike,
    uplift: npt.ArrayLike,
    treatment: npt.ArrayLike,
    k: float = 0.3,
    strategy: Strategy = "overall",
    weight: npt.ArrayLike | None = None,
) -> float:
    """Return the mean outcome of treated less that of untreated rows among those of highest score.

    Of a group of equal scores that the last of them lies in, the matching share is taken, so that the order
    of the input does not matter.

    Parameters
    ----------
    y, uplift, treatment : array-like, shape (n,)
        As `crm_ml.evaluation.uplift.qini` takes them.
    k : float or int
        A share of the rows above 0 and below 1, rounded down to whole rows; or a number of rows, from 1.
    strategy : {"overall", "by_group"}
        Whether these are the highest of all rows, or the same share of the treated and of the untreated ones,
        each in an order of its own. The two agree where the arms have the same customers; `overall` is what a
        list does, `by_group` never leaves an arm empty.
    weight : array-like of float, shape (n,), optional
        With it a share is one of the weight, and is not rounded.

    Raises
    ------
    InputError
        If `k` is no share and no number of rows that there are, an arm has no row among them, or values are
        invalid.

    Examples
    --------
    >>> uplift_at_k([1, 0, 1, 0, 0, 1], [0.9, 0.8, 0.7, 0.3, 0.2, 0.1], [1, 0, 1, 0, 1, 0], k=0.5)
    1.0
    """
    ranking = uplift_ranking(y, uplift, treatment)
    weights = row_weights(weight, len(ranking.y))[ranking.order]
    share = _share_of(k, len(ranking.y))
    if strategy == "overall":
        tops = [(weights, weights.sum())] * 2
    elif strategy == "by_group":
        tops = [(own, own.sum()) for own in (weights * (ranking.treatment == arm) for arm in (1, 0))]
    else:
        raise InputError(f"strategy is {strategy!r}; there are overall and by_group")
    means = []
    for arm, (own, total) in zip((1, 0), tops, strict=True):
        wanted = share * total
        means.append(_mean(ranking, own, np.floor(wanted + 1e-9) if weight is None else wanted, arm))
    return means[0] - means[1]


def _share_of(k: float, rows: int) -> float:
    whole = isinstance(k, int | np.integer) and not isinstance(k, bool)
    if whole and 1 <= k <= rows:
        return float(k) / rows
    if not whole and isinstance(k, float) and 0 < k < 1:
        return float(k)
    raise InputError(
        f"k is {k!r}; give a share of the rows above 0 and below 1, or a whole number from 1 to {rows:,}"
    )


def _mean(ranking: UpliftRanking, weights: Floats, wanted: float, arm: int) -> float:
    counts = Counts.of(Weighted(ranking, weights[None, :]))
    tied = np.diff(np.append(ranking.starts, len(ranking.y)))[::-1] > 1
    top = counts.upto(np.array([wanted]), tied)
    rows, outcomes = (top.treated, top.y_treated) if arm else (top.control, top.y_control)
    if not rows[0, 0] > 0:
        name = "treated" if arm else "untreated"
        raise InputError(f"no {name} row among the highest scores; take more rows, or the strategy by_group")
    return float(outcomes[0, 0] / rows[0, 0])
