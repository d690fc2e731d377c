"""The trace of a recommendation run."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from crm_ml.train.record.fingerprints import array_sum
from crm_ml.train.record.outcome import Trace

if TYPE_CHECKING:
    from crm_ml.recommend.recommendation_task import Task
    from crm_ml.train.families.recommend.report import Said as Lists


def trace_of(days: "Mapping[str, Task]", said: "Sequence[Lists]") -> Trace:
    """Return the trace of a run of recommendation.

    Parameters
    ----------
    days : mapping of str to Task
        Of each test day and of the final model.
    said : sequence of Said
        Lists of each test day.
    """
    split = {
        name: {"customers": len(one.data.customers), "items": len(one.data.items)}
        for name, one in days.items()
    }
    predictions: dict[str, Any] = {}
    for one in said:
        found: dict[str, Any] = {
            view: {name: array_sum(lists) for name, lists in each.items()} for view, each in one.lists.items()
        }
        if one.probabilities is not None:
            found["probabilities"] = _sparse_sum(one.probabilities)
        predictions[one.name] = found
    return Trace({name: _task_sums(one) for name, one in days.items()}, split, {}, predictions)


def _task_sums(task: "Task") -> dict[str, Any]:
    names = ("customers", "items", "customer", "item", "at", "quantity")
    categories = np.array(sorted(f"{item}\t{kind}" for item, kind in task.categories.items()), dtype=object)
    found: dict[str, Any] = {"events": len(task.data.item)}
    found |= {name: array_sum(getattr(task.data, name)) for name in names}
    found["categories"] = array_sum(categories)
    return found if task.relevant is None else found | {"relevant": _sparse_sum(task.relevant)}


def _sparse_sum(matrix: Any) -> str:
    tidy = matrix.tocsr(copy=True)
    tidy.sort_indices()
    pointers = (np.asarray(part, dtype=np.int64) for part in (tidy.indptr, tidy.indices))
    return array_sum(*pointers, tidy.data)
