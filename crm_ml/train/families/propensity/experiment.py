"""The propensity experiment: each occasion is predicted by a model of those that were over before it."""

import functools
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from crm_ml import features
from crm_ml.config import PropensityRun
from crm_ml.config.propensity import AnswerTarget, EventTarget, PurchaseTarget
from crm_ml.config.split import CampaignSplit, SnapshotSplit
from crm_ml.consents import check_purpose, consenting
from crm_ml.errors import InputError
from crm_ml.evaluation import leakage
from crm_ml.models.customer_matrix import of_some
from crm_ml.models.labelled_rows import LabelledRows
from crm_ml.models.model_profiles import Known, Seen
from crm_ml.models.row_draw import RowDraw
from crm_ml.propensity import propensity_pyfunc
from crm_ml.propensity.action_features import COLUMNS
from crm_ml.propensity.campaign_responses import answers, sent_campaigns
from crm_ml.propensity.event_occasions import events_in
from crm_ml.propensity.occasion import Occasion
from crm_ml.propensity.occasion_rows import features_of, labelled_rows
from crm_ml.propensity.purchases import purchases_in
from crm_ml.snapshots import Snapshot, check_data_reach
from crm_ml.tables import Tables
from crm_ml.tables.zones import declared
from crm_ml.train.families.probability import search, used_rows
from crm_ml.train.families.probability.present_rows import check_rows
from crm_ml.train.families.probability.row_plan import row_draw
from crm_ml.train.families.probability.study import Fold, Study
from crm_ml.train.families.propensity.folds import (
    campaigns_ahead,
    ended,
    snapshot_folds,
    snapshot_training,
    snapshots_ahead,
)
from crm_ml.train.record.outcome import Outcome
from crm_ml.train.search.validation_folds import Parts

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pandas as pd
    from rich.progress import Progress

    from crm_ml.evaluation.significance import Over

VIEWS: "Mapping[str, Over]" = {
    "auc": "pooled",
    "average_precision": "pooled",
    "log_loss": "pooled",
    "brier": "pooled",
    "ece": "pooled",
}
Label = Callable[[Tables, Occasion], "pd.Series[int]"]


@dataclass(frozen=True)
class OccasionPlan:
    """Occasions of an experiment: folds with their training, the final one, and how a row is labelled.

    `ahead` are the folds before the first test that a search goes by.
    """

    folds: tuple[Fold[Occasion], ...]
    final: Fold[Snapshot | Occasion]
    label: Label
    ahead: Parts[Fold[Occasion]]

    @property
    def occasions(self) -> list[Occasion]:
        """All occasions that need rows, in the order of time."""
        parts = [
            occasion for each in (*self.folds, *self.ahead.every) for occasion in (each.test, *each.training)
        ]
        by_name = {
            occasion.name: occasion
            for occasion in [*parts, *self.final.training]
            if isinstance(occasion, Occasion)
        }
        return sorted(by_name.values(), key=lambda occasion: (occasion.as_of, occasion.name))


def execute(
    config: PropensityRun, tables: Tables, progress: "Progress", studies: "Path | None" = None
) -> Outcome:
    """Run the propensity experiment of one config.

    Parameters
    ----------
    config : PropensityRun
    tables : Tables
    progress : rich.progress.Progress
    studies : Path, optional
        Where the trials of a search are retained; in memory without it.

    Returns
    -------
    Outcome
        Metrics are pooled over the rows of all test occasions; intervals draw whole customers.

    Raises
    ------
    LeakError
        If labels reach into a test occasion, a feature gives the label away or knows later rows.
    InputError
        If nothing trains or tests, the tables do not reach far enough, or a class is too rare.
    """
    check_purpose(tables, config.target.purpose)
    plan = make_plan(config, tables)
    known = Known.newest(plan.final.training, lambda occasion: occasion.kind)
    folds = (*plan.folds, *plan.ahead.every)
    draw = row_draw(config, tables, folds, plan.final, functools.partial(plan.label, tables))
    rows = compute_rows(config, tables, plan, progress, known, draw)
    today = Snapshot(config.register_as.as_of, timedelta(days=1))  # type: ignore[arg-type]
    rows = used_rows.allowed_rows(tables, rows, today, config.target.purpose)
    check_rows(rows, folds, plan.final, config.target.purpose)
    check_point_in_time(config, tables, plan)
    details = {
        "target": config.target.model_dump(mode="json"),
        "kinds": sorted(
            {occasion.kind for occasion in plan.final.training if isinstance(occasion, Occasion)}
        ),
        "labels_end": f"{max(occasion.label_ends_at for occasion in plan.final.training):%Y-%m-%d}",
        "features": config.groups or {},
        **declared(tables.zone),
        "constants": asdict(features.SnapshotConstants.of(tables)),
        "columns": list(used_rows.used_rows(rows, config, COLUMNS).X.columns),
    }
    who = None if config.target.purpose is None else consenting(tables, today, config.target.purpose)
    seen = seen_by(tables, plan, known.allowed(who), details["columns"])
    study = Study(
        config,
        rows,
        plan.folds,
        plan.final,
        VIEWS,
        propensity_pyfunc,
        details,
        COLUMNS,
        known.customers,
        seen,
        draw,
    )
    return search.run(study, plan.ahead, studies, progress)


def make_plan(config: PropensityRun, tables: Tables) -> OccasionPlan:
    """Return the occasions that test and those that train for each of them; raises as `execute`."""
    target, split = config.target, config.split
    if isinstance(target, AnswerTarget) and isinstance(split, CampaignSplit):
        return _plan_of_answers(config, target, split, sent_campaigns(tables, target.kinds), tables)
    assert isinstance(target, PurchaseTarget | EventTarget) and isinstance(split, SnapshotSplit)
    outcome = events_in if isinstance(target, EventTarget) else purchases_in
    label = functools.partial(outcome, active_within=target.active_within, data_ends_at=config.data.ends_at)
    folds = snapshot_folds(target, split, split.test)
    as_of = config.register_as.as_of
    training = snapshot_training(target, split, as_of)
    return OccasionPlan(
        folds,
        Fold[Snapshot | Occasion](target.snapshot(as_of), training),
        label,
        snapshots_ahead(config.tuning, target, split),
    )


def compute_rows(
    config: PropensityRun,
    tables: Tables,
    plan: OccasionPlan,
    progress: "Progress",
    known: Known | None = None,
    draw: RowDraw | None = None,
) -> LabelledRows:
    """Compute features and labels of each occasion once, in the order of time.

    `known` keeps what it wants of all who were known.
    """
    days = len({occasion.snapshot for occasion in plan.occasions})
    track = functools.partial(progress.track, total=days, description="features and labels")
    groups = used_rows.groups_of(config)
    return labelled_rows(tables, plan.occasions, plan.label, groups, known, track, draw)


def seen_by(tables: Tables, plan: OccasionPlan, known: Known, used: Collection[str]) -> tuple[Seen, ...]:
    """Return the newest occasions of each kind with everybody who was known, as a list would score them."""
    wanted = [
        (occasion, known.frames[occasion.as_of].index, known.frames[occasion.as_of])
        for occasion in plan.final.training
        if isinstance(occasion, Occasion) and occasion.as_of in known.frames
    ]
    features_by_occasion = zip(wanted, features_of(tables, wanted), strict=True)
    return tuple(
        Seen(occasion.as_of, X[list(used)], occasion.kind) for (occasion, *_), X in features_by_occasion
    )


def check_point_in_time(config: PropensityRun, tables: Tables, plan: OccasionPlan) -> None:
    """Compute the features of the last test occasion with and without later rows and compare them exactly.

    Of very many customers a part is compared.

    Raises
    ------
    LeakError
        If a feature differs.
    """
    test = plan.folds[-1].test
    customers = plan.label(tables, test).index
    groups = used_rows.groups_of(config)
    with of_some(tables) as some:
        customers = customers[customers.isin(some.pandas("customers")["customer_id"])]
        parts = ((some, tables), (test.snapshot.known(some), test.snapshot.known(tables)))
        matrices = [
            features_of(part, [(test, customers, features.matrix(part, test.snapshot, groups, constants))])[0]
            for part, whole in parts
            for constants in [features.SnapshotConstants.of(whole)]
        ]
    leakage.check_point_in_time(*matrices)


def _plan_of_answers(
    config: PropensityRun,
    target: AnswerTarget,
    split: CampaignSplit,
    sent: Sequence[Occasion],
    tables: Tables,
) -> OccasionPlan:
    first, last = (Snapshot(day, timedelta(days=1)) for day in (split.test_from, split.test_until))  # type: ignore[arg-type]
    tests = [occasion for occasion in sent if first.as_of <= occasion.as_of <= last.as_of]
    if not tests:
        raise InputError(f"touches: no campaign was sent from {split.test_from} until {split.test_until}")
    if not split.open_windows:
        for occasion in tests:
            check_data_reach(tables, occasion.snapshot, config.data.ends_at)
    folds = tuple(Fold(occasion, ended(sent, occasion, split.earliest)) for occasion in tests)
    today = Snapshot(config.register_as.as_of, timedelta(days=1))  # type: ignore[arg-type]
    label = functools.partial(answers, responses=target.responses)
    ahead = campaigns_ahead(config.tuning, split, sent, tests)
    return OccasionPlan(folds, Fold(today, ended(sent, today, split.earliest)), label, ahead)
