"""Which occasions train for which: campaigns that had ended, and categories or kinds of earlier snapshots."""

from collections.abc import Sequence
from datetime import date, timedelta

from crm_ml.config.propensity import EventTarget, PurchaseTarget
from crm_ml.config.split import CampaignSplit, SnapshotSplit
from crm_ml.config.tuning import Tuning
from crm_ml.errors import InputError
from crm_ml.propensity.event_occasions import event_occasions
from crm_ml.propensity.occasion import Occasion
from crm_ml.propensity.purchases import category_occasions
from crm_ml.snapshots import Snapshot, check_labels_end_before
from crm_ml.train.families.probability.study import Fold
from crm_ml.train.search.validation_folds import Parts, days_before

Folds = tuple[Fold[Occasion], ...]
OfSnapshots = PurchaseTarget | EventTarget


def ended(
    sent: Sequence[Occasion], before: Occasion | Snapshot, earliest: date | None
) -> tuple[Occasion, ...]:
    """Return the campaigns whose windows had ended, oldest first.

    Parameters
    ----------
    sent : sequence of Occasion
        In the order of time.
    before : Occasion or Snapshot
    earliest : date, optional
        None that was sent before it counts.

    Raises
    ------
    InputError
        If there is none.
    """
    over = [occasion for occasion in sent if occasion.label_ends_at <= before.as_of]
    if earliest is not None:
        start = Snapshot(earliest, timedelta(days=1)).as_of  # type: ignore[arg-type]
        over = [occasion for occasion in over if occasion.as_of >= start]
    if not over:
        raise InputError(f"no campaign had ended before {before}; test later ones or set an earlier earliest")
    return tuple(over)


def campaigns_ahead(
    tuning: Tuning | None, split: CampaignSplit, sent: Sequence[Occasion], tests: Sequence[Occasion]
) -> Parts[Fold[Occasion]]:
    """Return folds of the newest campaigns that had ended before what comes after them, for a search.

    Raises
    ------
    InputError
        If fewer had ended than the search wants.
    """
    if tuning is None:
        return Parts((), ())
    wanted = tuning.validation
    first = min(tests, key=lambda occasion: occasion.as_of)
    confirm = ended(sent, first, split.earliest)[-wanted.confirm :]
    search = ended(sent, confirm[0], split.earliest)[-wanted.search :]
    if len(confirm) < wanted.confirm or len(search) < wanted.search:
        raise InputError(
            f"tuning.validation: {len(search)} campaigns for the search and {len(confirm)} to confirm had "
            f"ended in time, not {wanted.search} and {wanted.confirm}; ask for fewer or test later ones"
        )
    parts = [
        tuple(Fold(occasion, ended(sent, occasion, split.earliest)) for occasion in part)
        for part in (search, confirm)
    ]
    return Parts(*parts)


def occasions_at(target: OfSnapshots, snapshot: Snapshot) -> list[Occasion]:
    """Return an occasion for each category or kind of event at a snapshot."""
    if isinstance(target, EventTarget):
        return event_occasions(snapshot, target.kinds)
    return category_occasions(snapshot, target.categories)


def snapshot_folds(target: OfSnapshots, split: SnapshotSplit, days: Sequence[date]) -> Folds:
    """Return a fold for each day and category or kind of event; raises as `snapshot_training`."""
    return tuple(
        Fold(test, training)
        for day in days
        for training in [snapshot_training(target, split, day)]
        for test in occasions_at(target, target.snapshot(day))
    )


def snapshots_ahead(
    tuning: Tuning | None, target: OfSnapshots, split: SnapshotSplit
) -> Parts[Fold[Occasion]]:
    """Return folds of the categories or kinds on days before the first test, for a search."""
    if tuning is None:
        return Parts((), ())
    days = days_before(target.snapshot(split.test[0]), tuning.validation)
    parts = [
        snapshot_folds(target, split, [day.as_of for day in part]) for part in (days.search, days.confirm)
    ]
    return Parts(*parts)


def snapshot_training(target: OfSnapshots, split: SnapshotSplit, day: date) -> tuple[Occasion, ...]:
    """Return what trains for a day: the categories or kinds of earlier snapshots.

    Raises
    ------
    InputError
        If ``split.earliest`` leaves none.
    """
    test = target.snapshot(day)
    training = test.training(split.training_snapshots, split.every_days)
    if split.earliest is not None:
        training = [
            occasion for occasion in training if occasion.as_of >= target.snapshot(split.earliest).as_of
        ]
    if not training:
        raise InputError(f"no training snapshot lies between {split.earliest} and {day}; test later")
    check_labels_end_before(training, test)
    return tuple(occasion for snapshot in training for occasion in occasions_at(target, snapshot))
