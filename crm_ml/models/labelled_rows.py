"""Features and labels of several folds, on which models are trained and evaluated."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from crm_ml.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

MINIMUM = 10


@dataclass(frozen=True, eq=False)
class LabelledRows:
    """Rows with features and labels.

    Parameters
    ----------
    X : pandas.DataFrame
        Features, indexed by the fold (a text: the day of a snapshot, or a campaign) and customer_id.
    y : pandas.Series of int8
        1 = it happened, with the same index.

    Raises
    ------
    InputError
        If the labels have another index, or the same in another order.
    """

    X: "pd.DataFrame"
    y: "pd.Series[int]"

    def __post_init__(self) -> None:
        if not self.y.index.equals(self.X.index):
            raise InputError(
                f"labels: the index of {len(self.y):,} labels is not that of the {len(self.X):,} rows of "
                "features in their order; give y.loc[X.index]"
            )

    @property
    def fold(self) -> "pd.Index[str]":
        """Fold of each row."""
        return self.X.index.get_level_values(0)

    @property
    def customer_id(self) -> "pd.Index[str]":
        """Customer of each row."""
        return self.X.index.get_level_values("customer_id")

    def at(self, folds: Iterable[object]) -> "LabelledRows":
        """Return the rows of some of the folds; a snapshot stands for its day.

        Raises
        ------
        InputError
            If a fold is not among the rows.
        """
        names = [str(fold) for fold in folds]
        missing = sorted(set(names) - set(self.fold.unique()))
        if missing:
            raise InputError(f"no rows at {', '.join(missing)}; compute them first")
        keep = self.fold.isin(names)
        return LabelledRows(self.X[keep], self.y[keep])


def check_classes(y: "pd.Series[int]", minimum: int, what: str, mend: str) -> None:
    """Refuse labels with fewer than `minimum` rows of either class.

    Parameters
    ----------
    y : pandas.Series of {0, 1}
    minimum : int
    what, mend : str
        Parts of the message: whose labels they are, and what to change.

    Raises
    ------
    InputError
        The message has the counts of the two classes.
    """
    positives = int(y.sum())
    negatives = len(y) - positives
    if min(positives, negatives) < minimum:
        raise InputError(
            f"{what}: {positives:,} of {len(y):,} rows are positive and {negatives:,} negative; "
            f"at least {minimum} of each are needed: {mend}"
        )
