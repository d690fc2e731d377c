"""What a run of each family leaves of its way: sums of features, the split, what was tried, predictions."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from crm_ml.train.fingerprints import array_sum, column_sums, predictions_sums
from crm_ml.train.outcome import Trace

if TYPE_CHECKING:
    import numpy.typing as npt

    from crm_ml.clv.windows import Window
    from crm_ml.evaluation.base_predictions import BasePredictions
    from crm_ml.models.labelled_rows import LabelledRows
    from crm_ml.recommend.task import Task
    from crm_ml.train.clv import Chosen, Tested
    from crm_ml.train.recommend_report import Said as Lists
    from crm_ml.train.uplift_fitting import Fold, Said
    from crm_ml.uplift.target import TrialRows


def of_probability(rows: "LabelledRows", split: Mapping[str, Any], said: "BasePredictions") -> Trace:
    """Return the trace of a run of probabilities.

    Parameters
    ----------
    rows : LabelledRows
        With the features of the model, of all folds.
    split : mapping
        Days of each fold and of the final model.
    said : Predictions
        Of the test rows.
    """
    features = {
        "list": list(rows.X.columns),
        "rows": len(rows.y),
        "columns": column_sums(rows.X.assign(label=rows.y)),
    }
    counts = {str(name): int(n) for name, n in rows.fold.value_counts().sort_index().items()}
    return Trace(features, {**split, "rows": counts}, {}, predictions_sums(said))


def of_clv(windows: "Sequence[Window]", final: "pd.DataFrame", chosen: "Chosen", tested: "Tested") -> Trace:
    """Return the trace of a run of lifetime value.

    Parameters
    ----------
    windows : sequence of Window
        Of validation, with what came.
    final : pandas.DataFrame
        Summary that the final model is fitted to.
    chosen : Chosen
        On validation.
    tested : Tested
        The test window, and what was said of it.
    """
    every = [*windows, tested.window]
    features: dict[str, Any] = {
        one.name: {
            "rows": len(one.summary),
            "summary": column_sums(one.summary),
            "came": column_sums(one.outcomes.known),
        }
        for one in every
    }
    features["final"] = {"rows": len(final), "summary": column_sums(final)}
    split = {one.name: f"labels end {one.snapshot.label_ends_at:%Y-%m-%d}" for one in every}
    trials: dict[str, Any] = {"choice": vars(chosen.choice), "tilt": vars(chosen.tilt)}
    trials["validation"] = chosen.judged.table().to_dict("records")
    said = {"value": tested.value, "purchases": tested.purchases}
    return Trace(features, split, trials, {name: predictions_sums(one) for name, one in said.items()})


def of_uplift(
    rows: "TrialRows", folds: "Sequence[Fold]", final: "npt.NDArray[np.bool_]", said: "Sequence[Said]"
) -> Trace:
    """Return the trace of a run of uplift.

    Parameters
    ----------
    rows : TrialRows
        Of all trials.
    folds : sequence of Fold
    final : numpy.ndarray of bool, shape (n,)
        Rows that train the registered model.
    said : sequence of Said
        Of the test rows of each fold.
    """
    cells = rows.X.assign(arm=rows.arm, outcome=rows.y, probability=rows.probability)
    split: dict[str, Any] = {
        one.name: {"test": _kept(rows, one.test), "training": _kept(rows, one.training)} for one in folds
    }
    split["final"] = {"training": _kept(rows, final)}
    return Trace(
        {"list": list(rows.X.columns), "rows": len(rows.y), "columns": column_sums(cells)},
        split,
        {},
        {one.name: _uplift_sums(one) for one in said},
    )


def of_recommend(days: "Mapping[str, Task]", said: "Sequence[Lists]") -> Trace:
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


def _kept(rows: "TrialRows", keep: "npt.NDArray[np.bool_]") -> dict[str, Any]:
    chosen = pd.DataFrame({"rows": np.ones(int(keep.sum()))}, index=rows.X.index[keep])
    return {"rows": int(keep.sum()), "sum": column_sums(chosen)["rows"]}


def _uplift_sums(said: "Said") -> dict[str, Any]:
    columns: dict[str, Any] = {
        f"{name}.{arm}": values for name, each in said.scores.items() for arm, values in each.items()
    }
    columns |= {f"response.{arm}": values for arm, values in said.response.items()}
    columns |= {f"outcome.{arm}": said.outcomes[arm].to_numpy() for arm in said.outcomes.columns}
    frame = pd.DataFrame(columns, index=said.rows.X.index)
    return {"rows": len(frame), "columns": column_sums(frame)}


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
