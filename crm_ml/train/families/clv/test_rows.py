"""Test rows of a lifetime-value run, by which runs are compared."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from crm_ml.train.compare.scored_rows import ScoredRows, window_of

if TYPE_CHECKING:
    from crm_ml.evaluation.ranking import Floats
    from crm_ml.train.families.clv.tested import Tested


def of_value(tested: "Tested") -> ScoredRows:
    """Return the test rows of lifetime value: spend and purchases within the window."""
    window = tested.window

    def rescore(folder: Path) -> "Mapping[str, Floats]":
        from crm_ml.models import model_folder

        values = replace(model_folder.load(folder), terms=window.terms).predict(window.summary)
        return {"value": values["clv"].to_numpy(), "purchases": values["expected_purchases"].to_numpy()}

    return ScoredRows(
        parts={"value": tested.value, "purchases": tested.purchases},
        views=dict.fromkeys(tested.value.kind.metrics, "pooled"),
        decides="normalised_gini",
        deciding=("value",),
        windows={window.name: window_of(window.snapshot)},
        rescore=rescore,
    )
