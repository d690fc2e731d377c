"""Test rows of a recommendation run, by which runs are compared."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from crm_ml.config import RecommendRun
from crm_ml.evaluation.recommendation import judge_lists
from crm_ml.train.compare.scored_rows import ListRows, ScoredRows, window_of

if TYPE_CHECKING:
    from crm_ml.evaluation.ranking import Floats
    from crm_ml.train.families.recommend.report import DayLists as Lists


def of_lists(
    config: RecommendRun, lists: "Sequence[Lists]", views: Iterable[str], metrics: Sequence[str]
) -> ScoredRows:
    """Return the metrics of each customer's list; models of other days can't score it."""
    windows = {
        day_lists.name: window_of(config.target.snapshot(day))
        for day_lists, day in zip(lists, config.test, strict=True)
    }
    return ScoredRows(
        parts={view: _lists(lists, view, config.target.k, metrics) for view in views},
        views=dict.fromkeys(metrics, "pooled"),
        decides="ndcg",
        deciding=("all",),
        windows=windows,
        terms={"k": config.target.k, "level": config.target.level},
    )


def _lists(days: "Sequence[Lists]", view: str, k: int, metrics: Sequence[str]) -> ListRows:
    ids, folds, wanted = [], [], []
    judged: dict[str, dict[str, list[Floats]]] = {}
    for day_lists in days:
        rows, relevant = day_lists.relevant(view)
        ids.append(day_lists.task.data.customers[rows].astype(str))
        folds.append(np.full(len(rows), day_lists.name))
        wanted.append(np.diff(relevant.indptr).astype(float))
        for name, lists in day_lists.lists[view].items():
            values = judge_lists(lists[rows], relevant, k)
            for metric in metrics:
                judged.setdefault(name, {}).setdefault(metric, []).append(values[metric])
    joined: dict[str, dict[str, Floats]] = {}
    for name, each in judged.items():
        joined[name] = {metric: np.concatenate(parts) for metric, parts in each.items()}
    return ListRows(np.concatenate(ids), np.concatenate(folds), np.concatenate(wanted), joined)
