"""The trace of a lifetime-value run."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from crm_ml.train.record.fingerprints import column_sums, predictions_sums
from crm_ml.train.record.outcome import Trace

if TYPE_CHECKING:
    from crm_ml.clv.validation_windows import ValidationWindow
    from crm_ml.train.families.clv.tested import Chosen, Tested


def trace_of(
    windows: "Sequence[ValidationWindow]", final: "pd.DataFrame", chosen: "Chosen", tested: "Tested"
) -> Trace:
    """Return the trace of a run of lifetime value.

    Parameters
    ----------
    windows : sequence of ValidationWindow
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
        item.name: {
            "rows": len(item.summary),
            "summary": column_sums(item.summary),
            "came": column_sums(item.outcomes.known),
        }
        for item in every
    }
    features["final"] = {"rows": len(final), "summary": column_sums(final)}
    split = {item.name: f"labels end {item.snapshot.label_ends_at:%Y-%m-%d}" for item in every}
    trials: dict[str, Any] = {"choice": vars(chosen.choice), "tilt": vars(chosen.tilt)}
    trials["validation"] = chosen.judged.table().to_dict("records")
    predictions = {"value": tested.value, "purchases": tested.purchases}
    return Trace(
        features, split, trials, {name: predictions_sums(item) for name, item in predictions.items()}
    )
