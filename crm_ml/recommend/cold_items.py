"""Items without purchases, scored by the items of the same category and brand."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from crm_ml.recommend.interactions import Floats, Ids, Ints

if TYPE_CHECKING:
    import pandas as pd
    from scipy.sparse import csr_array


@dataclass(frozen=True, eq=False)
class ColdItems:
    """Items of the catalogue without purchases, each with the items whose scores it takes.

    ``score(u, c)`` is the mean score of u over the items of c's category and brand, of its category where
    the brand has none there, the missing ones as 0.

    Parameters
    ----------
    ids : numpy.ndarray of str, shape (n_cold,)
        In ascending order.
    weights : scipy.sparse.csr_array, shape (n_items, n_cold)
        Columns sum to 1, or to 0 where there is no neighbour.
    shared_labels : numpy.ndarray of str, shape (n_cold,)
        Category and brand that an item shares with its neighbours.

    References
    ----------
    .. [1] Schein, Popescul, Ungar and Pennock (2002). Methods and metrics for cold-start recommendations.
       SIGIR, section 3.
    """

    ids: Ids
    weights: "csr_array"
    shared_labels: Ids

    @staticmethod
    def of(items: "pd.DataFrame", known: Ids) -> "ColdItems":
        """Assign fitted items to each cold item of a catalogue.

        Parameters
        ----------
        items : pandas.DataFrame
            Columns item_id and category, optionally brand.
        known : numpy.ndarray of str
            Items that were fitted, in ascending order.
        """
        table = items.assign(item_id=items["item_id"].astype(str)).set_index("item_id").sort_index()
        names = [name for name in ("category", "brand") if name in table]
        labels = table[names].astype("string").fillna("").astype(str)
        cold = np.setdiff1d(table.index.to_numpy(dtype=str), known.astype(str)).astype(object)
        warm = labels.reindex(known).fillna("")
        category = _same(warm["category"], labels.loc[cold, "category"])
        if "brand" not in names:
            return ColdItems(cold, _mean(category), _in_words(labels.loc[cold]))
        joined = [part["category"] + "\0" + part["brand"] for part in (warm, labels.loc[cold])]
        branded = labels.loc[cold, "brand"].to_numpy() != ""
        branded_pairs = _same(joined[0], joined[1].where(branded, ""))
        have = np.asarray(branded_pairs.sum(axis=0)).ravel() > 0
        common = _in_words(labels.loc[cold].assign(brand=labels.loc[cold, "brand"].where(have, "")))
        return ColdItems(
            cold, _mean(branded_pairs + category.multiply((~have).astype(float)).tocsr()), common
        )

    def scores(self, scores: Floats) -> Floats:
        """Return the scores of the cold items, shape (b, n_cold); minus infinity where they are 0."""
        usable = np.where(np.isfinite(scores), scores, 0.0)
        cold_scores = np.asarray((self.weights.T @ usable.T).T)
        return np.where(cold_scores > 0, cold_scores, -np.inf)


def _same(warm: "pd.Series[str]", cold: "pd.Series[str]") -> "csr_array":
    """Return which items share a label that is not empty, shape (n_warm, n_cold)."""
    from scipy.sparse import csr_array

    names = np.unique(cold[cold != ""].to_numpy(dtype=str))

    def membership(labels: "pd.Series[str]") -> "csr_array":
        number: Ints = np.searchsorted(names, labels.to_numpy(dtype=str))
        hit = np.isin(labels.to_numpy(dtype=str), names)
        rows = np.flatnonzero(hit)
        return csr_array((np.ones(len(rows)), (rows, number[hit])), shape=(len(labels), len(names)))

    return csr_array(membership(warm) @ membership(cold).T)


def _mean(same: "csr_array") -> "csr_array":
    from scipy.sparse import csr_array

    total = np.asarray(same.sum(axis=0)).ravel()
    return csr_array(same.multiply(1.0 / np.maximum(total, 1.0)))


def _in_words(labels: "pd.DataFrame") -> Ids:
    texts = [", ".join(part for part in row if part) for row in labels.itertuples(index=False)]
    return np.array(texts, dtype=object)
