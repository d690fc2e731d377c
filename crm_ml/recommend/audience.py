"""The reverse query: the customers with the highest scores of an item."""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from crm_ml.errors import InputError
from crm_ml.recommend.interactions import CUSTOMER, lookup
from crm_ml.recommend.serving import block_rows
from crm_ml.tables.column_kinds import as_ids

if TYPE_CHECKING:
    import pandas as pd

    from crm_ml.recommend.recommender import Recommender


def audience(
    model: "Recommender",
    item_id: str | int,
    k: int = 1000,
    exclude_seen: bool = True,
    customers: npt.ArrayLike | None = None,
) -> "pd.DataFrame":
    """Return the customers with the highest scores of an item, such as one that sells slowly.

    Parameters
    ----------
    model : Recommender
        Fitted. Scores are compared across customers, which suits probabilities best
        (`crm_ml.recommend.TwoHeads`); a model without a score for most pairs, such as
        personal frequency, returns few customers.
    item_id : str or int
    k : int
        Customers at most.
    exclude_seen : bool
        Whether customers who had the item are left out.
    customers : array-like of str, optional
        Among these alone, such as those who may be contacted.

    Returns
    -------
    pandas.DataFrame
        rank (from 1), customer_id, score and reason, in the order of the rank; of equal scores the smaller
        customer_id comes first. Customers without a score are left out.

    Raises
    ------
    InputError
        If the item is unknown, k is below 1, none of the customers is known, or no customer has a score.

    Examples
    --------
    >>> import pandas as pd
    >>> from crm_ml.recommend import ItemKNN
    >>> events = pd.DataFrame({"customer_id": ["a", "a", "b"], "item_id": ["x", "y", "x"],
    ...     "occurred_at": [1, 2, 3]})
    >>> audience(ItemKNN().fit(events), "y")["customer_id"].tolist()
    ['b']
    """
    import pandas as pd

    item, rows = model.number_of(item_id), _rows(model, customers)
    if k < 1:
        raise InputError(f"k is {k}; give at least 1")
    step = block_rows(len(model.items_))
    blocks = [rows[start : start + step] for start in range(0, len(rows), step)]
    scores = np.concatenate([model.scores(block)[:, item] for block in blocks]).astype(float)
    if exclude_seen:
        scores[np.isin(rows, model.seen_[:, [item]].tocoo().coords[0])] = -np.inf
    order = np.lexsort((rows, -scores))[:k]
    order = order[np.isfinite(scores[order])]
    if not len(order):
        raise InputError(
            f"item {item_id!r}: none of {len(rows):,} customers has a score of {type(model).__name__}; "
            "take an item-kNN or EASE"
        )
    selected = rows[order]
    return pd.DataFrame(
        {
            "rank": np.arange(1, len(selected) + 1),
            CUSTOMER: model.customer_ids(selected),
            "score": scores[order],
            "reason": model.reasons(selected, np.full(len(selected), item)),
        }
    )


def _rows(model: "Recommender", customers: npt.ArrayLike | None) -> "npt.NDArray[np.int64]":
    if customers is None:
        return np.arange(len(model.customers_))
    rows = lookup(model.customers_, as_ids(customers))
    rows = np.unique(rows[rows >= 0])
    if not len(rows):
        raise InputError(f"none of {np.size(customers):,} customers is among those that were fitted")
    return rows
