"""The trace of an uplift run."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from crm_ml.train.record.fingerprints import column_sums
from crm_ml.train.record.outcome import Trace

if TYPE_CHECKING:
    import numpy.typing as npt

    from crm_ml.train.families.uplift.fitting import FoldPredictions, TrialFold
    from crm_ml.uplift.trial_rows import TrialRows


def trace_of(
    rows: "TrialRows",
    folds: "Sequence[TrialFold]",
    final: "npt.NDArray[np.bool_]",
    predicted: "Sequence[FoldPredictions]",
) -> Trace:
    """Return the trace of a run of uplift.

    Parameters
    ----------
    rows : TrialRows
        Of all trials.
    folds : sequence of Fold
    final : numpy.ndarray of bool, shape (n,)
        Rows that train the registered model.
    predicted : sequence of FoldPredictions
        Of the test rows of each fold.
    """
    cells = rows.X.assign(arm=rows.arm, outcome=rows.y, probability=rows.probability)
    split: dict[str, Any] = {
        fold.name: {"test": _part_sums(rows, fold.test), "training": _part_sums(rows, fold.training)}
        for fold in folds
    }
    split["final"] = {"training": _part_sums(rows, final)}
    return Trace(
        {"list": list(rows.X.columns), "rows": len(rows.y), "columns": column_sums(cells)},
        split,
        {},
        {fold.name: _uplift_sums(fold) for fold in predicted},
    )


def _part_sums(rows: "TrialRows", keep: "npt.NDArray[np.bool_]") -> dict[str, Any]:
    chosen = pd.DataFrame({"rows": np.ones(int(keep.sum()))}, index=rows.X.index[keep])
    return {"rows": int(keep.sum()), "sum": column_sums(chosen)["rows"]}


def _uplift_sums(predicted: "FoldPredictions") -> dict[str, Any]:
    columns: dict[str, Any] = {
        f"{name}.{arm}": values for name, each in predicted.scores.items() for arm, values in each.items()
    }
    columns |= {f"response.{arm}": values for arm, values in predicted.response.items()}
    columns |= {f"outcome.{arm}": predicted.outcomes[arm].to_numpy() for arm in predicted.outcomes.columns}
    frame = pd.DataFrame(columns, index=predicted.rows.X.index)
    return {"rows": len(frame), "columns": column_sums(frame)}
