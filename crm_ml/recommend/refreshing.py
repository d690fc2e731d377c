"""What a model learned from before, in the numbers of the customers and items that it learns from now."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from crm_ml.recommend.interactions import Ids, Interactions, Ints, lookup

if TYPE_CHECKING:
    from scipy.sparse import csr_array


@dataclass(frozen=True, eq=False)
class Before:
    """Ids of an earlier fit, in ascending order.

    Parameters
    ----------
    customers, items : numpy.ndarray of str
    """

    customers: Ids
    items: Ids

    def item_places(self, data: Interactions) -> Ints | None:
        """Return where the items of before stand now; None if one is gone."""
        return _places(self.items, data.items)

    def aligned(self, had: "csr_array", data: Interactions) -> "csr_array | None":
        """Return a matrix of before, customers x items, in the numbers of now; None if an id is gone.

        Parameters
        ----------
        had : scipy.sparse.csr_array
            All its values become 1.
        data : Interactions
        """
        from scipy.sparse import csr_array

        customers, items = _places(self.customers, data.customers), self.item_places(data)
        if customers is None or items is None:
            return None
        counts = np.zeros(len(data.customers), dtype=np.int64)
        counts[customers] = np.diff(had.indptr)  # ids ascend, so that rows stay in their order
        columns = items[had.indices].astype(had.indices.dtype)
        shape = len(data.customers), len(data.items)
        return csr_array((np.ones(len(columns)), columns, np.append(0, np.cumsum(counts))), shape=shape)


def items_had(data: Interactions) -> "csr_array":
    """Return whether a customer had an item, customers x items."""
    had = data.matrix()
    had.data = np.ones_like(had.data)
    return had


def _places(before: Ids, now: Ids) -> Ints | None:
    places = lookup(now, before)
    return None if (places < 0).any() else places
