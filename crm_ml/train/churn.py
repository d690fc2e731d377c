"""The churn experiment: rolling test snapshots, baselines beside the model, gates, and the final model."""

import fnmatch
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
from pandas.api.types import is_numeric_dtype

from crm_ml import features
from crm_ml.churn import artefact
from crm_ml.churn.calibrated_model import CalibratedModel
from crm_ml.churn.labelled_rows import LabelledRows, labelled_rows
from crm_ml.churn.model import Model, create
from crm_ml.config import ChurnRun
from crm_ml.consents import check_purpose, consenting
from crm_ml.errors import ConfigError, InputError
from crm_ml.evaluation import leakage
from crm_ml.evaluation.calibration import best_calibrator
from crm_ml.evaluation.predictions import Predictions
from crm_ml.evaluation.significance import evaluate
from crm_ml.snapshots import Snapshot, check_labels_end_before
from crm_ml.tables import Tables
from crm_ml.train import churn_report
from crm_ml.train.churn_report import MODEL, VIEWS
from crm_ml.train.outcome import Candidate, Outcome

if TYPE_CHECKING:
    from rich.progress import Progress


Fitted = Model | CalibratedModel


SEGMENTS = "lifecycle"  # the group whose columns make the segments, computed even where no model uses it


@dataclass(frozen=True)
class Fold:
    """A test snapshot and the snapshots that train for it, oldest first."""

    test: Snapshot
    training: tuple[Snapshot, ...]


def execute(config: ChurnRun, tables: Tables, progress: "Progress") -> Outcome:
    """Run the churn experiment of one config.

    Parameters
    ----------
    config : ChurnRun
    tables : Tables
    progress : rich.progress.Progress

    Returns
    -------
    Outcome
        AUC and average precision are means over the test snapshots; log-loss, Brier score and ECE are pooled
        over their rows.

    Raises
    ------
    LeakError
        If labels reach into a test snapshot, a feature gives the label away or knows later rows.
    InputError
        If the tables do not reach far enough or a class is too rare.
    """
    folds = [fold(config, as_of) for as_of in config.split.test]
    final = fold(config, config.register_as.as_of)
    needed = [one for each in folds for one in (each.test, *each.training)] + list(final.training)
    all_rows = allowed_rows(config, tables, compute_rows(config, tables, needed, progress))
    rows = used_rows(all_rows, config)
    judging = progress.add_task("leak gates, intervals, final model", total=4)
    check_point_in_time(config, tables, folds[-1].test)
    leaks = leakage.check_leaks(rows.X, rows.y, config.allow_leaks)
    progress.advance(judging)
    predictions = predict(config, rows, folds, progress)
    rng = np.random.default_rng(config.seed)
    judged = evaluate(predictions, rng, tuple(VIEWS), config.replicates)
    progress.advance(judging)
    segmented = churn_report.segments(all_rows.at([each.test for each in folds]), predictions, rng)
    progress.advance(judging)
    model = fit_calibrated(config, rows, final)
    progress.advance(judging)
    return Outcome(
        metrics=churn_report.metrics(judged),
        summary=churn_report.summary(judged),
        gates=churn_report.gates(judged, config.largest_ece),
        candidate=_candidate(config, model, rows, final),
        tables={
            "metrics": judged.table(),
            "differences": judged.differences(MODEL),
            "segments": segmented,
        },
        figures=churn_report.figures(predictions, segmented, judged),
        facts=_facts(rows, folds, final, model, leaks) | {"predictions_sha256": _hash(predictions)},
    )


def fold(config: ChurnRun, as_of: date) -> Fold:
    """Return a test day with its training snapshots.

    Raises
    ------
    LeakError
        If training labels would end after `as_of`.
    InputError
        If ``split.earliest`` leaves none.
    """
    test = config.target.snapshot(as_of)
    training = test.training(config.split.training_snapshots, config.split.every_days)
    if config.split.earliest is not None:
        first = config.target.snapshot(config.split.earliest)
        training = [one for one in training if one.as_of >= first.as_of]
    if not training:
        raise InputError(f"no training snapshot lies between {config.split.earliest} and {as_of}; test later")
    check_labels_end_before(training, test)
    return Fold(test, tuple(training))


def compute_rows(
    config: ChurnRun, tables: Tables, snapshots: Iterable[Snapshot], progress: "Progress"
) -> LabelledRows:
    """Compute features and labels at each snapshot once, in the order of time."""
    wanted = {one.as_of: one for one in snapshots}
    ordered = [wanted[as_of] for as_of in sorted(wanted)]
    shown = progress.track(ordered, description="features and labels")
    groups = None if config.features is None else {SEGMENTS: {}, **config.features}
    return labelled_rows(tables, shown, config.target.active_within, groups, config.data.ends_at)


def allowed_rows(config: ChurnRun, tables: Tables, rows: LabelledRows) -> LabelledRows:
    """Return the rows of customers who allow ``target.purpose`` on the day of the final model.

    Raises
    ------
    ConfigError
        If tables and purpose do not fit, see `crm_ml.consents.check_purpose`.
    """
    check_purpose(tables, config.target.purpose)
    if config.target.purpose is None:
        return rows
    today = config.target.snapshot(config.register_as.as_of)
    keep = rows.customer_id.isin(consenting(tables, today, config.target.purpose))
    return LabelledRows(rows.X[keep], rows.y[keep])


def used_rows(rows: LabelledRows, config: ChurnRun) -> LabelledRows:
    """Return the rows with the features of the model; raises as `left_out`."""
    dropped = left_out(rows.X.columns, config.leave_out)
    if config.features is not None and SEGMENTS not in config.features:
        dropped += [name for name in rows.X.columns if name.startswith(f"{SEGMENTS}_")]
    return LabelledRows(rows.X.drop(columns=sorted(set(dropped))), rows.y)


def left_out(columns: Iterable[str], patterns: Iterable[str]) -> list[str]:
    """Return the columns that match a pattern.

    A pattern may match nothing where the tables lack what its group needs, such as touches.

    Raises
    ------
    ConfigError
        If a pattern matches no feature of any group.

    Examples
    --------
    >>> left_out(["rfm_orders", "timing_monday_share"], ["timing_*"])
    ['timing_monday_share']
    """
    names = list(columns)
    found = {pattern: fnmatch.filter(names, pattern) for pattern in patterns}
    declared = [name for group in features.groups().values() for name in group.COLUMNS]
    empty = [
        pattern for pattern, matches in found.items() if not (matches or fnmatch.filter(declared, pattern))
    ]
    if empty:
        raise ConfigError(f"leave_out: {', '.join(empty)} match no feature; there are {', '.join(names)}")
    return sorted({name for matches in found.values() for name in matches})


def predict(config: ChurnRun, rows: LabelledRows, folds: Sequence[Fold], progress: "Progress") -> Predictions:
    """Fit model and baselines for each fold and predict its test snapshot."""
    parts = []
    for each in progress.track(folds, description="models and baselines"):
        test = rows.at([each.test])
        past = rows.at(each.training)
        fitted: dict[str, Fitted] = {MODEL: fit_calibrated(config, rows, each)}
        for part in config.baselines:
            fitted[part.name] = create(part.name, **part.options).fit(past.X, past.y)
        scores = {name: model.predict(test.X) for name, model in fitted.items()}
        ids, days = test.customer_id.to_numpy(), test.as_of.to_numpy()
        parts.append(Predictions(ids, days, test.y.to_numpy().astype(float), scores))
    return Predictions.join(parts)


def fit_calibrated(config: ChurnRun, rows: LabelledRows, each: Fold) -> Fitted:
    """Fit the model on all training snapshots, and its calibrator on the newest of them.

    The calibrator sees scores of a second model, trained on snapshots whose labels end before the first one
    it is fitted on, so that it learns from scores of the future as the model will give them.
    """
    past = rows.at(each.training)
    model: Model = create(config.model.name, **config.model.options).fit(past.X, past.y)
    later = each.training[-config.calibration.snapshots :]
    earlier = [one for one in each.training if one.label_ends_at <= later[0].as_of]
    if not config.calibration.methods:
        return model
    if not earlier:
        raise InputError(
            f"no training snapshot for {each.test.as_of:%Y-%m-%d} has labels that end before the calibration "
            f"snapshots, from {later[0].as_of:%Y-%m-%d} on; train on more snapshots or calibrate on fewer"
        )
    before, after = rows.at(earlier), rows.at(later)
    judge = create(config.model.name, **config.model.options).fit(before.X, before.y)
    calibrator = best_calibrator(
        judge.predict(after.X), after.y, after.customer_id, config.calibration.methods
    )
    return CalibratedModel(model, calibrator)


def check_point_in_time(config: ChurnRun, tables: Tables, snapshot: Snapshot) -> None:
    """Compute the features of one snapshot with and without all later rows and compare them exactly.

    Raises
    ------
    LeakError
        If a feature differs.
    """
    cut = snapshot.known(tables)
    whole = features.matrix(tables, snapshot, config.features)
    leakage.check_point_in_time(whole, features.matrix(cut, snapshot, config.features))


def _candidate(config: ChurnRun, model: Fitted, rows: LabelledRows, final: Fold) -> Candidate:
    details = {
        "active_within_days": config.target.active_within_days,
        "horizon_days": config.target.horizon_days,
        "labels_end": f"{final.training[-1].label_ends_at:%Y-%m-%d}",
        "features": config.features or {},
    }
    kinds = {str(name): is_numeric_dtype(kind) for name, kind in rows.X.dtypes.items()}
    return Candidate(
        name=config.register_as.name,
        save=lambda folder: artefact.save(model, folder, **details),
        loader_module=artefact.__name__,
        inputs={name: "double" if numeric else "string" for name, numeric in kinds.items()},
        outputs={artefact.COLUMN: "double"},
    )


def _facts(
    rows: LabelledRows, folds: Sequence[Fold], final: Fold, model: Fitted, leaks: dict[str, float]
) -> dict[str, Any]:
    return {
        "folds": [_dates(each) for each in folds],
        "final": _dates(final),
        "features": list(rows.X.columns),
        "single_auc": leaks,
        "calibrator": model.calibrator.as_dict() if isinstance(model, CalibratedModel) else None,
    }


def _dates(each: Fold) -> dict[str, Any]:
    return {
        "as_of": f"{each.test.as_of:%Y-%m-%d}",
        "training": [f"{one.as_of:%Y-%m-%d}" for one in each.training],
        "training_labels_end": f"{each.training[-1].label_ends_at:%Y-%m-%d}",
    }


def _hash(predictions: Predictions) -> str:
    """Hash ids, folds, labels and scores, so that a second run can be compared to the bit."""
    digest = hashlib.sha256()
    for values in (predictions.customer_id, predictions.fold):
        digest.update("\0".join(values.tolist()).encode())
    for numbers in (predictions.y, *predictions.p.values()):
        digest.update(np.ascontiguousarray(numbers).tobytes())
    return digest.hexdigest()
