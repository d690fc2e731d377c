"""Sequential rules: items that customers bought after the items that the customer bought last."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from crm_ml.recommend.interactions import Interactions, Ints
from crm_ml.recommend.neighbours import Neighbours

if TYPE_CHECKING:
    from scipy.sparse import csr_array


@dataclass(kw_only=True, eq=False)
class NextItem(Neighbours):
    """``score(u, i) = sum_j 0.5^(steps(u, j) / half_life) s(j, i)`` over the items j of the customer.

    Steps count the customer's later events. ``s(j, i) = (after(j, i) + backward after(i, j)) / (n_j^a n_i^b +
    shrink)``, where ``after(j, i)`` sums ``decay^(d - 1)`` over all pairs in which i stands d events after j
    in the same past, and n counts events.

    Parameters
    ----------
    half_life : float
        Number of later events after which an event counts half.
    decay : float
        In (0, 1]: the factor for each event between two items.
    window : int
        Largest d.
    backward : float
        Weight of pairs in the other direction.
    from_power, to_power : float
        a and b.
    shrink : float

    References
    ----------
    .. [1] Ludewig and Jannach (2018). Evaluation of session-based recommendation algorithms. UMUAI 28,
       section 3.1 (sequential rules).
    .. [2] Garg, Gupta, Malhotra, Vig and Shroff (2019). Sequence and time aware neighborhood for
       session-based recommendations: STAN. SIGIR, section 3.
    """

    half_life: float = 1.5
    decay: float = 0.85
    window: int = 50
    backward: float = 0.3
    from_power: float = 0.5
    to_power: float = 0.1
    shrink: float = 2.0

    def _fit(self, data: Interactions) -> None:
        order = np.lexsort((data.item, data.at, data.customer))
        customer, item = data.customer[order], data.item[order]
        n = len(data.items)
        after = _after((customer, item), n, self.window, self.decay)
        following = (after + self.backward * after.T).tocoo()
        events = np.bincount(item, minlength=n).astype(float)
        start, end = following.coords
        norm = events[start] ** self.from_power * events[end] ** self.to_power + self.shrink
        following.data = np.where(start == end, 0.0, following.data / norm)
        self.similar_ = following.tocsr()
        self.similar_.eliminate_zeros()
        last = np.searchsorted(customer, customer, "right") - 1
        steps = np.empty(len(order))
        steps[order] = last - np.arange(len(order))
        self.own_ = data.matrix(np.exp2(-steps / self.half_life))


def _after(ordered: tuple[Ints, Ints], n: int, window: int, decay: float) -> "csr_array":
    """Return the decayed number of times that an item (column) came after another (row)."""
    from scipy.sparse import coo_array, csr_array

    customer, item = ordered
    total = csr_array((n, n))
    for distance in range(1, min(window, len(item) - 1) + 1):
        same = customer[distance:] == customer[:-distance]
        if not same.any():
            break
        pairs = (item[:-distance][same], item[distance:][same])
        weight = np.full(int(same.sum()), decay ** (distance - 1))
        total = total + coo_array((weight, pairs), shape=(n, n)).tocsr()
    return total
