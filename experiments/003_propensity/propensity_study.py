"""What the scripts of this experiment share: candidates judged on the same rows."""

import sys
from collections.abc import Mapping
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))  # for what all experiments share

from rich.progress import Progress
from study_probability import predict_models

from crm_ml.config import PropensityRun
from crm_ml.evaluation.predictions import Predictions
from crm_ml.models.labelled_rows import LabelledRows
from crm_ml.propensity.action_features import COLUMNS
from crm_ml.tables import Tables
from crm_ml.train.families.probability.used_rows import used_rows
from crm_ml.train.families.propensity import experiment

RUN = "propensity/coupon"


def predict_all(candidates: Mapping[str, PropensityRun], tables: Tables, progress: Progress) -> Predictions:
    """Predict the test campaigns by the model of each candidate, trained on campaigns that ended before.

    Features are computed once, of every group that a candidate wants. Target and split must be the same for
    all.

    Parameters
    ----------
    candidates : mapping of str to PropensityRun
    tables : Tables
    progress : rich.progress.Progress
    """
    first = next(iter(candidates.values()))
    plan = experiment.make_plan(first, tables)
    groups = {name: options for run in candidates.values() for name, options in (run.features or {}).items()}
    rows = experiment.compute_rows(first.model_copy(update={"features": groups}), tables, plan, progress)
    used = (
        (name, run, used_rows(_of_groups(rows, run), run, COLUMNS), plan.folds)
        for name, run in candidates.items()
    )
    return predict_models(used, len(candidates), progress)


def _of_groups(rows: LabelledRows, config: PropensityRun) -> LabelledRows:
    groups = {*(config.features or {}), *(name.partition("_")[0] for name in COLUMNS)}
    prefixes = {name.removesuffix("s") if name == "attributes" else name for name in groups}
    return LabelledRows(rows.X[[name for name in rows.X if name.partition("_")[0] in prefixes]], rows.y)
