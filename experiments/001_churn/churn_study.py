"""What the scripts of this experiment share: candidates judged on the same rows."""

import sys
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from rich.progress import Progress

from crm_ml.config import ChurnRun
from crm_ml.evaluation.predictions import Predictions
from crm_ml.tables import Tables
from crm_ml.train.families.churn import experiment
from crm_ml.train.families.probability import run as probability_run
from crm_ml.train.families.probability import used_rows
from crm_ml.train.families.probability.report import MODEL

HERE = Path(__file__).parent
sys.path.append(str(HERE.parent))  # for the tables of all experiments
RUN = "churn/lightgbm"


def predict_all(
    candidates: Mapping[str, ChurnRun], days: Sequence[date], tables: Tables, progress: Progress
) -> Predictions:
    """Predict each day by the model of each candidate, trained on what its split says.

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
    folds = {(name, day): experiment.fold(one, day) for name, one in candidates.items() for day in days}
    needed = [one for each in folds.values() for one in (each.test, *each.training)]
    rows = experiment.compute_rows(next(iter(candidates.values())), tables, needed, progress)
    task = progress.add_task("models", total=len(folds))
    parts = []
    for day in days:
        found = {}
        for name, one in candidates.items():
            alone = one.model_copy(update={"baselines": ()})
            quiet = Progress(disable=True)
            used = used_rows.used_rows(rows, one)
            found[name] = probability_run.predict(alone, used, [folds[name, day]], quiet)
            progress.advance(task)
        first = next(iter(found.values()))
        scores = {name: each.p[MODEL] for name, each in found.items()}
        parts.append(Predictions(first.customer_id, first.fold, first.y, scores))
    return Predictions.join(parts)
