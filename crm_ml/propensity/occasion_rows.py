"""Features and labels of several occasions."""

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from crm_ml.errors import InputError
from crm_ml.features import matrix
from crm_ml.models.labelled_rows import MINIMUM, LabelledRows, check_classes
from crm_ml.propensity.action_features import action_features
from crm_ml.propensity.occasion import Occasion
from crm_ml.snapshots import Snapshot
from crm_ml.tables.bundle import Tables

if TYPE_CHECKING:
    import pandas as pd

Groups = Sequence[str] | Mapping[str, Mapping[str, Any]]
MEND = "take a longer window, more campaigns or other categories"


def features_of(
    tables: Tables, occasion: Occasion, customers: "pd.Index[str]", known: "pd.DataFrame"
) -> "pd.DataFrame":
    """Return the features of customers for an occasion.

    Parameters
    ----------
    tables : Tables
    occasion : Occasion
    customers : pandas.Index of str
    known : pandas.DataFrame
        `crm_ml.features.matrix` at the occasion's snapshot; a customer without a row there gets missing
        values.

    Returns
    -------
    pandas.DataFrame
        Indexed like `customers`: the columns of `known`, then those of the action.
    """
    return known.reindex(customers).join(action_features(tables, occasion, customers))


def labelled_rows(
    tables: Tables,
    occasions: Iterable[Occasion],
    label: Callable[[Tables, Occasion], "pd.Series[int]"],
    groups: Groups | None = None,
    seen: "Callable[[Snapshot, pd.DataFrame], None] | None" = None,
) -> LabelledRows:
    """Compute features and labels of each occasion, in the order of time.

    Parameters
    ----------
    tables : Tables
    occasions : iterable of Occasion
        In the order of time; read once, so that a progress bar can count them.
    label : callable
        Returns 0 or 1 for each customer of an occasion, indexed by customer_id.
    groups : sequence of str or mapping, optional
        Feature groups, as `crm_ml.features.matrix` takes them.
    seen : callable, optional
        Called with each snapshot and the features of all customers who were known at it.

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

    X, y = {}, {}
    for snapshot, together in itertools.groupby(occasions, key=lambda occasion: occasion.snapshot):
        known: pd.DataFrame | None = None
        with tables.scratch() as inside:
            for occasion in together:
                known = matrix(tables, occasion.snapshot, groups) if known is None else known
                y[occasion.name] = label(tables, occasion)
                X[occasion.name] = features_of(inside, occasion, y[occasion.name].index, known)
        if seen is not None and known is not None:
            seen(snapshot, known)
    if not y:
        raise InputError("no occasions to label rows at; give at least one")
    names = ["occasion", "customer_id"]
    result = LabelledRows(
        pd.concat(dict(sorted(X.items())), names=names), pd.concat(dict(sorted(y.items())), names=names)
    )
    check_classes(result.y, MINIMUM, f"answers at {len(y)} occasions from {min(y)} to {max(y)}", MEND)
    return result
