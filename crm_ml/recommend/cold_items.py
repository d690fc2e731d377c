"""Items without a past: what their neighbours of category and brand say."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from crm_ml.recommend.interactions import Floats, Ids, Ints

if TYPE_CHECKING:
    import pandas as pd
    from scipy.sparse import csr_array


@dataclass(frozen=True, eq=False)
class ColdItems:
    """Items of the catalogue that nobody bought, each with the items that it is compared to.

    ``score(u, c)`` is the mean score of u over the items of c's category and brand, of its category where
    the brand has none there, the missing ones as 0.

    Parameters
    ----------
    ids : numpy.ndarray of str, shape (n_cold,)
        In ascending order.
    weights : scipy.sparse.csr_array, shape (n_items, n_cold)
        Columns sum to 1, or to 0 where there is no neighbour.
    told : numpy.ndarray of str, shape (n_cold,)
        What each item's neighbours have in common.

    References
    ----------
    .. [1] Schein, Popescul, Ungar and Pennock (2002). Methods and metrics for cold-start recommendations.
       SIGIR, section 3.
    """

    ids: Ids
    weights: "csr_array"
    told: Ids

    @staticmethod
    def of(items: "pd.DataFrame", known: Ids) -> "ColdItems":
        """Compare the items of a catalogue to those that were fitted.

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
            return ColdItems(cold, _mean(category), _told(labels.loc[cold]))
        joined = [part["category"] + "\0" + part["brand"] for part in (warm, labels.loc[cold])]
        branded = labels.loc[cold, "brand"].to_numpy() != ""
        both = _same(joined[0], joined[1].where(branded, ""))
        have = np.asarray(both.sum(axis=0)).ravel() > 0
        told = _told(labels.loc[cold].assign(brand=labels.loc[cold, "brand"].where(have, "")))
        return ColdItems(cold, _mean(both + category.multiply((~have).astype(float)).tocsr()), told)

    def scores(self, scores: Floats) -> Floats:
        """Return the scores of the cold items, shape (b, n_cold); minus infinity where they are 0."""
        usable = np.where(np.isfinite(scores), scores, 0.0)
        found = np.asarray((self.weights.T @ usable.T).T)
        return np.where(found > 0, found, -np.inf)


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


def _told(labels: "pd.DataFrame") -> Ids:
    texts = [", ".join(part for part in row if part) for row in labels.itertuples(index=False)]
    return np.array(texts, dtype=object)
