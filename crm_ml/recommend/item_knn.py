"""Item-based collaborative filtering: items bought by the same customers."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from crm_ml.errors import InputError
from crm_ml.recommend.interactions import Interactions
from crm_ml.recommend.neighbours import Neighbours
from crm_ml.recommend.sparse_products import nearest_items

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Weighting = Literal["cosine", "tfidf", "bm25"]
_K1, _B = 1.2, 0.75


@dataclass(kw_only=True, eq=False)
class ItemKNN(Neighbours):
    """``score(u, i) = sum_j w(u, j) s(j, i)`` over the items j of the customer, each with its nearest only.

    Parameters
    ----------
    weighting : {"cosine", "tfidf", "bm25"}
        Of the events before similarities are taken.
    half_life_days : float, optional
        Recency weight of the customer's own events in the score; None counts all alike.
    neighbours : int
        Number of most similar items that each item retains.
    shrink : float
        Added to the product of the norms, against similarities of few events.

    References
    ----------
    .. [1] Sarwar, Karypis, Konstan and Riedl (2001). Item-based collaborative filtering recommendation
       algorithms. WWW, equation 1.
    .. [2] Robertson and Zaragoza (2009). The probabilistic relevance framework: BM25 and beyond. FnTIR 3.
    """

    weighting: Weighting = "cosine"
    half_life_days: float | None = None
    neighbours: int = 100
    shrink: float = 10.0

    def _fit(self, data: Interactions) -> None:
        if self.weighting not in ("cosine", "tfidf", "bm25"):
            raise InputError(f"weighting is {self.weighting!r}; there are cosine, tfidf and bm25")
        self.similar_ = nearest_items(_weighted(data, self.weighting), self.neighbours, self.shrink)
        half_life = np.inf if self.half_life_days is None else self.half_life_days
        newest = np.exp2(-data.days / half_life)
        own = data.matrix(newest)
        own.data = np.minimum(own.data, 1.0) if self.half_life_days is None else own.data
        self.own_ = own


def _weighted(data: Interactions, weighting: Weighting) -> "csr_array":
    """Return customers x items with the weight of each event; columns have length 1 afterwards or less."""
    counts = data.matrix()
    if weighting == "cosine":
        counts.data = np.ones_like(counts.data)
        return counts
    have = np.bincount(counts.indices, minlength=counts.shape[1])
    rare = np.log(counts.shape[0] / np.maximum(have, 1))
    if weighting == "tfidf":
        counts.data = np.sqrt(counts.data) * rare[counts.indices]
        return counts
    length = counts.sum(axis=1)
    row = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    norm = _K1 * (1 - _B + _B * length[row] / length.mean())
    counts.data = rare[counts.indices] * counts.data * (_K1 + 1) / (counts.data + norm)
    return counts
