"""Test rows of an uplift run, by which runs are compared."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from crm_ml.evaluation.uplift_predictions import UpliftPredictions
from crm_ml.train.compare.scored_rows import ScoredRows, _some, _window

if TYPE_CHECKING:
    from datetime import datetime

    from crm_ml.evaluation.ranking import Floats
    from crm_ml.train.families.uplift.fitting import Said
    from crm_ml.uplift.trial_rows import Trial


def of_uplift(
    said: "Sequence[Said]",
    parts: Mapping[str, UpliftPredictions],
    metrics: Sequence[str],
    known: "Sequence[Trial]",
    control: str,
    today: "datetime",
) -> ScoredRows:
    """Return the test rows of every treated arm; splits of a single trial have its days.

    A window is complete when it had ended on `today`, the day of registration.
    """
    days = {str(one): one for one in known}
    tests = {one.name: days.get(one.name, known[-1]) for one in said}
    windows = {name: _window(one, one.label_ends_at <= today) for name, one in tests.items()}

    def rescore(folder: Path) -> "Mapping[str, Floats]":
        from crm_ml.models import model_folder

        learner = model_folder.load(folder)
        found = {}
        for arm in [one for one in parts if one in learner.arms_]:
            rows = [one.rows.where(np.asarray(one.rows.arm.isin([control, arm]))).X for one in said]
            found[arm] = np.concatenate([learner.predict(X, arm) for X in rows])
        return found

    return ScoredRows(
        parts=parts,
        views=dict.fromkeys(metrics, "folds"),
        decides="qini" if "qini" in metrics else "qini_causalml",
        deciding=tuple(parts),
        windows=windows,
        rescore=rescore,
        inputs=_some(said[-1].rows.X),
    )
