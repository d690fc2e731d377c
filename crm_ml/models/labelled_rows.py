"""Features and labels of several folds, on which models are trained and evaluated."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from crm_ml.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from crm_ml.models.model import Model

MINIMUM = 10
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class LabelledRows:
    """Rows with features and labels.

    Parameters
    ----------
    X : pandas.DataFrame
        Features, indexed by the fold (a text: the day of a snapshot, or a campaign) and customer_id.
    y : pandas.Series of int8
        1 = it happened, with the same index.
    weights : numpy.ndarray of float, shape (n,), optional
        Where rows were drawn (`crm_ml.models.row_draw`): how many of its fold and class a row stands for in
        training, 0 if it does not train. Without it all train alike.
    judges : numpy.ndarray of bool, shape (n,), optional
        Where rows were drawn: whether a row tests, calibrates or validates. Without it all do.

    Raises
    ------
    InputError
        If the labels have another index, or the same in another order.
    """

    X: "pd.DataFrame"
    y: "pd.Series[int]"
    weights: "npt.NDArray[np.float64] | None" = None
    judges: Mask | None = None

    def __post_init__(self) -> None:
        if not self.y.index.equals(self.X.index):
            raise InputError(
                f"labels: the index of {len(self.y):,} labels is not that of the {len(self.X):,} rows of "
                "features in their order; give y.loc[X.index]"
            )

    @classmethod
    def joined(
        cls,
        X: "Mapping[str, pd.DataFrame]",
        labels: "Mapping[str, pd.Series[int] | pd.DataFrame]",
        level: str,
    ) -> "LabelledRows":
        """Return the rows of several folds, in the order of their names.

        Parameters
        ----------
        X : mapping of str to pandas.DataFrame
            Features by fold, indexed by customer_id.
        labels : mapping of str to pandas.Series, or to pandas.DataFrame
            Labels, or what `crm_ml.models.row_draw.RowDraw.of` returned.
        level : str
            Name of the level of the folds.
        """
        import pandas as pd

        names = [level, "customer_id"]
        features = pd.concat(dict(sorted(X.items())), names=names)
        held = pd.concat(dict(sorted(labels.items())), names=names)
        if isinstance(held, pd.Series):
            return cls(features, held)
        return cls(features, held["label"], held["weight"].to_numpy(), held["judges"].to_numpy())

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
        return self.where(self.fold.isin(names))

    def to_train(self, folds: Iterable[object]) -> "LabelledRows":
        """Return the rows of some folds that train; raises as `at`."""
        rows = self.at(folds)
        return rows if rows.weights is None else rows.where(rows.weights > 0)

    def to_judge(self, folds: Iterable[object] | None = None) -> "LabelledRows":
        """Return the rows of some folds, or of all, that test, calibrate or validate; raises as `at`."""
        rows = self if folds is None else self.at(folds)
        return rows if rows.judges is None else rows.where(rows.judges)

    def where(self, keep: Mask) -> "LabelledRows":
        """Return the rows where `keep`, shape (n,), is true."""
        weights = None if self.weights is None else self.weights[keep]
        judges = None if self.judges is None else self.judges[keep]
        return LabelledRows(self.X[keep], self.y[keep], weights, judges)

    @property
    def rate(self) -> float:
        """Share of class 1, of what the rows stand for."""
        return float(np.average(self.y, weights=self.weights))

    def fitted(self, model: "Model") -> "Model":
        """Fit a model to the rows and return it.

        Weights are passed where rows were drawn, with mean 1: penalties and smallest leaves are then those of
        as many rows as there are.
        """
        if self.weights is None:
            return model.fit(self.X, self.y)
        return model.fit(self.X, self.y, self.weights / self.weights.mean())


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
