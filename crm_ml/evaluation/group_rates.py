"""Rates and errors of a rule by declared group: what a reader needs to judge fairness, without a verdict."""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from crm_ml.errors import InputError
from crm_ml.evaluation.metric_intervals import share_ends
from crm_ml.evaluation.metric_segments import SMALL, segment_names
from crm_ml.evaluation.predictions import Predictions
from crm_ml.evaluation.ranking import Floats
from crm_ml.evaluation.rare_events import added
from crm_ml.evaluation.replicates import draw_counts
from crm_ml.evaluation.significance import LEVEL, Interval

if TYPE_CHECKING:
    import pandas as pd

MEASURES = ("observed", "predicted", "selected", "true_positive_rate", "false_positive_rate", "precision")
_CHUNK = 64
_ENDS = ("value", "low", "high")


def group_rates(
    predictions: Predictions,
    group: npt.ArrayLike,
    model: str,
    rng: np.random.Generator,
    threshold: float | None = None,
    share: float | None = None,
    replicates: int = 500,
) -> "pd.DataFrame":
    """Return rates and errors of a model's selection in each group, beside those of all other rows.

    Parameters
    ----------
    predictions : Predictions
    group : array-like of str, shape (n,)
        As declared by whoever asks; null becomes "unknown".
    model : str
    rng : numpy.random.Generator
    threshold : float, optional
        Rows with at least this probability are selected.
    share : float, optional
        In place of a threshold: this share of all rows is selected, those of highest probability and all that
        equal the last of them.
    replicates : int
        Drawings of whole customers.

    Returns
    -------
    pandas.DataFrame
        A row for each group and measure: group, rows, customers, positives, measure, value, low, high,
        others (the value of all other rows), difference with difference_low and difference_high, small.
        Measures are `observed` (rate of class 1), `predicted` (mean probability), `selected` (share),
        `true_positive_rate` and `false_positive_rate` (selected of class 1 and of class 0) and `precision`
        (class 1 of the selected); NaN where nothing stands below the line. ``small`` is true with fewer than
        25 rows of either class.

    Raises
    ------
    InputError
        If the groups do not match the rows, the model is not in the predictions, or not one of threshold and
        share is given, between 0 and 1.

    Notes
    -----
    Where observed rates differ, equal selection, equal errors and equal calibration can't hold together [1]_,
    [2]_; which of them matters is not for a table to say.

    References
    ----------
    .. [1] Kleinberg, Mullainathan and Raghavan (2017). Inherent trade-offs in the fair determination of risk
       scores. ITCS.
    .. [2] Chouldechova (2017). Fair prediction with disparate impact. Big Data 5.

    Examples
    --------
    >>> rows = Predictions(list("abcdefgh"), ["june"] * 8, [1, 0] * 4, {"m": [0.9, 0.1, 0.8, 0.7] * 2})
    >>> table = group_rates(rows, list("xxxxyyyy"), "m", np.random.default_rng(0), threshold=0.5)
    >>> table[table["measure"] == "false_positive_rate"]["value"].tolist()
    [0.5, 0.5]
    """
    import pandas as pd

    names = segment_names(group, len(predictions.y))
    alone = predictions.only(model)
    p = alone.p[model]
    chosen = p >= _cut(p, threshold, share)
    columns = np.column_stack([np.ones(len(p)), alone.y, p, chosen, chosen * alone.y])
    groups, number = np.unique(names, return_inverse=True)
    customers, customer = np.unique(alone.customer_id, return_inverse=True)
    sums = np.zeros((len(customers), len(groups), columns.shape[1]))
    np.add.at(sums, (customer, number), columns)
    drawn = _drawn(sums, draw_counts(rng, len(customers), replicates))
    lines = []
    for index, name in enumerate(groups):
        mine, rest = drawn[:, index], drawn.sum(axis=1) - drawn[:, index]
        own, other = sums[:, index], sums.sum(axis=1) - sums[:, index]
        rows, positives = (int(each) for each in mine[0, :2])
        counts = (str(name), rows, int((own[:, 0] > 0).sum()), positives)
        small = min(positives, rows - positives) < SMALL
        for measure, end, beside in zip(MEASURES, _ends(mine, own), _ends(rest, other), strict=True):
            apart = added(end, Interval(-beside.value, -beside.high, -beside.low))
            parts = (end.value, end.low, end.high, beside.value, apart.value, apart.low, apart.high)
            lines.append((*counts, measure, *parts, small))
    ends = (*_ENDS, "others", "difference", "difference_low", "difference_high")
    return pd.DataFrame(lines, columns=["group", "rows", "customers", "positives", "measure", *ends, "small"])


def _cut(p: Floats, threshold: float | None, share: float | None) -> float:
    given = threshold if share is None else share
    if (threshold is None) == (share is None) or given is None or not 0 <= given <= 1:
        raise InputError(f"threshold is {threshold!r} and share {share!r}; give one of them, between 0 and 1")
    if share is None:
        return given
    wanted = round(share * len(p))
    return float(np.sort(p)[-wanted]) if wanted else np.inf


def _drawn(sums: Floats, counts: npt.NDArray[np.uint16]) -> Floats:
    """Return the sums of each group under each drawing of customers, shape (1 + r, groups, columns)."""
    flat = sums.reshape(len(sums), -1)
    parts = [counts[first : first + _CHUNK].astype(float) @ flat for first in range(0, len(counts), _CHUNK)]
    return np.concatenate(parts).reshape(len(counts), *sums.shape[1:])


def _ends(drawn: Floats, customers: Floats) -> list[Interval]:
    """Return the interval of each measure from the sums of each drawing and of each customer."""
    over, under = _fractions(drawn)
    _, own = _fractions(customers)
    ends = []
    for index in range(len(MEASURES)):
        values = np.divide(over[index], under[index], out=np.full(len(drawn), np.nan), where=under[index] > 0)
        if np.isnan(values[0]):
            ends.append(Interval(np.nan, np.nan, np.nan))
            continue
        known = values[1:][np.isfinite(values[1:])]
        value, count = float(values[0]), int((own[index] > 0).sum())
        ends.append(Interval(value, *share_ends(value, known, count, LEVEL)))
    return ends


def _fractions(sums: Floats) -> tuple[list[Floats], list[Floats]]:
    rows, y, p, chosen, right = (sums[:, index] for index in range(5))
    return [y, p, chosen, right, chosen - right, right], [rows, rows, rows, y, rows - y, chosen]
