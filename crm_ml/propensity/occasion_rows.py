"""Features and labels of several occasions."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from crm_ml.errors import InputError
from crm_ml.features import matrices
from crm_ml.models.labelled_rows import MINIMUM, LabelledRows, check_classes
from crm_ml.propensity.action_features import action_features_each
from crm_ml.propensity.occasion import Occasion
from crm_ml.snapshots import Snapshot
from crm_ml.tables.bundle import Tables

if TYPE_CHECKING:
    import pandas as pd

Groups = Sequence[str] | Mapping[str, Mapping[str, Any]]
MEND = "take a longer window, more campaigns or other categories"


def features_of(
    tables: Tables, wanted: "Sequence[tuple[Occasion, pd.Index[str], pd.DataFrame]]"
) -> "list[pd.DataFrame]":
    """Return the features of customers for each of several occasions, those of the actions in one pass.

    Parameters
    ----------
    tables : Tables
    wanted : sequence of Occasion, pandas.Index of str, pandas.DataFrame
        Occasion, customers, and `crm_ml.features.matrix` at the occasion's snapshot; a customer without a
        row there gets missing values.

    Returns
    -------
    list of pandas.DataFrame
        Indexed like the customers: the columns of the matrix, then those of the action.
    """
    of_action = action_features_each(tables, [(occasion, customers) for occasion, customers, _ in wanted])
    return [
        known.reindex(customers).join(own)
        for (_, customers, known), own in zip(wanted, of_action, strict=True)
    ]


def labelled_rows(
    tables: Tables,
    occasions: Iterable[Occasion],
    label: Callable[[Tables, Occasion], "pd.Series[int]"],
    groups: Groups | None = None,
    seen: "Callable[[Snapshot, pd.DataFrame], None] | None" = None,
    track: Callable[[Iterable[Any]], Iterable[Any]] = iter,
) -> LabelledRows:
    """Compute features and labels of each occasion, in the order of time.

    Parameters
    ----------
    tables : Tables
    occasions : iterable of Occasion
        Their features are computed together, see `crm_ml.features.matrices`.
    label : callable
        Returns 0 or 1 for each customer of an occasion, indexed by customer_id.
    groups : sequence of str or mapping, optional
        Feature groups, as `crm_ml.features.matrix` takes them.
    seen : callable, optional
        Called with each snapshot and the features of all customers who were known at it.
    track : callable, optional
        Wraps what is iterated over, one element a snapshot, such as ``rich.progress.Progress.track``.

    Returns
    -------
    LabelledRows
        Indexed by occasion and customer_id, in this order.

    Raises
    ------
    InputError
        If there is no occasion, or there are too few rows of a class.
    """
    import pandas as pd

    by_day: dict[Snapshot, list[Occasion]] = {}
    for occasion in occasions:
        by_day.setdefault(occasion.snapshot, []).append(occasion)
    y, wanted = {}, []
    for snapshot, known in track(zip(by_day, matrices(tables, by_day, groups), strict=True)):
        for occasion in by_day[snapshot]:
            y[occasion.name] = label(tables, occasion)
            customers = y[occasion.name].index
            wanted.append((occasion, customers, known.reindex(customers)))
        if seen is not None:
            seen(snapshot, known)
    if not y:
        raise InputError("no occasions to label rows at; give at least one")
    X = dict(zip(y, features_of(tables, wanted), strict=True))
    names = ["occasion", "customer_id"]
    result = LabelledRows(
        pd.concat(dict(sorted(X.items())), names=names), pd.concat(dict(sorted(y.items())), names=names)
    )
    check_classes(result.y, MINIMUM, f"answers at {len(y)} occasions from {min(y)} to {max(y)}", MEND)
    return result
