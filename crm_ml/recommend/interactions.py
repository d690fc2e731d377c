"""Events of customers and items, with ids in ascending order: the training data of every recommender."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from crm_ml.errors import InputError
from crm_ml.snapshots import DAY_S

if TYPE_CHECKING:
    import pandas as pd
    from scipy.sparse import csr_array

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Ids = npt.NDArray[np.object_]
CUSTOMER, ITEM, AT, QUANTITY = "customer_id", "item_id", "occurred_at", "quantity"


@dataclass(frozen=True, eq=False)
class Interactions:
    """Events in the order of customer, time and item; equal ones are one, with their quantities summed.

    Parameters
    ----------
    customers, items : numpy.ndarray of str
        Ids in ascending order; the position of an id is its number.
    customer, item : numpy.ndarray of int, shape (n,)
        Numbers of the ids.
    at : numpy.ndarray of int, shape (n,)
        Seconds since 1970.
    quantity : numpy.ndarray of float, shape (n,)
    ends_at : int
        The moment from which ages are counted: the first second of which nothing is known.
    """

    customers: Ids
    items: Ids
    customer: Ints
    item: Ints
    at: Ints
    quantity: Floats
    ends_at: int

    @property
    def days(self) -> Floats:
        """Age of each event in days."""
        return (self.ends_at - self.at) / DAY_S

    @property
    def basket(self) -> Ints:
        """Number of each event's basket: what a customer took at one moment."""
        new = (np.diff(self.customer) != 0) | (np.diff(self.at) != 0)
        return np.append(0, np.cumsum(new))

    def matrix(self, values: npt.ArrayLike | None = None) -> "csr_array":
        """Return the sum of `values` (one an event, 1 without it) for each customer and item."""
        from scipy.sparse import coo_array

        data = np.ones(len(self.item)) if values is None else np.asarray(values, dtype=np.float64)
        shape = (len(self.customers), len(self.items))
        cells = coo_array((data, (self.customer, self.item)), shape=shape).tocsr()
        cells.sort_indices()
        return cells

    def ages(self, oldest: bool = False) -> "csr_array":
        """Return the days since the last (or the oldest) event of each customer and item, above 0."""
        from scipy.sparse import csr_array

        order = np.lexsort((self.item, self.customer))
        customer, item = self.customer[order], self.item[order]
        starts = np.flatnonzero(np.append(True, (np.diff(customer) != 0) | (np.diff(item) != 0)))
        days = (np.maximum if oldest else np.minimum).reduceat(self.days[order], starts)
        shape = (len(self.customers), len(self.items))
        rows = np.append(0, np.cumsum(np.bincount(customer[starts], minlength=shape[0])))
        return csr_array((days, item[starts], rows), shape=shape)

    def before(self, moment: int) -> "Interactions | None":
        """Return the events before a moment, with the same ids; None where there are none."""
        keep = self.at < moment
        if not keep.any():
            return None
        parts = (self.customer[keep], self.item[keep], self.at[keep], self.quantity[keep])
        return Interactions(self.customers, self.items, *parts, ends_at=moment)

    def of_customers(self, keep: npt.NDArray[np.bool_]) -> "Interactions":
        """Return the events of some customers, shape (n_customers,); items keep their numbers."""
        number = np.cumsum(keep) - 1
        inside = keep[self.customer]
        parts = (number[self.customer[inside]], self.item[inside], self.at[inside], self.quantity[inside])
        return Interactions(self.customers[keep], self.items, *parts, ends_at=self.ends_at)

    def numbers(self, customers: npt.ArrayLike) -> Ints:
        """Return the number of each customer id, -1 where it is unknown."""
        return lookup(self.customers, customers)


def lookup(known: Ids, wanted: npt.ArrayLike) -> Ints:
    """Return the position of each id among sorted ones, -1 where it is none of them."""
    return places(index_of(known), wanted)


def index_of(known: Ids) -> "pd.Index[Any]":
    """Return ids ready to be looked up again and again."""
    import pandas as pd

    return pd.Index(known, dtype=object)


def places(index: "pd.Index[Any]", wanted: npt.ArrayLike) -> Ints:
    """Return the position of each id in an index, -1 where it is not there."""
    import pandas as pd

    asked = pd.Index(np.asarray(wanted, dtype=object), dtype=object)
    return np.asarray(index.get_indexer(asked), dtype=np.int64)


def as_interactions(frame: "pd.DataFrame | Interactions", ends_at: int | None = None) -> Interactions:
    """Return events, checked, with their ids frozen.

    Parameters
    ----------
    frame : pandas.DataFrame
        Columns customer_id, item_id, occurred_at (a time in UTC, or integer seconds) and optionally quantity.
    ends_at : int, optional
        Seconds since 1970; one after the last event without it.

    Raises
    ------
    InputError
        If a column is missing, there is no row, an id or a time is missing, a quantity is not above 0 or not
        finite, or an event lies at or after `ends_at`; the message names all.

    Examples
    --------
    >>> import pandas as pd
    >>> found = as_interactions(pd.DataFrame({"customer_id": ["b", "a"], "item_id": ["x", "x"],
    ...     "occurred_at": [5, 9]}))
    >>> found.customers.tolist(), found.customer.tolist(), found.ends_at
    (['a', 'b'], [0, 1], 10)
    """
    if isinstance(frame, Interactions):
        return frame
    missing = [name for name in (CUSTOMER, ITEM, AT) if name not in frame]
    if missing or not len(frame):
        breach = f"no column {', '.join(missing)}" if missing else "there is no row"
        raise InputError(f"interactions: {breach}; they need {CUSTOMER}, {ITEM} and {AT}, a row an event")
    at, quantity = _seconds(frame[AT]), _quantity(frame)
    end = int(np.nanmax(at)) + 1 if ends_at is None else ends_at
    _check(frame, at, quantity, end)
    customers, customer = _numbered(frame[CUSTOMER])
    items, item = _numbered(frame[ITEM])
    order = np.lexsort((item, at, customer))
    merged = _merged(customer[order], item[order], at[order].astype(np.int64), quantity[order])
    return Interactions(customers, items, *merged, ends_at=end)


def _seconds(values: "pd.Series[Any]") -> Floats:
    import pandas as pd

    if pd.api.types.is_numeric_dtype(values.dtype):
        return values.to_numpy(dtype=float, na_value=np.nan)
    times = pd.to_datetime(values, utc=True).astype("datetime64[us, UTC]")
    seconds = times.astype("int64").to_numpy() // 1_000_000
    return np.where(times.isna().to_numpy(), np.nan, seconds.astype(float))


def _quantity(frame: "pd.DataFrame") -> Floats:
    if QUANTITY not in frame:
        return np.ones(len(frame))
    return frame[QUANTITY].to_numpy(dtype=float, na_value=np.nan)


def _check(frame: "pd.DataFrame", at: Floats, quantity: Floats, end: int) -> None:
    wrong: Mapping[str, Any] = {
        f"{CUSTOMER} is missing": frame[CUSTOMER].isna(),
        f"{ITEM} is missing": frame[ITEM].isna(),
        f"{AT} is missing": np.isnan(at),
        f"{QUANTITY} is not above 0": ~((quantity > 0) & np.isfinite(quantity)),
        f"{AT} is not before {end}": at >= end,
    }
    counts = {what: int(rows.sum()) for what, rows in wrong.items()}
    breaches = [f"{what} in {count:,}" for what, count in counts.items() if count]
    if breaches:
        raise InputError(f"interactions: {'; '.join(breaches)} of {len(frame):,} rows; drop or mend them")


def _numbered(ids: "pd.Series[Any]") -> tuple[Ids, Ints]:
    import pandas as pd

    codes, known = pd.factorize(ids.astype(str).to_numpy(dtype=object), sort=True)
    return np.asarray(known, dtype=object), codes.astype(np.int64)


def _merged(customer: Ints, item: Ints, at: Ints, quantity: Floats) -> tuple[Ints, Ints, Ints, Floats]:
    """Join events of one customer, item and second."""
    changes = (np.diff(customer) != 0) | (np.diff(item) != 0) | (np.diff(at) != 0)
    first = np.flatnonzero(np.append(True, changes))
    return customer[first], item[first], at[first], np.add.reduceat(quantity, first)
