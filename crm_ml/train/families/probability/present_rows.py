"""Whether each day or campaign that trains or tests has rows, asked before anything is fitted."""

from collections.abc import Iterable
from typing import Any

from crm_ml.errors import InputError
from crm_ml.models.labelled_rows import LabelledRows
from crm_ml.train.families.probability.study import Fold

_MOST_NAMED = 5


def check_rows(rows: LabelledRows, folds: Iterable[Fold[Any]], final: Fold[Any], purpose: str | None) -> None:
    """Refuse folds for which no row trains or tests.

    Parameters
    ----------
    rows : LabelledRows
    folds : iterable of Fold
        All that are tested or validated.
    final : Fold
        Of the model that is registered; its test has no rows.
    purpose : str, optional
        That customers must have allowed for their rows to be here.

    Raises
    ------
    InputError
        If there is a fold of which no row trains, or a day or campaign without rows; all are named.
    """
    known, judged = set(rows.fold), set(rows.to_judge().fold)
    trained = known if rows.weights is None else set(rows.fold[rows.weights > 0])
    tests = {str(each.test) for each in folds}
    used, empty = set(tests), tests - judged
    for each in (*folds, final):
        training = {str(one) for one in each.training}
        used |= training
        empty |= training - known if training & trained else training
    if empty:
        raise InputError(_message(empty, used, purpose))


def _message(empty: set[str], used: set[str], purpose: str | None) -> str:
    names = sorted(empty)
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    whom = "" if purpose is None else f" of a customer who allows target.purpose {purpose!r}"
    return (
        f"rows: {len(names)} of {len(used)} days or campaigns that train or test have no row{whom}: "
        f"{', '.join(names[:_MOST_NAMED])}{more}; leave them out by split, or let target take more customers"
    )
