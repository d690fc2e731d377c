"""Judging model and baselines on the test rows of all folds, and the model that is registered."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import numpy as np
from pandas.api.types import is_numeric_dtype

from crm_ml.config import ProbabilityRun
from crm_ml.config.parts import Part
from crm_ml.errors import InputError
from crm_ml.evaluation.calibration import best_calibrator
from crm_ml.evaluation.calibration_check import check_calibration
from crm_ml.evaluation.leakage import LIMIT
from crm_ml.evaluation.predictions import Predictions
from crm_ml.evaluation.significance import evaluate
from crm_ml.models import model_folder
from crm_ml.models.calibrated_model import CalibratedModel
from crm_ml.models.labelled_rows import LabelledRows
from crm_ml.models.model import Model, create
from crm_ml.models.model_profiles import of_labelled, of_seen
from crm_ml.monitoring.training_profile import Profile
from crm_ml.train.families.probability import report
from crm_ml.train.families.probability.data_checks import DataChecks
from crm_ml.train.families.probability.report import CONTROL, MODEL, Judged
from crm_ml.train.families.probability.study import Dated, Fold, Study
from crm_ml.train.families.probability.test_rows import of_probability
from crm_ml.train.families.probability.trace import trace_of
from crm_ml.train.families.probability.used_rows import used_rows
from crm_ml.train.record.outcome import Candidate, Outcome, no_leak

if TYPE_CHECKING:
    from rich.progress import Progress

    from crm_ml.evaluation.significance import Over


BOOSTED = ("blend", "gradient_boosting")
Fitted = Model | CalibratedModel
Models = dict[frozenset[str], tuple[datetime, Model]]  # by what trained them, with the end of its labels


def run(study: Study, progress: "Progress") -> Outcome:
    """Judge model and baselines on the test rows of all folds, and fit the final model.

    Raises
    ------
    LeakError
        If a feature gives the label away.
    ConfigError, InputError
        As `used_rows` and `fit_calibrated`.
    """
    config = study.config
    rows = used_rows(study.rows, config, study.extra)
    judging = progress.add_task("leak gate, intervals, final model", total=4)
    checks = DataChecks.of(study, rows)
    progress.advance(judging)
    models: Models = {}
    predictions = predict(config, rows, study.folds, progress, models)
    rng = np.random.default_rng(config.seed)
    over: tuple[Over, ...] = ("pooled", "folds") if "folds" in study.views.values() else ("pooled",)
    evaluation = evaluate(predictions, rng, tuple(study.views), config.replicates, over)
    judged = Judged(evaluation, study.views, check_calibration(predictions, MODEL, rng.spawn(1)[0]))
    progress.advance(judging)
    tests = study.rows.to_judge([each.test for each in study.folds])
    segmented = report.segments(tests, predictions, rng)
    progress.advance(judging)
    model = fit_calibrated(config, rows, study.final, models)
    progress.advance(judging)
    facts = _facts(rows, study, model, checks)
    return Outcome(
        metrics=judged.metrics() | _drawn_metrics(study),
        summary=judged.summary(),
        gates=(*judged.gates(config.largest_ece), no_leak("features", checks.single_auc, LIMIT)),
        candidate=_candidate(study, model, rows, predictions),
        trace=trace_of(rows, {name: facts[name] for name in ("folds", "final")}, predictions),
        tables=judged.tables() | {"segments": segmented} | checks.tables(),
        figures=report.figures(predictions, segmented, judged),
        facts=facts | {"predictions_sha256": predictions_hash(predictions)},
        rows=of_probability(study, rows, predictions),
        notes=tuple(facts["data_checks"]),
    )


def predict(
    config: ProbabilityRun,
    rows: LabelledRows,
    folds: Sequence[Fold[Dated]],
    progress: "Progress",
    models: Models | None = None,
) -> Predictions:
    """Fit model and baselines for each fold and predict its test rows; `models` as `fit_calibrated`."""
    models = {} if models is None else models
    by_training: dict[frozenset[str], dict[str, Fitted]] = {}
    parts = []
    for each in progress.track(folds, description="models and baselines"):
        names = frozenset(map(str, each.training))
        if names not in by_training:
            by_training[names] = _fit_all(config, rows, each, models)
        test = rows.to_judge([each.test])
        scores = {name: model.predict_proba(test.X)[:, 1] for name, model in by_training[names].items()}
        ids, folded = test.customer_id.to_numpy(), test.fold.to_numpy()
        parts.append(Predictions(ids, folded, test.y.to_numpy().astype(float), scores))
    return Predictions.join(parts)


def baselines_of(config: ProbabilityRun) -> tuple[Part, ...]:
    """Return the baselines of a config and, beside boosted trees, plain LightGBM as a control."""
    named = {config.model.name, *(part.name for part in config.baselines)}
    wanted = config.baselines and config.model.name in BOOSTED and CONTROL not in named
    control = (Part(name=CONTROL),) if wanted else ()
    return (*config.baselines, *control)


def _fit_all(
    config: ProbabilityRun, rows: LabelledRows, each: Fold[Dated], models: Models
) -> dict[str, Fitted]:
    """Return the model and the baselines of a fold by name; a part of the model is no baseline to fit."""
    past = rows.to_train(each.training)
    fitted: dict[str, Fitted] = {MODEL: fit_calibrated(config, rows, each, models)}
    for part in baselines_of(config):
        unfitted: Model = create(part.name, **part.options)
        fitted[part.name] = _part_of(fitted[MODEL], unfitted) or past.fitted(unfitted)
    return fitted


def fit_calibrated(
    config: ProbabilityRun, rows: LabelledRows, each: Fold[Dated], models: Models | None = None
) -> Fitted:
    """Fit the model on all that trains, and its calibrator on the newest of it.

    The calibrator sees scores of a second model, trained on what has labels that end before the first rows
    it is fitted on, so that it learns from scores of the future as the model will give them. A model of
    another fold serves where it learned from as much, one occasion at most missing, and from nothing later.

    Parameters
    ----------
    config : ProbabilityRun
    rows : LabelledRows
    each : Fold
    models : dict, optional
        Models of the same config and rows that are fitted already; those fitted here are added.

    Raises
    ------
    InputError
        If nothing has labels that end before the newest.
    """
    models = {} if models is None else models
    model = _fit(config, rows, each.training, models)
    if not config.calibration.methods:
        return model
    later = each.training[-config.calibration.snapshots :]
    earlier = [occasion for occasion in each.training if occasion.label_ends_at <= later[0].as_of]
    if not earlier:
        raise InputError(
            f"nothing that trains for {each.test} has labels that end before the calibration rows, from "
            f"{later[0].as_of:%Y-%m-%d} on; train on more or calibrate on fewer"
        )
    after = rows.to_judge(later)
    judge = _judge(earlier, later[0].as_of, models) or _fit(config, rows, earlier, models)
    calibrator = best_calibrator(
        judge.predict_proba(after.X)[:, 1], after.y, after.customer_id, config.calibration.methods
    )
    return CalibratedModel(model, calibrator)


def _judge(earlier: Sequence[Dated], by: datetime, models: Models) -> Model | None:
    """Return the newest fitted model of as many occasions, all of the earlier but one among them."""
    names = frozenset(map(str, earlier))
    ready = [
        (ended, model)
        for trained_on, (ended, model) in models.items()
        if ended <= by and len(trained_on) >= len(names) and len(names - trained_on) <= 1
    ]
    return max(ready, key=itemgetter(0))[1] if ready else None


def _fit(config: ProbabilityRun, rows: LabelledRows, training: Sequence[Dated], models: Models) -> Model:
    names = frozenset(map(str, training))
    if names not in models:
        model: Model = create(config.model.name, **config.model.options)
        model = rows.to_train(training).fitted(model)
        models[names] = max(occasion.label_ends_at for occasion in training), model
    return models[names][1]


def _part_of(fitted: Fitted, unfitted: Model) -> Model | None:
    """Return the part of a fitted model that has the parameters of another, if there is one."""
    model = fitted.model if isinstance(fitted, CalibratedModel) else fitted
    parts: tuple[Model, ...] = getattr(model, "parts", ())
    return next((part for part in parts if repr(part) == repr(unfitted)), None)


def predictions_hash(predictions: Predictions) -> str:
    """Hash ids, folds, labels and scores, so that a second run can be compared to the bit."""
    digest = hashlib.sha256()
    for values in (predictions.customer_id, predictions.fold):
        digest.update("\0".join(values.tolist()).encode())
    for numbers in (predictions.y, *predictions.p.values()):
        digest.update(np.ascontiguousarray(numbers).tobytes())
    return digest.hexdigest()


def _candidate(study: Study, model: Fitted, rows: LabelledRows, predictions: Predictions) -> Candidate:
    profile = _profile(study, model, rows, predictions)
    kinds = {str(name): is_numeric_dtype(kind) for name, kind in rows.X.dtypes.items()}
    return Candidate(
        name=study.config.register_as.name,
        save=lambda folder: model_folder.save(
            model, folder, study.loader.FAMILY, profile=profile, **study.details
        ),
        loader_module=study.loader.__name__,
        inputs={name: "double" if numeric else "string" for name, numeric in kinds.items()},
        outputs={study.loader.COLUMN: "double"},
    )


def _profile(study: Study, model: Fitted, rows: LabelledRows, predictions: Predictions) -> Profile:
    column = study.loader.COLUMN
    if study.seen:
        return of_seen(
            study.seen, lambda X: {column: model.predict_proba(X)[:, 1]}, study.customers, study.extra
        )
    tests = [each.test for each in study.folds]
    return of_labelled(rows, study.final.training, (tests, predictions, MODEL), column, study.customers)


def _drawn_metrics(study: Study) -> dict[str, float]:
    """Return how many rows the final model could have learned from and did, where rows were drawn."""
    if study.draw is None:
        return {}
    rows, drawn, _ = study.draw.drawn(map(str, study.final.training))
    return {"training.rows": float(rows), "training.drawn_rows": float(drawn)}


def _facts(rows: LabelledRows, study: Study, model: Fitted, checks: DataChecks) -> dict[str, Any]:
    final = [str(occasion) for occasion in study.final.training]
    drawn = () if study.draw is None else (study.draw.text(final),)
    return {
        **({} if study.draw is None else {"sampling": study.draw.facts(final)}),
        "folds": [_dates(each) for each in study.folds],
        "final": _dates(study.final),
        "features": list(rows.X.columns),
        "single_auc": checks.single_auc,
        "data_checks": [*drawn, *checks.notes],
        "settings": _settings(model),
        "calibrator": model.calibrator.as_dict() if isinstance(model, CalibratedModel) else None,
    }


def _settings(model: Fitted) -> dict[str, Any] | None:
    """Return which settings the final model chose within its training, and by how much."""
    inner = model.model if isinstance(model, CalibratedModel) else model
    choice = getattr(inner, "choice_", None)
    return None if choice is None else asdict(choice)


def _dates(each: Fold[Dated]) -> dict[str, Any]:
    return {
        "test": str(each.test),
        "as_of": f"{each.test.as_of:%Y-%m-%d}",
        "training": [str(occasion) for occasion in each.training],
        "training_labels_end": f"{max(occasion.label_ends_at for occasion in each.training):%Y-%m-%d}",
    }
