"""What the scripts of this experiment share: the data sets, and one study of each."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import Progress

from crm_ml.clv.baselines import Baseline
from crm_ml.clv.model_selection import Choice
from crm_ml.clv.validation_windows import ValidationWindow, check_point_in_time
from crm_ml.clv.value_calibration import Tilt
from crm_ml.config import ClvRun, load_run
from crm_ml.evaluation.significance import Evaluation, evaluate
from crm_ml.evaluation.value_predictions import ValuePredictions
from crm_ml.train.experiment import load_tables
from crm_ml.train.families.clv import experiment
from crm_ml.train.families.clv.report import MODEL

sys.path.append(str(Path(__file__).parents[1]))  # for what all experiments share
MASTER = ("data.options={part: master}", "register_as.name=clv_master")
ONLINE_RETAIL = (
    "data.name=online_retail",
    "data.options={}",
    "target.horizon_days=100",
    "split.test=2010-09-01",
    "split.validation=[2010-05-05, 2010-06-02, 2010-06-30]",
    "register_as={name: clv_online_retail, as_of: 2010-12-10}",
)


@dataclass(frozen=True, eq=False)
class DataSetResult:
    """The results of one data set."""

    config: ClvRun
    choice: Choice
    tilt: Tilt
    validation: Evaluation
    window: ValidationWindow
    value: Evaluation
    purchases: Evaluation
    params: dict[str, Any]
    log_likelihood: dict[str, float]


def studies(online_retail: Path | None, only: Sequence[str] | None, more: Sequence[str]) -> dict[str, ClvRun]:
    """Return the config of each data set: the committed runs, and theirs with other data."""
    runs = {
        "cdnow_sample": load_run("clv/cdnow", more),
        "cdnow_master": load_run("clv/cdnow", [*MASTER, *more]),
    }
    if online_retail is not None:
        path = f"data.path={online_retail.resolve()}"
        runs["online_retail"] = load_run("clv/cdnow", [*ONLINE_RETAIL, path, *more])
    runs["complete_journey"] = load_run("clv/bg_nbd", more)
    return {name: config for name, config in runs.items() if not only or name in only}


def study(config: ClvRun, progress: Progress, name: str) -> DataSetResult:
    """Choose on the validation windows; then put choice, candidates and baselines on the test window."""
    shown = progress.add_task(name, total=3)
    source = experiment.source_of(config, load_tables(config))
    check_point_in_time(source, config.split.test)
    rng = np.random.default_rng(config.seed)
    windows = [source.window(day, config.window_days(day)) for day in config.split.validation]
    chosen = experiment.choose(config, source, windows, rng)
    progress.advance(shown)
    tested = experiment.test(config, source, chosen)
    fitted = experiment.fit_candidates(config, source, tested.window.snapshot.as_of)
    progress.advance(shown)
    predicted = {each: _predict(valuer, tested.window) for each, valuer in fitted.items()}
    value = _with(tested.value, {name: each.value for name, each in predicted.items()})
    purchases = _with(tested.purchases, {name: each.purchases for name, each in predicted.items()})
    judged = [evaluate(each, rng, None, config.replicates, over=("pooled",)) for each in (value, purchases)]
    progress.advance(shown)
    models = {each: valuer.purchases for each, valuer in fitted.items()}
    params = {each: valuer.purchases.params_ | valuer.spend.params_ for each, valuer in fitted.items()}
    likelihood = {each: model.log_likelihood_ for each, model in models.items()}
    return DataSetResult(
        config, chosen.choice, chosen.tilt, chosen.judged, tested.window, *judged, params, likelihood
    )


def _predict(valuer: Any, window: ValidationWindow) -> Baseline:
    value = valuer.value(window.summary, window.terms).to_numpy()
    return Baseline(
        valuer.purchases.expected_purchases(window.summary, window.snapshot.horizon).to_numpy(), value
    )


def _with(predictions: ValuePredictions, more: dict[str, Any]) -> ValuePredictions:
    """Put the candidates between the model and the baselines."""
    p = predictions.p
    p = {MODEL: p[MODEL], **more, **{name: values for name, values in p.items() if name != MODEL}}
    return ValuePredictions(predictions.customer_id, predictions.fold, predictions.y, p)
