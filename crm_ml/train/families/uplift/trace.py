"""The trace of an uplift run."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from crm_ml.train.record.fingerprints import column_sums
from crm_ml.train.record.outcome import Trace

if TYPE_CHECKING:
    import numpy.typing as npt

    from crm_ml.train.families.uplift.fitting import Fold, Said
    from crm_ml.uplift.trial_rows import TrialRows


def trace_of(
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
