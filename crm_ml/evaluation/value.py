"""Metrics of predicted counts and money, under one weighting of the rows or many at once."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from crm_ml.errors import InputError
from crm_ml.evaluation.lorenz import gini_and_share
from crm_ml.evaluation.ranking import Floats, Ranking, Weighted, check_values, row_weights

TOP = 0.1


def _rmse(judged: Weighted) -> Floats:
    return np.asarray(np.sqrt(judged.mean((judged.ranking.p - judged.ranking.y) ** 2)))


def _mae(judged: Weighted) -> Floats:
    return judged.mean(np.abs(judged.ranking.p - judged.ranking.y))


def _msle(judged: Weighted) -> Floats:
    return judged.mean((np.log1p(judged.ranking.p) - np.log1p(judged.ranking.y)) ** 2)


def _total_error(judged: Weighted) -> Floats:
    actual = judged.mean(judged.ranking.y)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(actual > 0, judged.mean(judged.ranking.p) / actual - 1, np.nan)


def _normalised_gini(judged: Weighted) -> Floats:
    ideal = Ranking.of(judged.ranking.y, judged.ranking.y, check_values)
    best, _ = gini_and_share(judged.weights, ideal.order, ideal.y, ideal.starts, 1 - TOP)
    with np.errstate(invalid="ignore", divide="ignore"):
        return _curve(judged)[0] / best


def _top_decile_share(judged: Weighted) -> Floats:
    return np.asarray(1 - _curve(judged)[1])


def _curve(judged: Weighted) -> tuple[Floats, Floats]:
    ranking = judged.ranking
    return gini_and_share(judged.weights, np.arange(len(ranking.y)), ranking.y, ranking.starts, 1 - TOP)


METRICS: dict[str, Callable[[Weighted], Floats]] = {
    "rmse": _rmse,
    "mae": _mae,
    "msle": _msle,
    "total_error": _total_error,
    "normalised_gini": _normalised_gini,
    "top_decile_share": _top_decile_share,
}


def rmse(y: npt.ArrayLike, predicted: npt.ArrayLike, weight: npt.ArrayLike | None = None) -> float:
    """Root of the mean squared error, ``sqrt(mean((predicted - y)^2))``; minimised by the mean.

    Parameters
    ----------
    y : array-like of float, shape (n,)
        Outcome of each customer, a number of purchases or money, not negative.
    predicted : array-like of float, shape (n,)
        In the unit of `y`, not negative.
    weight : array-like of float, shape (n,), optional
        Weight of each row, not negative.

    Returns
    -------
    float
        In the unit of `y`; 0 is best.

    Raises
    ------
    InputError
        If lengths differ, anything is negative, NaN or infinite, or no outcome with a weight is above zero.

    References
    ----------
    .. [1] Hyndman and Koehler (2006). Another look at measures of forecast accuracy. International Journal
       of Forecasting 22, 679-688.

    Examples
    --------
    >>> rmse([0, 3, 1], [1, 1, 1])
    1.2909944487358056
    >>> rmse([0, 0], [1, 1])
    Traceback (most recent call last):
    ...
    crm_ml.errors.InputError: rmse: no outcome above zero among 2 rows; judge a window with purchases
    """
    return _judge("rmse", y, predicted, weight)


def mae(y: npt.ArrayLike, predicted: npt.ArrayLike, weight: npt.ArrayLike | None = None) -> float:
    """Mean absolute error, ``mean(|predicted - y|)``, in the unit of `y`.

    Minimised by the median: where most customers do not return, predicting zero for all looks good. Use it
    only beside `rmse` and `total_error`. Parameters, raises, references: as `rmse`.

    Examples
    --------
    >>> mae([0, 0, 3], [0, 0, 0]), mae([0, 0, 3], [1, 1, 1])
    (1.0, 1.3333333333333333)
    """
    return _judge("mae", y, predicted, weight)


def msle(y: npt.ArrayLike, predicted: npt.ArrayLike, weight: npt.ArrayLike | None = None) -> float:
    """Mean squared logarithmic error, ``mean((ln(1 + predicted) - ln(1 + y))^2)``.

    Large customers weigh less than in `rmse`. It depends on the unit: dollars and cents may rank models
    differently. Parameters, raises: as `rmse`.

    Examples
    --------
    >>> round(msle([0, 1], [0, 0]), 4)
    0.2402
    """
    return _judge("msle", y, predicted, weight)


def total_error(y: npt.ArrayLike, predicted: npt.ArrayLike, weight: npt.ArrayLike | None = None) -> float:
    """Relative error of the sum over all customers, ``sum(predicted) / sum(y) - 1``.

    From -1 (nothing predicted) through 0 (the exact total) upwards; says nothing about single customers.
    Parameters, raises: as `rmse`.

    Examples
    --------
    >>> total_error([0, 4], [2, 1])
    -0.25
    """
    return _judge("total_error", y, predicted, weight)


def normalised_gini(y: npt.ArrayLike, predicted: npt.ArrayLike, weight: npt.ArrayLike | None = None) -> float:
    """Gini coefficient of the outcomes in the order of the predictions, over that in their own order.

    ``G(y by predicted) / G(y by y)`` with ``G = 1 - sum_g (F_g - F_(g-1)) (L_g + L_(g-1))``, where the groups
    g of equal predictions ascend and F and L are the shares of rows and of outcomes up to the end of each.
    Parameters: as `rmse`; of `predicted` only the order matters.

    Returns
    -------
    float
        From -1 (reversed order) through 0 (no order, such as equal predictions) to 1 (order of the outcomes).

    Raises
    ------
    InputError
        As `rmse`, and if all outcomes are equal.

    Notes
    -----
    The Lorenz curve is straight over a group of equal predictions, which is its mean over all orders of the
    tied rows, so the result does not depend on the order of the input. Programs that sort without regard to
    ties let the order of the file decide: for the past count of CDNOW, 60 % of it zeros, they give .640 with
    customers in the order of the sample's ids and .645 in that of the master's, where any value from .501 to
    .819 can be had; it is .660 here.

    References
    ----------
    .. [1] Frees, Meyers and Cummings (2011). Summarizing insurance scores using a Gini index. JASA 106,
       1085-1098.
    .. [2] Wang, Liu and Miao (2019). A deep probabilistic model for customer lifetime value prediction.
       arXiv:1912.07753, for the division by the best Gini that can be had.

    Examples
    --------
    >>> round(normalised_gini([0, 1, 3, 0], [0.1, 0.5, 0.9, 0.5]), 4)
    0.9
    >>> normalised_gini([0, 1, 3, 0], [2, 2, 2, 2])
    0.0
    """
    return _judge("normalised_gini", y, predicted, weight)


def top_decile_share(
    y: npt.ArrayLike, predicted: npt.ArrayLike, weight: npt.ArrayLike | None = None
) -> float:
    """Share of all outcomes in the decile of rows with the highest predictions.

    ``1 - L(.9)`` on the Lorenz curve of `normalised_gini`: where the edge of the decile splits rows with
    equal predictions, the matching fraction of their sum is taken. A random order gives .1. Parameters,
    raises: as `rmse`; of `predicted` only the order matters.

    References
    ----------
    .. [1] Malthouse and Blattberg (2005). Can we predict customer lifetime value? Journal of Interactive
       Marketing 19, 2-16, for shares of the best customers.

    Examples
    --------
    >>> round(top_decile_share([6, 2, 1, 1, 0, 0, 0, 0, 0, 0], [9, 9, 3, 2, 1, 1, 1, 1, 1, 1]), 6)
    0.4
    """
    return _judge("top_decile_share", y, predicted, weight)


def _judge(metric: str, y: npt.ArrayLike, predicted: npt.ArrayLike, weight: npt.ArrayLike | None) -> float:
    ranking = Ranking.of(y, predicted, check_values)
    rows = len(ranking.y)
    judged = Weighted(ranking, row_weights(weight, rows)[ranking.order][None, :])
    if judged.positives[0, -1] <= 0:
        raise InputError(
            f"{metric}: no outcome above zero among {rows:,} rows; judge a window with purchases"
        )
    value = float(METRICS[metric](judged)[0])
    if np.isnan(value):
        raise InputError(f"{metric}: the outcomes of all {rows:,} rows are equal; there is no order to find")
    return value
