"""The trace of a recommendation run."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from crm_ml.train.record.fingerprints import array_sum
from crm_ml.train.record.outcome import Trace

if TYPE_CHECKING:
    from crm_ml.recommend.recommendation_task import Task
    from crm_ml.train.families.recommend.report import DayLists


def trace_of(days: "Mapping[str, Task]", predicted: "Sequence[DayLists]") -> Trace:
    """Return the trace of a run of recommendation.

    Parameters
    ----------
    days : mapping of str to Task
        Of each test day and of the final model.
    predicted : sequence of DayLists
        Lists of each test day.
    """
    split = {
        name: {"customers": len(item.data.customers), "items": len(item.data.items)}
        for name, item in days.items()
    }
    predictions: dict[str, Any] = {}
    for item in predicted:
        sums: dict[str, Any] = {
            view: {name: array_sum(lists) for name, lists in each.items()}
            for view, each in item.lists.items()
        }
        if item.probabilities is not None:
            sums["probabilities"] = _sparse_sum(item.probabilities)
        predictions[item.name] = sums
    return Trace({name: _task_sums(item) for name, item in days.items()}, split, {}, predictions)


def _task_sums(task: "Task") -> dict[str, Any]:
    names = ("customers", "items", "customer", "item", "at", "quantity")
    categories = np.array(sorted(f"{item}\t{kind}" for item, kind in task.categories.items()), dtype=object)
    sums: dict[str, Any] = {"events": len(task.data.item)}
    sums |= {name: array_sum(getattr(task.data, name)) for name in names}
    sums["categories"] = array_sum(categories)
    return sums if task.relevant is None else sums | {"relevant": _sparse_sum(task.relevant)}


def _sparse_sum(matrix: Any) -> str:
    tidy = matrix.tocsr(copy=True)
    tidy.sort_indices()
    pointers = (np.asarray(part, dtype=np.int64) for part in (tidy.indptr, tidy.indices))
    return array_sum(*pointers, tidy.data)
