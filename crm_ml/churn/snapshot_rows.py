"""Features and churn labels of several snapshots."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from crm_ml.churn.target import MEND, labels
from crm_ml.errors import InputError
from crm_ml.features import matrices
from crm_ml.models.customer_matrix import matrices_of
from crm_ml.models.labelled_rows import MINIMUM, LabelledRows, check_classes
from crm_ml.models.relationship_protocol import End
from crm_ml.models.row_draw import RowDraw
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
    draw: RowDraw | None = None,
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
    draw : RowDraw, optional
        Which rows are held; see `crm_ml.models.customer_matrix.matrices_of`.

    Returns
    -------
    LabelledRows
        Ordered by as_of and customer_id.

    Raises
    ------
    InputError
        If there is no snapshot, a label window reaches beyond the data, or there are too few rows of a class.
    """
    wanted = _one_a_day(snapshots)
    held: dict[str, Any] = {}
    for day, snapshot in wanted.items():
        y = labels(tables, snapshot, active_within, end=end, data_ends_at=data_ends_at, minimum=0)
        held[day] = y if draw is None else draw.of(day, y)
    snapshots = list(wanted.values())
    customers = {snapshot: rows.index for snapshot, rows in zip(snapshots, held.values(), strict=True)}
    known_each = matrices_of(tables, customers, groups) if draw else matrices(tables, snapshots, groups)
    X = {day: known.loc[held[day].index] for day, known in track(zip(held, known_each, strict=True))}
    result = LabelledRows.joined(X, held, "as_of")
    check_classes(result.y, MINIMUM, f"churn at {len(X)} snapshots from {min(X)} to {max(X)}", MEND)
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
