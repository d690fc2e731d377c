"""Which rows of many train a model and which judge it, drawn by a keyed hash of customer and fold.

Of more rows than a run may hold, each fold gives a share of either class to training, the rarer one the
larger share: it may take half of all rows. A row weighs what it stands for, so that the weights of a fold and
class sum to its rows exactly, and every rate is that of all rows. A draw knows the hash and the class of a
row, which is known by the time that the row trains; within a class it selects nothing.

Rows that judge (tests, calibration, validation) are those of customers drawn evenly, the same ones on all
days and whatever their class: they need no weights, and the bootstrap of customers has the width of as many.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from crm_ml.customer_hash import uniform
from crm_ml.models.labelled_rows import LabelledRows

if TYPE_CHECKING:
    import pandas as pd

RARER_SHARE = 0.5
Counts = tuple[int, int]  # rows of class 0 and 1


@dataclass(frozen=True)
class RowDraw:
    """Shares of the rows that are drawn.

    Parameters
    ----------
    seed : int
        Key of the hash.
    shares : tuple of float
        Of class 0 and 1 in each fold that trains.
    judging_share : float
        Of the customers, in each fold that judges.
    training, judging : frozenset of str
        Folds that train some model, and those that judge one.
    counts : mapping of str to tuple of int
        All rows of class 0 and 1 by fold.
    """

    seed: int
    shares: tuple[float, float]
    judging_share: float
    training: frozenset[str]
    judging: frozenset[str]
    counts: Mapping[str, Counts] = field(default_factory=dict)

    @classmethod
    def within(
        cls,
        limits: tuple[int | None, int | None],
        seed: int,
        counts: Mapping[str, Counts],
        training: Iterable[Sequence[str]],
        judging: Iterable[str],
    ) -> "RowDraw | None":
        """Return the draw that keeps to limits, or None where all rows do.

        Parameters
        ----------
        limits : tuple of int or None
            Rows that train one model, and rows that judge, at most.
        seed : int
        counts : mapping of str to tuple of int
            Rows of class 0 and 1 by fold.
        training : iterable of sequence of str
            Folds that train each of the models.
        judging : iterable of str

        Examples
        --------
        >>> counts = {"may": (9_000, 1_000), "june": (1_000, 100)}
        >>> RowDraw.within((4_000, None), 0, counts, [["may"]], ["june"]).shares
        (0.3333333333333333, 1.0)
        """
        most, most_judging = limits
        models, judges = [tuple(names) for names in training], frozenset(judging)
        by_model = [_shares(_sum(counts, names), most) for names in models]
        shares = min(share for share, _ in by_model), min(share for _, share in by_model)
        rows = sum(_sum(counts, judges))
        judging_share = 1.0 if most_judging is None or rows <= most_judging else most_judging / rows
        if (*shares, judging_share) == (1.0, 1.0, 1.0):
            return None
        names = frozenset(name for each in models for name in each)
        return cls(seed, shares, judging_share, names, judges, dict(counts))

    def of(self, fold: str, y: "pd.Series[int]") -> "pd.DataFrame":
        """Return the rows of a fold that are held.

        Parameters
        ----------
        fold : str
        y : pandas.Series of {0, 1}
            Of all rows, by customer_id.

        Returns
        -------
        pandas.DataFrame
            Columns ``label``, ``weight`` (0 where a row does not train) and ``judges``, in the order of `y`.
        """
        import pandas as pd

        weight, judges = np.zeros(len(y)), np.zeros(len(y), dtype=bool)
        if fold in self.training:
            labels = y.to_numpy()
            number = self._numbers(y.index, f"training rows {fold}", min(self.shares))
            for label, share in enumerate(self.shares):
                places = np.flatnonzero(labels == label)
                size = _size(share, len(places))
                weight[places[np.argsort(number[places], kind="stable")[:size]]] = len(places) / max(size, 1)
        if fold in self.judging:
            judges = self._numbers(y.index, "judging rows", self.judging_share) < self.judging_share
        held = (weight > 0) | judges
        columns = {"label": y.to_numpy()[held], "weight": weight[held], "judges": judges[held]}
        return pd.DataFrame(columns, index=y.index[held])

    def drawn(self, folds: Iterable[str]) -> tuple[int, int, int]:
        """Return how many rows folds have, how many of them train, and how many of those are of class 1."""
        names = list(folds)
        sizes = [
            [_size(*pair) for pair in zip(self.shares, self.counts[name], strict=True)] for name in names
        ]
        return sum(_sum(self.counts, names)), sum(map(sum, sizes)), sum(size for _, size in sizes)

    def facts(self, final: Sequence[str]) -> dict[str, Any]:
        """Return what was drawn, as a run logs it; `final` are the folds that train its last model."""
        rows, drawn, positives = self.drawn(final)
        return {
            "rule": "smallest BLAKE2b of customer and fold, keyed with the seed, of each class in each fold",
            "seed": self.seed,
            "share_of_class_0": self.shares[0],
            "share_of_class_1": self.shares[1],
            "share_of_judging_customers": self.judging_share,
            "final": {"rows": rows, "drawn": drawn, "drawn_positives": positives},
            "rows_by_fold": {name: sum(counts) for name, counts in sorted(self.counts.items())},
        }

    def text(self, final: Sequence[str]) -> str:
        """Return what was drawn in a sentence."""
        rows, drawn, positives = self.drawn(final)
        judged = ""
        if self.judging_share < 1:
            judged = f"; {self.judging_share:.1%} of the customers judge, and intervals are of as many"
        return (
            f"the final model learned from {drawn:,} of {rows:,} rows, {positives:,} of them positive, drawn "
            f"by a keyed hash (seed {self.seed}) and weighted to the rates of all{judged}"
        )

    def _numbers(self, customers: "pd.Index[str]", what: str, share: float) -> Any:
        """Return a number in [0, 1) of each customer; all 0 where the whole share is taken."""
        if share >= 1:
            return np.zeros(len(customers))
        return uniform(customers.tolist(), str(self.seed), what)


def evenly(rows: LabelledRows) -> LabelledRows:
    """Return training rows of which all had the same chance to be drawn, where rows were drawn by class."""
    if rows.weights is None:
        return rows
    chance = rows.weights / rows.weights.max()
    number = np.ones(len(chance))
    for fold in rows.fold.unique():
        ours = np.asarray(rows.fold == fold)
        number[ours] = uniform(rows.customer_id[ours].tolist(), "", f"evenly {fold}")
    return rows.where(number < chance)


def _sum(counts: Mapping[str, Counts], names: Iterable[str]) -> Counts:
    parts = [counts[name] for name in names]
    return sum(zeros for zeros, _ in parts), sum(ones for _, ones in parts)


def _shares(rows: Counts, most: int | None) -> tuple[float, float]:
    """Return the shares of class 0 and 1 by which `most` of the rows are drawn."""
    if most is None or sum(rows) <= most:
        return 1.0, 1.0
    rarer = min(rows)
    taken = min(rarer, int(most * RARER_SHARE))
    shares = (most - taken) / max(rows), taken / max(rarer, 1)
    return shares if rows[0] >= rows[1] else (shares[1], shares[0])


def _size(share: float, rows: int) -> int:
    return min(rows, max(1, int(share * rows)))
