"""Features and labels of several snapshots, the rows that models are trained and judged on."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from crm_ml.churn.target import MINIMUM, check_classes, labels
from crm_ml.errors import InputError
from crm_ml.features import matrix
from crm_ml.snapshots import Snapshot
from crm_ml.tables.bundle import Tables

if TYPE_CHECKING:
    import pandas as pd

Groups = Sequence[str] | Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, eq=False)
class LabelledRows:
    """Rows with features and labels.

    Parameters
    ----------
    X : pandas.DataFrame
        Features, indexed by as_of (text, YYYY-MM-DD) and customer_id, in that order.
    y : pandas.Series of int8
        1 = churned, with the same index.
    """

    X: "pd.DataFrame"
    y: "pd.Series[int]"

    @property
    def as_of(self) -> "pd.Index[str]":
        """Snapshot of each row."""
        return self.X.index.get_level_values("as_of")

    @property
    def customer_id(self) -> "pd.Index[str]":
        """Customer of each row."""
        return self.X.index.get_level_values("customer_id")

    def at(self, snapshots: Sequence[Snapshot]) -> "LabelledRows":
        """Return the rows of some of the snapshots.

        Raises
        ------
        InputError
            If a snapshot is not among the rows.
        """
        names = [_name(snapshot) for snapshot in snapshots]
        missing = sorted(set(names) - set(self.as_of))
        if missing:
            raise InputError(f"no rows at {', '.join(missing)}; compute them first")
        keep = self.as_of.isin(names)
        return LabelledRows(self.X[keep], self.y[keep])


def labelled_rows(
    tables: Tables,
    snapshots: Iterable[Snapshot],
    active_within: timedelta,
    groups: Groups | None = None,
    data_ends_at: "date | None" = None,
) -> LabelledRows:
    """Compute features and labels of the eligible customers at each snapshot.

    Parameters
    ----------
    tables : Tables
    snapshots : iterable of Snapshot
        Read once, so that a progress bar can count them.
    active_within : timedelta
        See `crm_ml.churn.target.eligible`.
    groups : sequence of str or mapping, optional
        Feature groups, as `crm_ml.features.matrix` takes them.
    data_ends_at : date, optional
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

    X, y = {}, {}
    for one in snapshots:
        if _name(one) in y:
            raise InputError(f"two snapshots on {_name(one)}; rows are named by the day, so take one a day")
        y[_name(one)] = labels(tables, one, active_within, data_ends_at=data_ends_at, minimum=0)
        X[_name(one)] = matrix(tables, one, groups).loc[y[_name(one)].index]
    if not y:
        raise InputError("no snapshots to label rows at; give at least one")
    names = ["as_of", "customer_id"]
    result = LabelledRows(
        pd.concat(dict(sorted(X.items())), names=names), pd.concat(dict(sorted(y.items())), names=names)
    )
    check_classes(result.y, MINIMUM, f"churn at {len(y)} snapshots from {min(y)} to {max(y)}")
    return result


def _name(snapshot: Snapshot) -> str:
    return f"{snapshot.as_of:%Y-%m-%d}"
