"""The trace of a run that predicts a probability."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from crm_ml.train.record.fingerprints import column_sums, predictions_sums
from crm_ml.train.record.outcome import Trace

if TYPE_CHECKING:
    from crm_ml.evaluation.base_predictions import BasePredictions
    from crm_ml.models.labelled_rows import LabelledRows


def trace_of(rows: "LabelledRows", split: Mapping[str, Any], predictions: "BasePredictions") -> Trace:
    """Return the trace of a run of probabilities.

    Parameters
    ----------
    rows : LabelledRows
        With the features of the model, of all folds.
    split : mapping
        Days of each fold and of the final model.
    predictions : BasePredictions
        Of the test rows.
    """
    drawn = {} if rows.weights is None else {"weight": rows.weights, "judges": rows.judges}
    features = {
        "list": list(rows.X.columns),
        "rows": len(rows.y),
        "columns": column_sums(rows.X.assign(label=rows.y, **drawn)),
    }
    counts = {str(name): int(n) for name, n in rows.fold.value_counts().sort_index().items()}
    return Trace(features, {**split, "rows": counts}, {}, predictions_sums(predictions))
