"""Features and churn labels of several snapshots."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from crm_ml.churn.target import MEND, labels
from crm_ml.errors import InputError
from crm_ml.features import matrices
from crm_ml.models.labelled_rows import MINIMUM, LabelledRows, check_classes
from crm_ml.models.relationship_protocol import End
from crm_ml.snapshots import Snapshot
from crm_ml.tables.bundle import Tables

Groups = Sequence[str] | Mapping[str, Mapping[str, Any]]


def labelled_rows(
    tables: Tables,
    snapshots: Iterable[Snapshot],
    active_within: timedelta,
    groups: Groups | None = None,
    data_ends_at: "date | None" = None,
    track: Callable[[Iterable[Any]], Iterable[Any]] = iter,
    end: End | None = None,
) -> LabelledRows:
    """Compute features and labels of the eligible customers at each snapshot.

    Parameters
    ----------
    tables : Tables
    snapshots : iterable of Snapshot
        Their features are computed together, see `crm_ml.features.matrices`.
    active_within : timedelta
        See `crm_ml.models.active_customers.eligible`.
    groups : sequence of str or mapping, optional
        Feature groups, as `crm_ml.features.matrix` takes them.
    data_ends_at : date, optional
        See `crm_ml.churn.target.labels`.
    track : callable, optional
        Wraps what is iterated over, one element a snapshot, such as ``rich.progress.Progress.track``.
    end : End, optional
        See `crm_ml.churn.target.labels`.

    Returns
    -------
    LabelledRows
        Ordered by as_of and customer_id.

    Raises
    ------
    InputError
        If there is no snapshot, a label window reaches beyond the data, or there are too few rows of a class.
    """
    import pandas as pd

    wanted = _one_a_day(snapshots)
    X, y = {}, {}
    for (day, snapshot), known in track(
        zip(wanted.items(), matrices(tables, wanted.values(), groups), strict=True)
    ):
        y[day] = labels(tables, snapshot, active_within, end=end, data_ends_at=data_ends_at, minimum=0)
        X[day] = known.loc[y[day].index]
    names = ["as_of", "customer_id"]
    result = LabelledRows(
        pd.concat(dict(sorted(X.items())), names=names), pd.concat(dict(sorted(y.items())), names=names)
    )
    check_classes(result.y, MINIMUM, f"churn at {len(y)} snapshots from {min(y)} to {max(y)}", MEND)
    return result


def _one_a_day(snapshots: Iterable[Snapshot]) -> dict[str, Snapshot]:
    by_day: dict[str, Snapshot] = {}
    for snapshot in snapshots:
        if str(snapshot) in by_day:
            raise InputError(f"two snapshots on {snapshot}; rows are named by the day, so take one a day")
        by_day[str(snapshot)] = snapshot
    if not by_day:
        raise InputError("no snapshots to label rows at; give at least one")
    return by_day
