"""What the scripts of this experiment share: candidates judged on the same rows."""

import sys
from collections.abc import Mapping
from pathlib import Path

from rich.progress import Progress

HERE = Path(__file__).parent
sys.path.append(str(HERE.parent))  # for the tables of all experiments

from crm_ml.config import PropensityRun  # noqa: E402
from crm_ml.evaluation.predictions import Predictions  # noqa: E402
from crm_ml.models.labelled_rows import LabelledRows  # noqa: E402
from crm_ml.propensity.action_features import COLUMNS  # noqa: E402
from crm_ml.tables import Tables  # noqa: E402
from crm_ml.train.families.probability import run as probability_run  # noqa: E402
from crm_ml.train.families.probability import used_rows  # noqa: E402
from crm_ml.train.families.probability.report import MODEL  # noqa: E402
from crm_ml.train.families.propensity import experiment  # noqa: E402

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
    groups = {name: options for one in candidates.values() for name, options in (one.features or {}).items()}
    rows = experiment.compute_rows(first.model_copy(update={"features": groups}), tables, plan, progress)
    task = progress.add_task("models", total=len(candidates))
    said = {}
    for name, one in candidates.items():
        alone = one.model_copy(update={"baselines": ()})
        used = used_rows.used_rows(_of_groups(rows, one), one, COLUMNS)
        found = probability_run.predict(alone, used, plan.folds, Progress(disable=True))
        said[name] = found.p[MODEL]
        progress.advance(task)
    return Predictions(found.customer_id, found.fold, found.y, said)


def _of_groups(rows: LabelledRows, config: PropensityRun) -> LabelledRows:
    wanted = {*(config.features or {}), *(name.partition("_")[0] for name in COLUMNS)}
    wanted = {name.removesuffix("s") if name == "attributes" else name for name in wanted}
    kept = [name for name in rows.X if name.partition("_")[0] in wanted]
    return LabelledRows(rows.X[kept], rows.y)
