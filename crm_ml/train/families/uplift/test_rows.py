"""Test rows of an uplift run, by which runs are compared."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from crm_ml.evaluation.uplift_predictions import UpliftPredictions
from crm_ml.train.compare.scored_rows import ScoredRows, some_rows, window_of

if TYPE_CHECKING:
    from datetime import datetime

    from crm_ml.evaluation.ranking import Floats
    from crm_ml.train.families.uplift.fitting import FoldPredictions
    from crm_ml.uplift.trial_rows import CampaignTrial


def of_uplift(
    predicted: "Sequence[FoldPredictions]",
    parts: Mapping[str, UpliftPredictions],
    metrics: Sequence[str],
    known: "Sequence[CampaignTrial]",
    control: str,
    today: "datetime",
) -> ScoredRows:
    """Return the test rows of every treated arm; splits of a single trial have its days.

    A window is complete when it had ended on `today`, the day of registration.
    """
    days = {str(trial): trial for trial in known}
    tests = {fold.name: days.get(fold.name, known[-1]) for fold in predicted}
    windows = {name: window_of(trial, trial.label_ends_at <= today) for name, trial in tests.items()}

    def rescore(folder: Path) -> "Mapping[str, Floats]":
        from crm_ml.models import model_folder

        learner = model_folder.load(folder)
        effects = {}
        for arm in [arm for arm in parts if arm in learner.arms_]:
            rows = [fold.rows.where(np.asarray(fold.rows.arm.isin([control, arm]))).X for fold in predicted]
            effects[arm] = np.concatenate([learner.predict(X, arm) for X in rows])
        return effects

    return ScoredRows(
        parts=parts,
        views=dict.fromkeys(metrics, "folds"),
        decides="qini" if "qini" in metrics else "qini_causalml",
        deciding=tuple(parts),
        windows=windows,
        rescore=rescore,
        inputs=some_rows(predicted[-1].rows.X),
    )
