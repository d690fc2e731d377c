"""Items that are bought in the same baskets."""

from typing import TYPE_CHECKING

import numpy as np

from crm_ml.errors import InputError
from crm_ml.recommend.interactions import Interactions, as_given, as_interactions

if TYPE_CHECKING:
    import pandas as pd
    from scipy.sparse import csr_array


def bought_together(
    interactions: "pd.DataFrame | Interactions", least: int = 20, k: int = 10
) -> "pd.DataFrame":
    """Return for each item the items that are bought with it more often than by chance.

    A basket is what a customer bought at one moment.

    Parameters
    ----------
    interactions : pandas.DataFrame or Interactions
        Columns customer_id, item_id and occurred_at.
    least : int
        Support floor: pairs that share fewer baskets are left out.
    k : int
        Items an item, those of greatest lift.

    Returns
    -------
    pandas.DataFrame
        item_id, rank, with_item_id, baskets (number with the two items), support (their share of all),
        confidence (``P(with | item)``) and lift (``confidence / P(with)``, above 1), in the order of
        item_id and rank. Of equal lift the greater support comes first.

    Raises
    ------
    InputError
        If `least` or `k` is below 1, or no pair shares that many baskets.

    References
    ----------
    .. [1] Brin, Motwani, Ullman and Tsur (1997). Dynamic itemset counting and implication rules for market
       basket data. SIGMOD, section 4.

    Examples
    --------
    >>> import pandas as pd
    >>> events = pd.DataFrame({"customer_id": ["a", "a", "b"], "item_id": ["x", "y", "z"],
    ...     "occurred_at": [1, 1, 2]})
    >>> bought_together(events, least=1)[["item_id", "with_item_id", "baskets", "lift"]].values.tolist()
    [['x', 'y', 1, 2.0], ['y', 'x', 1, 2.0]]
    """
    import pandas as pd

    if least < 1 or k < 1:
        raise InputError(f"least is {least} and k is {k}; give at least 1 of each")
    data = as_interactions(interactions)
    baskets = _baskets(data)
    shared = (baskets.T @ baskets).tocoo()
    item, other = shared.coords
    keep = (item != other) & (shared.data >= least)
    item, other, shared_baskets = item[keep], other[keep], shared.data[keep]
    of_item, total = np.asarray(baskets.sum(axis=0)).ravel(), baskets.shape[0]
    confidence = shared_baskets / of_item[item]
    lift = shared_baskets * total / (of_item[item] * of_item[other])
    order = np.lexsort((other, -shared_baskets, -lift, item))
    order = order[lift[order] > 1]
    if not len(order):
        raise InputError(f"no two items share {least:,} of {total:,} baskets more often than by chance")
    item = item[order]
    rank = np.arange(len(order)) - np.searchsorted(item, item, "left") + 1
    table = pd.DataFrame(
        {
            "item_id": as_given(data.items[item], data.integer_items),
            "rank": rank,
            "with_item_id": as_given(data.items[other[order]], data.integer_items),
            "baskets": shared_baskets[order].astype(np.int64),
            "support": shared_baskets[order] / total,
            "confidence": confidence[order],
            "lift": lift[order],
        }
    )
    best: pd.DataFrame = table[rank <= k].reset_index(drop=True)
    return best


def _baskets(data: Interactions) -> "csr_array":
    """Return the items of each basket, shape (baskets, items)."""
    from scipy.sparse import csr_array

    number = data.basket
    shape = (int(number[-1]) + 1, len(data.items))
    return csr_array((np.ones(len(number)), (number, data.item)), shape=shape)
