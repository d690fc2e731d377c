"""What the scripts of this experiment share: candidates judged on the same rows."""

import sys
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))  # for what all experiments share

from rich.progress import Progress
from study_probability import predict_models

from crm_ml.config import ChurnRun
from crm_ml.evaluation.predictions import Predictions
from crm_ml.tables import Tables
from crm_ml.train.families.churn import experiment
from crm_ml.train.families.probability.used_rows import used_rows

RUN = "churn/lightgbm"


def predict_all(
    candidates: Mapping[str, ChurnRun], days: Sequence[date], tables: Tables, progress: Progress
) -> Predictions:
    """Predict each day by the model of each candidate, trained on the days of its split.

    Features and labels are computed once for all of them; a candidate sees the columns that it does not
    leave out. Target and feature groups must be the same for all.

    Parameters
    ----------
    candidates : mapping of str to ChurnRun
    days : sequence of date
        Evaluation snapshots.
    tables : Tables
    progress : rich.progress.Progress

    Raises
    ------
    LeakError
        If training labels would end after an evaluation snapshot.
    """
    folds = {name: [experiment.fold(config, day) for day in days] for name, config in candidates.items()}
    needed = [day for each in folds.values() for fold in each for day in (fold.test, *fold.training)]
    rows = experiment.compute_rows(next(iter(candidates.values())), tables, needed, progress)
    used = ((name, run, used_rows(rows, run), folds[name]) for name, run in candidates.items())
    return predict_models(used, len(candidates), progress)
