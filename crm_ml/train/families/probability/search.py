"""How a search judges models of a probability: the loss of each row of folds before the test."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from crm_ml.config.parts import Option
from crm_ml.config.probability import ProbabilityRun
from crm_ml.evaluation.predictions import Predictions
from crm_ml.models.labelled_rows import LabelledRows
from crm_ml.models.model import create
from crm_ml.train.families.probability import run as probability_run
from crm_ml.train.families.probability.report import MODEL
from crm_ml.train.families.probability.study import Fold, Study
from crm_ml.train.families.probability.used_rows import used_rows
from crm_ml.train.record.outcome import Outcome
from crm_ml.train.search.search_job import tune, with_options
from crm_ml.train.search.study_plan import metric_of
from crm_ml.train.search.validation_folds import Judge, Judges, Parts, Scores, check_apart

if TYPE_CHECKING:
    import numpy.typing as npt
    from rich.progress import Progress

_CUT = 1e-15  # as crm_ml.evaluation.classification.log_loss


def run(study: Study, ahead: "Parts[Fold[Any]]", studies: Path | None, progress: "Progress") -> Outcome:
    """Search for options of the model where the config says so, and run the experiment with what came of it.

    Parameters
    ----------
    study : Study
        Rows of all folds, those of the search too.
    ahead : Parts of Fold
        Folds before the first test.
    studies : Path, optional
        Folder of the trials.
    progress : rich.progress.Progress

    Raises
    ------
    LeakError
        As `judges`.
    Stopped, InputError
        As `crm_ml.train.search.search_job.tune`.
    """
    config = study.config
    if config.tuning is None:
        return probability_run.run(study, progress)
    rows = used_rows(study.rows, config, study.extra)
    scoring = judges(config, rows, ahead, study.folds)
    result = tune(config, scoring, studies, progress)
    return result.beside(probability_run.run(replace(study, config=result.config), progress), progress)


def judges(
    config: ProbabilityRun, rows: LabelledRows, folds: "Parts[Fold[Any]]", tests: "Sequence[Fold[Any]]"
) -> Judges:
    """Return how settings are scored; nothing is fitted yet.

    The search goes by the model as it is; what confirms is the model as it would be registered, with its
    calibrator.

    Parameters
    ----------
    config : ProbabilityRun
    rows : LabelledRows
        With the features of the model.
    folds : Parts of Fold
    tests : sequence of Fold

    Raises
    ------
    LeakError
        As `crm_ml.train.search.validation_folds.check_apart`, and where labels of training reach into a fold.
    """
    for part in (folds.search, folds.confirm):
        for each in part:
            check_apart(each.training, [each.test], each.test.label_ends_at)
    first_test = min(fold.test.as_of for fold in tests)
    check_apart([fold.test for fold in folds.search], [fold.test for fold in folds.confirm], first_test)

    def calibrated(parts: "Sequence[Fold[Any]]", options: Mapping[str, Option]) -> Scores:
        tuned = with_options(config, options)
        return np.concatenate([_calibrated_loss(tuned, rows, each) for each in parts])

    days = [each.test for each in folds.confirm]
    return Judges(
        search=[_judge(config, rows, each) for each in folds.search],
        confirm=lambda options: calibrated(folds.confirm, options),
        customers=lambda: np.concatenate([rows.to_judge([fold]).customer_id.to_numpy() for fold in days]),
        test=lambda options: calibrated(tests, options),
        tested=lambda outcome: _tested(config, outcome),
        names={
            "search": [str(each.test) for each in folds.search],
            "confirm": [str(each.test) for each in folds.confirm],
        },
    )


def losses(metric: str, y: Scores, p: Scores) -> Scores:
    """Return the loss of each row.

    Examples
    --------
    >>> losses("brier", np.array([0.0, 1.0]), np.array([0.1, 0.6])).round(2).tolist()
    [0.01, 0.16]
    """
    if metric == "brier":
        return np.asarray((p - y) ** 2)
    clipped = np.clip(p, _CUT, 1 - _CUT)
    return np.asarray(-np.where(y > 0, np.log(clipped), np.log1p(-clipped)))


def _tested(config: ProbabilityRun, outcome: Outcome) -> "tuple[npt.NDArray[Any], Scores]":
    assert outcome.rows is not None
    predictions = outcome.rows.parts["test"]
    assert isinstance(predictions, Predictions)
    return predictions.customer_id, losses(metric_of(config), predictions.y, predictions.p[MODEL])


def _judge(config: ProbabilityRun, rows: LabelledRows, each: "Fold[Any]") -> Judge:
    past, test = rows.to_train(each.training), rows.to_judge([each.test])
    y = test.y.to_numpy().astype(float)

    def judge(options: Mapping[str, Option]) -> Scores:
        model = create(config.model.name, **{**config.model.options, **options})
        return losses(metric_of(config), y, past.fitted(model).predict_proba(test.X)[:, 1])

    return judge


def _calibrated_loss(config: ProbabilityRun, rows: LabelledRows, each: "Fold[Any]") -> Scores:
    test = rows.to_judge([each.test])
    p = probability_run.fit_calibrated(config, rows, each).predict_proba(test.X)[:, 1]
    return losses(metric_of(config), test.y.to_numpy().astype(float), p)
