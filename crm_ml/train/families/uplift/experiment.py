"""The uplift experiment: checks of the draw, learners beside two controls, verdicts, the value of rules."""

import functools
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from pandas.api.types import is_numeric_dtype

from crm_ml import features
from crm_ml.config import UpliftRun
from crm_ml.config.split import CampaignSplit
from crm_ml.consents import check_purpose, consenting, nobody_allows
from crm_ml.customer_hash import customer_folds
from crm_ml.errors import ConfigError, InputError
from crm_ml.evaluation import leakage
from crm_ml.models import model_folder
from crm_ml.models.model_profiles import Known, Seen, of_seen
from crm_ml.monitoring.training_profile import Profile
from crm_ml.snapshots import Snapshot, check_data_reach
from crm_ml.tables import Tables
from crm_ml.tables.cell_shape import shown_labels
from crm_ml.tables.zones import declared
from crm_ml.train.families.probability.used_rows import left_out
from crm_ml.train.families.uplift import report as uplift_report
from crm_ml.train.families.uplift.fitting import Mask, TrialFold, fit, predict
from crm_ml.train.families.uplift.test_rows import of_uplift
from crm_ml.train.families.uplift.trace import trace_of
from crm_ml.train.record.outcome import Candidate, Outcome, no_leak
from crm_ml.uplift import uplift_pyfunc
from crm_ml.uplift.learner import Learner
from crm_ml.uplift.trial_draw import check_trials
from crm_ml.uplift.trial_rows import CampaignTrial, TrialRows, trial_rows, trials

if TYPE_CHECKING:
    from pathlib import Path

    from rich.progress import Progress


def execute(
    config: UpliftRun,
    tables: Tables,
    progress: "Progress",
    studies: "Path | None" = None,  # noqa: ARG001  (there is no search)
) -> Outcome:
    """Run the uplift experiment of one config.

    Parameters
    ----------
    config : UpliftRun
    tables : Tables
        With assignments.
    progress : rich.progress.Progress

    Returns
    -------
    Outcome
        Metrics are means over the test trials or splits; intervals draw whole customers.

    Raises
    ------
    LeakError
        If a feature knows later rows or says who was treated.
    InputError
        If nothing trains or tests, there is one arm only, or as the learners do.
    ConfigError
        If an arm or a cost is missing.
    """
    known = trials(tables, config.target.horizon)
    check_split(config, known)
    everybody = Known.newest(_ended(config, known), lambda _: "")
    rows = compute_rows(config, tables, known, progress, everybody)
    check_point_in_time(config, tables, known[-1])
    folds = make_folds(config, known, rows)
    predicted = predict(config, rows, folds, progress)
    judging = progress.add_task("intervals, rules, final model", total=2)
    draw = check_trials(rows, known, tables, config.target.control)
    report = uplift_report.judge(config, rows, predicted, draw, np.random.default_rng(config.seed))
    progress.advance(judging)
    final = final_rows(config, known, rows)
    model = fit(config, config.model, rows.where(final))
    progress.advance(judging)
    profile = _profile(config, tables, model, everybody, list(rows.X.columns))
    parts = {arm: item.predictions for arm, item in report.arms.items()}
    judged_by = next(iter(report.arms.values())).evaluation.metrics
    return Outcome(
        metrics=report.metrics(),
        summary=report.summary(),
        gates=(*report.gates(), no_leak("features")),
        candidate=_candidate(config, tables, model, rows.where(final), report, profile),
        trace=trace_of(rows, folds, final, predicted),
        tables=report.tables(),
        figures=report.figures(np.random.default_rng(config.seed)),
        facts=report.facts() | {"features": list(rows.X.columns), "trials": [str(item) for item in known]},
        rows=of_uplift(predicted, parts, judged_by, known, config.target.control, _today(config).as_of),
    )


def compute_rows(
    config: UpliftRun,
    tables: Tables,
    known: Sequence[CampaignTrial],
    progress: "Progress",
    everybody: Known | None = None,
) -> TrialRows:
    """Compute features, arms and outcomes of every trial, of customers who allow the purpose.

    `everybody` keeps what it wants of all who were known.
    """
    check_purpose(tables, config.target.purpose)
    for trial in known:
        _check_reach(config, tables, trial)
    days = len({trial.snapshot for trial in known})
    track = functools.partial(progress.track, total=days, description="features and outcomes")
    target = config.target
    seen = None if everybody is None else everybody.keep
    rows = trial_rows(tables, known, target.outcome, target.kind, config.features, seen, track)
    if target.purpose is not None:
        allowed = rows.customer_id.isin(consenting(tables, _today(config), target.purpose))
        if not allowed.any():
            drawn = f"the customers of {len(rows.y):,} rows of assignments"
            raise nobody_allows(tables, _today(config), target.purpose, drawn)
        rows = rows.where(np.asarray(allowed))
    dropped = left_out(rows.X.columns, config.leave_out)
    return replace(rows, X=rows.X.drop(columns=dropped)).where(_wanted(config, rows))


def check_split(config: UpliftRun, known: Sequence[CampaignTrial]) -> None:
    """Refuse, before anything is computed, a split that does not fit the trials or a day before all of them.

    Raises
    ------
    InputError
        If there are several trials to halve, no trial tests, or none had ended on the day of the final model.
    """
    _ended(config, known)
    if isinstance(config.split, CampaignSplit):
        _tests(config.split, known)
    elif len(known) > 1:
        raise InputError(
            f"{len(known)} trials from {known[0]} on: split them by date (test_from, test_until); "
            "halves of the customers are for a single trial"
        )


def make_folds(config: UpliftRun, known: Sequence[CampaignTrial], rows: TrialRows) -> list[TrialFold]:
    """Return which rows test and which train: trials by date, or halves of one trial's customers.

    Raises
    ------
    InputError
        As `check_split`, or if no trial trains, or one that trains or tests has no row.
    """
    check_split(config, known)
    fold = np.asarray(rows.fold)
    if isinstance(config.split, CampaignSplit):
        folds = [_fold_of_trial(config, known, trial, fold) for trial in _tests(config.split, known)]
        _check_rows(config, folds)
        return folds
    folds = []
    for number in range(config.split.halves):
        half = customer_folds(np.asarray(rows.customer_id), 2, key=f"half {number}")
        folds.append(TrialFold(f"split {number + 1}", half == 1, half == 0))
    return folds


def final_rows(config: UpliftRun, known: Sequence[CampaignTrial], rows: TrialRows) -> Mask:
    """Return which rows train the registered model: trials whose windows had ended on its day.

    Raises
    ------
    InputError
        If none had.
    """
    return np.asarray(rows.fold.isin([str(trial) for trial in _ended(config, known)]))


def _ended(config: UpliftRun, known: Sequence[CampaignTrial]) -> list[CampaignTrial]:
    today = _today(config)
    ended = [trial for trial in known if trial.label_ends_at <= today.as_of]
    if not ended:
        raise InputError(f"no trial had ended by {today}; register a later day")
    return ended


def check_point_in_time(config: UpliftRun, tables: Tables, trial: CampaignTrial) -> None:
    """Compute the features of a trial with and without all later rows and compare them exactly.

    Raises
    ------
    LeakError
        If a feature differs.
    """
    matrices = [
        features.matrix(known_tables, trial.snapshot, config.features)
        for known_tables in (tables, trial.snapshot.known(tables))
    ]
    leakage.check_point_in_time(*matrices)


def _wanted(config: UpliftRun, rows: TrialRows) -> Mask:
    if config.arms is None:
        return np.ones(len(rows.y), dtype=bool)
    present = set(rows.arm)
    missing = sorted(set(config.arms) - present)
    if missing:
        raise ConfigError(f"arms: {', '.join(missing)} not in assignments; there are {shown_labels(present)}")
    return np.asarray(rows.arm.isin([config.target.control, *config.arms]))


def _tests(split: CampaignSplit, known: Sequence[CampaignTrial]) -> list[CampaignTrial]:
    first, last = (Snapshot(day, timedelta(days=1)).as_of for day in (split.test_from, split.test_until))  # type: ignore[arg-type]
    tests = [trial for trial in known if first <= trial.as_of <= last]
    if not tests:
        raise InputError(f"assignments: no trial was drawn from {split.test_from} until {split.test_until}")
    return tests


def _fold_of_trial(
    config: UpliftRun, known: Sequence[CampaignTrial], test: CampaignTrial, fold: npt.NDArray[Any]
) -> TrialFold:
    ended = [trial for trial in known if trial.label_ends_at <= test.as_of]
    earliest = config.split.earliest if isinstance(config.split, CampaignSplit) else None
    if earliest is not None:
        start = Snapshot(earliest, timedelta(days=1)).as_of  # type: ignore[arg-type]
        ended = [trial for trial in ended if trial.as_of >= start]
    if not ended:
        raise InputError(f"no trial had ended before {test}; test later ones or set an earlier earliest")
    return TrialFold(str(test), fold == str(test), np.isin(fold, [str(trial) for trial in ended]))


def _check_rows(config: UpliftRun, folds: Sequence[TrialFold]) -> None:
    """Refuse a test without rows, or one for which no row trains, as where few allow the purpose."""
    sizes = {each.name: (int(each.training.sum()), int(each.test.sum())) for each in folds}
    empty = [
        f"{name} ({train:,} train, {test:,} test)"
        for name, (train, test) in sizes.items()
        if not (train and test)
    ]
    if empty:
        purpose = config.target.purpose
        whom = "" if purpose is None else f" of customers who allow target.purpose {purpose!r}"
        raise InputError(
            f"assignments: {len(empty)} of {len(sizes)} trials that test lack rows{whom}: "
            f"{', '.join(empty)}; test others, or name a purpose that more customers allow"
        )


def _check_reach(config: UpliftRun, tables: Tables, trial: CampaignTrial) -> None:
    """Refuse a window that ends after the data, where the data say when they end."""
    if config.data.ends_at is not None:
        check_data_reach(tables, trial.snapshot, config.data.ends_at)


def _today(config: UpliftRun) -> Snapshot:
    return Snapshot(config.register_as.as_of, timedelta(days=1))  # type: ignore[arg-type]


def _profile(config: UpliftRun, tables: Tables, model: Learner, everybody: Known, used: list[str]) -> Profile:
    """Return what the model would have scored: everybody who was known at the newest trials."""
    purpose = config.target.purpose
    who = None if purpose is None else consenting(tables, _today(config), purpose)
    seen = [Seen(as_of, X[used]) for as_of, X in everybody.allowed(who).frames.items()]
    return of_seen(
        seen,
        lambda X: {uplift_pyfunc.column(arm): model.predict(X, arm) for arm in model.arms_},
        everybody.customers,
    )


def _candidate(
    config: UpliftRun,
    tables: Tables,
    model: Learner,
    rows: TrialRows,
    report: uplift_report.UpliftReport,
    profile: Profile,
) -> Candidate:
    ends = max(rows.fold)[:10]
    details = {
        "target": config.target.model_dump(mode="json"),
        "arms": list(model.arms_),
        "verified_arms": report.verified,
        "draw": report.draw.broken or "holds",
        "unsplit": model.unsplit(),
        "last_trial": ends,
        "labels_end": f"{Snapshot(ends, config.target.horizon).label_ends_at:%Y-%m-%d}",  # type: ignore[arg-type]
        "features": config.features or {},
        **declared(tables.zone),
        "constants": asdict(features.SnapshotConstants.of(tables)),
        "columns": list(rows.X.columns),
    }
    kinds = {str(name): is_numeric_dtype(kind) for name, kind in rows.X.dtypes.items()}
    return Candidate(
        name=config.register_as.name,
        save=lambda folder: model_folder.save(model, folder, "uplift", profile=profile, **details),
        loader_module=uplift_pyfunc.__name__,
        inputs={name: "double" if numeric else "string" for name, numeric in kinds.items()},
        outputs={uplift_pyfunc.column(arm): "double" for arm in model.arms_},
    )
