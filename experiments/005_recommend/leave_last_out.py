"""What a list should hold: each customer's last events, or those from a day on.

Leaving the last one out leaks across time: a customer's last basket is older than much of what others did,
from which a model learns. `split_by_day` has no such leak, where events are dated.
"""

from crm_ml.errors import InputError
from crm_ml.recommend.interactions import Interactions, lookup
from crm_ml.recommend.recommendation_task import Task


def leave_last_out(data: Interactions, back: int = 0) -> Task:
    """Hide the last moment of each customer.

    All events of a customer at one moment are one basket. The protocol lets a model learn from what others
    did after the moment that it is asked about; use `split_by_day`, or on tables
    `crm_ml.recommend.recommendation_task.task_of`, to say what a model would have earned.

    Parameters
    ----------
    data : Interactions
    back : int
        Baskets at the end that are taken away before: 1 leaves the last one for a test and hides the one
        before it.

    Returns
    -------
    Task
        Events before the hidden basket of customers who have one and something before, and that basket.

    Raises
    ------
    InputError
        If no customer has that many baskets.

    References
    ----------
    .. [1] Meng, McCreadie, Macdonald and Ounis (2020). Exploring data splitting strategies for the
       evaluation of recommendation models. RecSys, section 2.

    Examples
    --------
    >>> import pandas as pd
    >>> from crm_ml.recommend.interactions import as_interactions
    >>> events = pd.DataFrame(
    ...     {"customer_id": ["a"] * 3, "item_id": ["x", "y", "z"], "occurred_at": [1, 2, 2]})
    >>> task = leave_last_out(as_interactions(events))
    >>> task.data.items[task.data.item].tolist(), task.data.items[task.relevant.indices].tolist()
    (['x'], ['y', 'z'])
    """
    import numpy as np
    from scipy.sparse import csr_array

    basket = data.basket
    last = basket[np.searchsorted(data.customer, data.customer, "right") - 1]
    age = last - basket
    hidden, past = age == back, age > back
    some = np.bincount(data.customer[past], minlength=len(data.customers)) > 0
    if not some.any():
        raise InputError(f"no customer has more than {back + 1} baskets; leave fewer out")
    relevant = csr_array(data.matrix(hidden.astype(float))[some])
    relevant.eliminate_zeros()
    relevant.data[:] = 1.0
    parts = (data.customer[past], data.item[past], data.at[past], data.quantity[past])
    known = Interactions(data.customers, data.items, *parts, ends_at=int(parts[2].max()) + 1)
    return Task(known.of_customers(some), {}, relevant)


def split_by_day(data: Interactions, moment: int) -> Task:
    """Hide all that happened from a moment on; models learn from what was before it, and from nothing else.

    Parameters
    ----------
    data : Interactions
    moment : int
        Seconds since 1970.

    Returns
    -------
    Task
        Events before the moment of the customers who have some on either side, and the items of later ones.

    Raises
    ------
    InputError
        If no customer has events of known items on either side.
    """
    import numpy as np
    from scipy.sparse import csr_array

    past = data.before(moment)
    if past is not None:
        customers, items = past.numbers(data.customers), lookup(past.items, data.items)
        row, column = customers[data.customer], items[data.item]
        later = (data.at >= moment) & (row >= 0) & (column >= 0)
        pairs = np.unique(np.stack([row[later], column[later]]), axis=1)
        relevant = csr_array((np.ones(pairs.shape[1]), pairs), shape=(len(past.customers), len(past.items)))
        some = np.diff(relevant.indptr) > 0
        if some.any():
            return Task(past.of_customers(some), {}, csr_array(relevant[some]))
    raise InputError("no customer has events of known items before and after the day; take another day")
