"""Features and labels of several occasions."""

import functools
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from crm_ml.errors import InputError
from crm_ml.features import matrices
from crm_ml.models.customer_matrix import matrices_of
from crm_ml.models.labelled_rows import MINIMUM, LabelledRows, check_classes
from crm_ml.models.model_profiles import Known
from crm_ml.models.row_draw import RowDraw
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
    seen: "Known | None" = None,
    track: Callable[[Iterable[Any]], Iterable[Any]] = iter,
    draw: RowDraw | None = None,
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
    seen : Known, optional
        Keeps what it wants of the features of all customers who were known.
    track : callable, optional
        Wraps what is iterated over, one element a snapshot, such as ``rich.progress.Progress.track``.
    draw : RowDraw, optional
        Which rows are held; see `crm_ml.models.customer_matrix.matrices_of`.

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
    held: dict[str, Any] = {}
    for occasion in itertools.chain.from_iterable(by_day.values()):
        labels = label(tables, occasion)
        held[occasion.name] = labels if draw is None else draw.of(occasion.name, labels)
    if not held:
        raise InputError("no occasions to label rows at; give at least one")
    if draw is None:
        known_each = matrices(tables, by_day, groups)
    else:
        customers = {
            snapshot: functools.reduce(pd.Index.union, (held[each.name].index for each in at))
            for snapshot, at in by_day.items()
        }
        known_each = matrices_of(tables, customers, groups, () if seen is None else seen.wanted)
    wanted = []
    for (snapshot, at), known in track(zip(by_day.items(), known_each, strict=True)):
        for ids, occasion in ((held[each.name].index, each) for each in at):
            wanted.append((occasion, ids, known.reindex(ids)))
        if seen is not None:
            seen.keep(snapshot, known)
    X = dict(zip(held, features_of(tables, wanted), strict=True))
    result = LabelledRows.joined(X, held, "occasion")
    check_classes(result.y, MINIMUM, f"answers at {len(X)} occasions from {min(X)} to {max(X)}", MEND)
    return result
