"""Metrics of a run at each of its test days, as charts over time show them."""

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from crm_ml.evaluation.base_predictions import BasePredictions
from crm_ml.evaluation.ranking import Weighted
from crm_ml.train.compare.scored_rows import MODEL, ListRows, ScoredRows

if TYPE_CHECKING:
    import numpy.typing as npt

Series = dict[str, list[tuple[int, float]]]
_EPOCH = date(1970, 1, 1)


def metrics_by_day(rows: ScoredRows) -> Series:
    """Return the metrics of model and baselines at each test day, where there are several.

    Parameters
    ----------
    rows : ScoredRows

    Returns
    -------
    dict of str to list of (int, float)
        ``by_day/<metric>`` of the model, and ``by_day/<metric>.<baseline>`` of the metric that decides: days
        since 1970-01-01 with values. A day on which a metric is undefined is left out.
    """
    folds = sorted(rows.windows, key=lambda fold: (rows.windows[fold].as_of, fold))
    days = {fold: (date.fromisoformat(rows.windows[fold].as_of) - _EPOCH).days for fold in folds}
    if len(set(days.values())) != len(folds) or len(folds) < 2:  # splits of one day are no series
        return {}
    series: Series = {}
    for name, part in rows.parts.items():
        of_part = "" if len(rows.parts) == 1 else f"{name}."
        for fold in folds:
            keep = np.asarray(part.fold) == fold
            for model, metric, value in _values(part, keep, rows) if keep.any() else ():
                beside = "" if model == MODEL else f".{model}"
                series.setdefault(f"by_day/{of_part}{metric}{beside}", []).append((days[fold], value))
    return series


def _values(
    part: BasePredictions | ListRows, keep: "npt.NDArray[np.bool_]", rows: ScoredRows
) -> Iterator[tuple[str, str, float]]:
    """Yield model, metric and value of some of the rows: of baselines the metric that decides alone."""
    if isinstance(part, ListRows):
        for model, judged in part.judged.items():
            for metric, values in judged.items():
                if model == MODEL or metric == rows.decides:
                    yield model, metric, float(np.mean(values[keep]))
        return
    of_fold = part.where(keep)
    every = np.arange(len(of_fold.y))
    defined = part.kind.always if of_fold.lacks(every) else frozenset(rows.views)
    for model in of_fold.models:
        ranking = of_fold.ranking(model, every)
        weighted = Weighted(ranking, np.ones((1, len(every))))
        for metric in rows.views:
            value = float(part.kind.metrics[metric](weighted)[0]) if metric in defined else np.nan
            if (model == MODEL or metric == rows.decides) and np.isfinite(value):
                yield model, metric, value
