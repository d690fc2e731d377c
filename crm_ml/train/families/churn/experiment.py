"""The churn experiment: rolling test snapshots, baselines beside the model, gates, and the final model."""

import functools
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING

from crm_ml import features
from crm_ml.churn import churn_pyfunc
from crm_ml.churn.snapshot_rows import labelled_rows
from crm_ml.churn.target import labels
from crm_ml.config import ChurnRun
from crm_ml.errors import InputError
from crm_ml.evaluation import leakage
from crm_ml.models.customer_matrix import of_some
from crm_ml.models.labelled_rows import LabelledRows
from crm_ml.models.row_draw import RowDraw
from crm_ml.snapshots import Snapshot, check_data_reach, check_labels_end_before
from crm_ml.tables import Tables
from crm_ml.tables.zones import declared
from crm_ml.train.families.probability import search as of_probability
from crm_ml.train.families.probability import used_rows
from crm_ml.train.families.probability.present_rows import check_rows
from crm_ml.train.families.probability.row_plan import row_draw
from crm_ml.train.families.probability.study import Fold, Study
from crm_ml.train.record.outcome import Outcome
from crm_ml.train.search.validation_folds import Parts, days_before

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from rich.progress import Progress

    from crm_ml.evaluation.significance import Over

VIEWS: "Mapping[str, Over]" = {
    "auc": "folds",
    "average_precision": "folds",
    "log_loss": "pooled",
    "brier": "pooled",
    "ece": "pooled",
}


def execute(config: ChurnRun, tables: Tables, progress: "Progress", studies: "Path | None" = None) -> Outcome:
    """Run the churn experiment of one config.

    Parameters
    ----------
    config : ChurnRun
    tables : Tables
    progress : rich.progress.Progress
    studies : Path, optional
        Where the trials of a search are retained; in memory without it.

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
        If the tables do not reach far enough, a day has no rows or a class is too rare.
    """
    folds = [fold(config, as_of) for as_of in config.split.test]
    final = fold(config, config.register_as.as_of)
    ahead = folds_ahead(config)
    needed = [snapshot for each in (*folds, *ahead.every) for snapshot in (each.test, *each.training)]
    needed += final.training
    for last in (folds[-1].test, final.training[-1]):  # a day of the config stands in the error
        check_data_reach(tables, last, config.data.ends_at, config.target.end.table)
    draw = draw_of(config, tables, (*folds, *ahead.every), final)
    rows = compute_rows(config, tables, needed, progress, draw)
    customers = (
        {day: sum(classes) for day, classes in draw.counts.items()}
        if draw
        else {str(day): int(n) for day, n in rows.fold.value_counts().items()}
    )
    rows = used_rows.allowed_rows(tables, rows, final.test, config.target.purpose)
    check_rows(rows, (*folds, *ahead.every), final, config.target.purpose)
    check_point_in_time(config, tables, config.target.snapshot(config.split.test[-1]))
    details = {
        "active_within_days": config.target.active_within_days,
        "gap_days": config.target.gap_days,
        "horizon_days": config.target.horizon_days,
        "labels_end": f"{final.training[-1].label_ends_at:%Y-%m-%d}",
        "features": config.groups or {},
        **config.target.of_events,
        **declared(tables.zone),
        "constants": asdict(features.SnapshotConstants.of(tables)),
    }
    study = Study(config, rows, tuple(folds), final, VIEWS, churn_pyfunc, details, (), customers, draw=draw)
    return of_probability.run(study, ahead, studies, progress)


def folds_ahead(config: ChurnRun) -> Parts[Fold[Snapshot]]:
    """Return the folds before the first test that a search goes by; none without a search."""
    if config.tuning is None:
        return Parts((), ())
    days = days_before(config.target.snapshot(config.split.test[0]), config.tuning.validation)
    search, confirm = ([fold(config, day.as_of) for day in part] for part in (days.search, days.confirm))
    return Parts(tuple(search), tuple(confirm))


def fold(config: ChurnRun, as_of: date) -> Fold[Snapshot]:
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
        training = [snapshot for snapshot in training if snapshot.as_of >= first.as_of]
    if not training:
        raise InputError(f"no training snapshot lies between {config.split.earliest} and {as_of}; test later")
    check_labels_end_before(training, test)
    return Fold(test, tuple(training))


def draw_of(
    config: ChurnRun, tables: Tables, folds: Sequence[Fold[Snapshot]], final: Fold[Snapshot]
) -> RowDraw | None:
    """Return which rows are drawn, None where all are held; see `row_draw`."""
    target = config.target
    label = functools.partial(labels, end=target.end, data_ends_at=config.data.ends_at, minimum=0)
    return row_draw(config, tables, folds, final, lambda day: label(tables, day, target.active_within))


def compute_rows(
    config: ChurnRun,
    tables: Tables,
    snapshots: Iterable[Snapshot],
    progress: "Progress",
    draw: RowDraw | None = None,
) -> LabelledRows:
    """Compute features and labels at each snapshot once, in the order of time."""
    wanted = {snapshot.as_of: snapshot for snapshot in snapshots}
    ordered = [wanted[as_of] for as_of in sorted(wanted)]
    track = functools.partial(progress.track, total=len(ordered), description="features and labels")
    groups, ends_at = used_rows.groups_of(config), config.data.ends_at
    target = config.target
    return labelled_rows(tables, ordered, target.active_within, groups, ends_at, track, target.end, draw)


def check_point_in_time(config: ChurnRun, tables: Tables, snapshot: Snapshot) -> None:
    """Compute the features of one snapshot with and without all later rows and compare them exactly.

    Of very many customers a part is compared.

    Raises
    ------
    LeakError
        If a feature differs.
    """
    groups = used_rows.groups_of(config)
    with of_some(tables) as some:
        parts = ((some, tables), (snapshot.known(some), snapshot.known(tables)))
        matrices = [
            features.matrix(part, snapshot, groups, features.SnapshotConstants.of(whole))
            for part, whole in parts
        ]
    leakage.check_point_in_time(*matrices)
