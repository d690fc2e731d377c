"""Calibration of a model in each segment: right on average may be wrong in every part."""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from crm_ml.evaluation.calibration_check import DRAWS, check_calibration
from crm_ml.evaluation.metric_segments import FEW_CUSTOMERS, SMALL, segment_names
from crm_ml.evaluation.predictions import Predictions
from crm_ml.evaluation.ranking import Floats
from crm_ml.evaluation.significance import Interval

if TYPE_CHECKING:
    import pandas as pd


def calibration_by_segment(
    predictions: Predictions,
    segment: npt.ArrayLike,
    model: str,
    rng: np.random.Generator,
    draws: int = DRAWS,
) -> "pd.DataFrame":
    """Compare predicted and observed rates of one model in each segment.

    Parameters
    ----------
    predictions : Predictions
    segment : array-like of str, shape (n,)
        Such as the lifecycle stage; null becomes "unknown".
    model : str
    rng : numpy.random.Generator
    draws : int
        Of labels of a calibrated model.

    Returns
    -------
    pandas.DataFrame
        A row for each segment, in alphabetical order: segment, rows, customers, positives, predicted,
        observed, ece, expected (of a calibrated model), least (error that is surely there), p_value,
        intercept and slope with low and high, small, p_holm. ``p_holm`` counts that segments are several.
        ``small`` is true with fewer than 25 rows of either class. Intercept and slope are NaN with fewer than
        5 customers of either class.

    Raises
    ------
    InputError
        If the segments do not match the rows or the model is not in the predictions.

    References
    ----------
    .. [1] Holm (1979). A simple sequentially rejective multiple test procedure. Scandinavian Journal of
       Statistics 6.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> p, new = rng.uniform(0.05, 0.6, 2000), np.arange(2000) % 2 == 0
    >>> y = rng.random(2000) < np.where(new, p / 2, p)
    >>> rows = Predictions(np.arange(2000), ["june"] * 2000, y, {"model": p})
    >>> table = calibration_by_segment(rows, np.where(new, "new", "old"), "model", rng)
    >>> (table.set_index("segment")["p_holm"] < 0.05).to_dict()
    {'new': True, 'old': False}
    """
    import pandas as pd

    names = segment_names(segment, len(predictions.y))
    alone = predictions.only(model)
    rows = [_row(alone.where(names == name), model, str(name), rng, draws) for name in np.unique(names)]
    table = pd.DataFrame(rows)
    table["p_holm"] = _holm(table["p_value"].to_numpy())
    return table


def _row(part: Predictions, model: str, name: str, rng: np.random.Generator, draws: int) -> dict[str, object]:
    check = check_calibration(part, model, rng, draws)
    positives = int(part.y.sum())
    customers = min(len(np.unique(part.customer_id[part.y == label])) for label in (0, 1))
    row: dict[str, object] = {
        "segment": name,
        "rows": len(part.y),
        "customers": len(np.unique(part.customer_id)),
        "positives": positives,
        "predicted": float(part.p[model].mean()),
        "observed": float(part.y.mean()),
        "ece": check.ece,
        "expected": check.expected,
        "least": check.least,
        "p_value": check.p_value,
    }
    unknown = Interval(np.nan, np.nan, np.nan)
    for word, line in (("intercept", check.intercept), ("slope", check.slope)):
        end = line if customers >= FEW_CUSTOMERS else unknown
        row |= {word: end.value, f"{word}_low": end.low, f"{word}_high": end.high}
    return row | {"small": min(positives, len(part.y) - positives) < SMALL}


def _holm(p: Floats) -> Floats:
    order = np.argsort(p, kind="stable")
    adjusted = np.empty(len(p))
    steps = p[order] * np.arange(len(p), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted
