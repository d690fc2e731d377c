"""Test rows of each family as they are logged and compared."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from crm_ml.evaluation.predictions import Predictions
from crm_ml.models.labelled_rows import LabelledRows
from crm_ml.train.compare.scored_rows import ScoredRows, some_rows, window_of

if TYPE_CHECKING:
    from crm_ml.evaluation.ranking import Floats
    from crm_ml.train.families.probability.study import Study


def of_probability(study: "Study", rows: LabelledRows, predictions: Predictions) -> ScoredRows:
    """Return the test rows of churn or propensity, scored again by whatever model has these features.

    A window is complete when it had ended on the day of registration; where the config admits no open
    windows, the data were checked to hold all of them.
    """
    tests = pd.concat([study.rows.to_judge([each.test]).X for each in study.folds])
    may_be_open = bool(getattr(getattr(study.config, "split", None), "open_windows", False))
    windows = {
        str(each.test): window_of(
            each.test, not may_be_open or each.test.label_ends_at <= study.final.test.as_of
        )
        for each in study.folds
    }

    def rescore(folder: Path) -> "Mapping[str, Floats]":
        from crm_ml.models import model_folder

        return {"test": model_folder.load(folder).predict_proba(tests)[:, 1]}

    return ScoredRows(
        parts={"test": predictions},
        views=study.views,
        decides="auc",
        deciding=("test",),
        windows=windows,
        rescore=rescore,
        inputs=some_rows(rows.to_judge([study.folds[-1].test]).X),
    )
