"""Events of customers and items, with ids in ascending order: the training data of every recommender."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from crm_ml.errors import InputError
from crm_ml.snapshots import DAY_S
from crm_ml.tables.cell_shape import type_name
from crm_ml.tables.column_kinds import floats_of, named_levels
from crm_ml.tables.column_kinds import numbers as as_numbers
from crm_ml.tables.outside_frames import as_pandas

if TYPE_CHECKING:
    import pandas as pd
    from scipy.sparse import csr_array

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Ids = npt.NDArray[np.object_]
CUSTOMER, ITEM, AT, QUANTITY = "customer_id", "item_id", "occurred_at", "quantity"
_LIMITS = np.iinfo(np.int64)
_NUMBERS = ("integer", "floating", "mixed-integer-float", "decimal")


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
    least_events : int
        Of an item; what is known before a moment follows from the events before it alone.
    integer_customers, integer_items : bool
        Whether the ids were integers, as which lists return them then.
    """

    customers: Ids
    items: Ids
    customer: Ints
    item: Ints
    at: Ints
    quantity: Floats
    ends_at: int
    least_events: int = 1
    integer_customers: bool = False
    integer_items: bool = False

    @property
    def days(self) -> Floats:
        """Age of each event in days."""
        return (self.ends_at - self.at) / DAY_S

    @property
    def basket(self) -> Ints:
        """Number of each event's basket: what a customer took at one moment."""
        new = (np.diff(self.customer) != 0) | (np.diff(self.at) != 0)
        return np.append(0, np.cumsum(new))

    @cached_property
    def content(self) -> str:
        """Sum of all ids, events and the end: equal where everything that follows from them is."""
        total = hashlib.sha256(f"{self.ends_at} {self.least_events}".encode())
        for ids in (self.customers, self.items):
            total.update("\0".join((f"\0{len(ids)}", *map(str, ids))).encode())
        for part in (self.customer, self.item, self.at, self.quantity):
            total.update(np.ascontiguousarray(part).data)
        return total.hexdigest()

    def matrix(self, values: npt.ArrayLike | None = None) -> "csr_array":
        """Return the sum of `values` (one an event, 1 without it) for each customer and item."""
        data = np.ones(len(self.item)) if values is None else np.asarray(values, dtype=np.float64)
        return self._pairs.reduced(np.add, data)

    def ages(self, oldest: bool = False) -> "csr_array":
        """Return the days since the last (or the oldest) event of each customer and item, above 0."""
        return self._pairs.reduced(np.maximum if oldest else np.minimum, self.days)

    @cached_property
    def _pairs(self) -> "_Pairs":
        order = np.lexsort((self.item, self.customer))
        customer, item = self.customer[order], self.item[order]
        starts = np.flatnonzero(np.append(True, (np.diff(customer) != 0) | (np.diff(item) != 0)))
        shape = (len(self.customers), len(self.items))
        rows = np.append(0, np.cumsum(np.bincount(customer[starts], minlength=shape[0])))
        return _Pairs(order, starts, item[starts].astype(np.int32), rows.astype(np.int32), shape)

    def before(self, moment: int) -> "Interactions | None":
        """Return what was known at a moment, as if the data had ended then; None where nothing was.

        Items have at least `least_events` events before the moment, and customers one of such an item.
        """
        return replace(self, ends_at=moment)._events(self.at < moment)

    def with_at_least(self, least_events: int) -> "Interactions | None":
        """Return the events of the items with at least so many, now and in `before`; None without any."""
        return replace(self, least_events=least_events)._events(np.ones(len(self.at), dtype=np.bool_))

    def _events(self, keep: npt.NDArray[np.bool_]) -> "Interactions | None":
        frequent = np.bincount(self.item[keep], minlength=len(self.items)) >= max(self.least_events, 1)
        keep = keep & frequent[self.item]
        if not keep.any():
            return None
        known = np.bincount(self.customer[keep], minlength=len(self.customers)) > 0
        numbers = [np.cumsum(mask) - 1 for mask in (known, frequent)]
        return replace(
            self,
            customers=self.customers[known],
            items=self.items[frequent],
            customer=numbers[0][self.customer[keep]],
            item=numbers[1][self.item[keep]],
            at=self.at[keep],
            quantity=self.quantity[keep],
        )

    def of_customers(self, keep: npt.NDArray[np.bool_]) -> "Interactions":
        """Return the events of some customers, shape (n_customers,); items keep their numbers."""
        number = np.cumsum(keep) - 1
        inside = keep[self.customer]
        return replace(
            self,
            customers=self.customers[keep],
            customer=number[self.customer[inside]],
            item=self.item[inside],
            at=self.at[inside],
            quantity=self.quantity[inside],
        )

    def numbers(self, customers: npt.ArrayLike) -> Ints:
        """Return the number of each customer id, -1 where it is unknown."""
        return lookup(self.customers, customers)


@dataclass(frozen=True, eq=False)
class _Pairs:
    """Events by customer and item: their order, the first of each pair, and the sparse pattern of pairs."""

    order: Ints
    starts: Ints
    columns: npt.NDArray[np.int32]
    rows: npt.NDArray[np.int32]
    shape: tuple[int, int]

    def reduced(self, function: np.ufunc, values: Floats) -> "csr_array":
        from scipy.sparse import csr_array

        data = function.reduceat(values[self.order], self.starts)
        return csr_array((data, self.columns.copy(), self.rows.copy()), shape=self.shape)


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
        A frame of Polars or Arrow is taken as well. Ids become texts: 7, 7.0 and "7" are one. Lists of
        a model have integers again where all ids of a column are integers, however they are stored.
    ends_at : int, optional
        Seconds since 1970; one after the last event without it.

    Raises
    ------
    InputError
        If a column is missing or of another kind, there is no row, an id or a time is missing, a quantity is
        not above 0 or not finite, or an event lies at or after `ends_at`; the message names all.

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
    frame = as_pandas(frame, "interactions")
    missing = [name for name in (CUSTOMER, ITEM, AT) if name not in frame]
    if missing or not len(frame):
        breach = f"no column {', '.join(missing)}" if missing else "there is no row"
        raise InputError(f"interactions: {breach}; they need {CUSTOMER}, {ITEM} and {AT}, a row an event")
    at, quantity = _seconds(frame[AT]), _quantity(frame)
    known = at[np.isfinite(at)]
    last = int(known.max()) if len(known) else -1
    end = last + 1 if ends_at is None else ends_at
    _check(frame, at, quantity, end)
    customers, customer = _numbered(frame[CUSTOMER])
    items, item = _numbered(frame[ITEM])
    order = np.lexsort((item, at, customer))
    merged = _merged(customer[order], item[order], at[order].astype(np.int64), quantity[order])
    integers = (_are_integers(frame[name]) for name in (CUSTOMER, ITEM))
    return Interactions(customers, items, *merged, end, 1, *integers)


def _are_integers(ids: "pd.Series[Any]") -> bool:
    """Return whether all ids are integers of 64 bits, also in a column of objects or of categories."""
    import pandas as pd

    levels = ids.cat.categories if isinstance(ids.dtype, pd.CategoricalDtype) else ids
    if levels.dtype == object:
        integers = pd.api.types.infer_dtype(levels, skipna=True) == "integer"
    else:
        integers = pd.api.types.is_integer_dtype(levels.dtype)
    return integers and _LIMITS.min <= levels.min() and bool(levels.max() <= _LIMITS.max)


def as_given(ids: Ids, integers: bool) -> npt.NDArray[Any]:
    """Return ids as integers where those of the events were; texts among them leave all as they are.

    Examples
    --------
    >>> as_given(np.array(["7", "12"], dtype=object), integers=True).tolist()
    [7, 12]
    """
    if not integers:
        return ids
    try:
        return np.array([int(each) for each in ids], dtype=np.int64)
    except (ValueError, OverflowError):
        return ids


def _seconds(values: "pd.Series[Any]") -> Floats:
    import pandas as pd

    if pd.api.types.infer_dtype(values, skipna=True) in _NUMBERS:
        return floats_of(values)
    try:
        times = pd.to_datetime(values, utc=True).astype("datetime64[us, UTC]")
    except (TypeError, ValueError, OverflowError):  # of pandas, with the value
        kind = type_name(values.dtype)
        raise InputError(
            f"interactions: {AT} holds {kind} values that are no times in {len(values):,} rows; give "
            "times, or integer seconds since 1970"
        ) from None
    seconds = times.astype("int64").to_numpy() // 1_000_000
    return np.where(times.isna().to_numpy(), np.nan, seconds.astype(float))


def _quantity(frame: "pd.DataFrame") -> Floats:
    if QUANTITY not in frame:
        return np.ones(len(frame))
    return as_numbers(frame[QUANTITY], f"interactions: {QUANTITY}")


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

    place, names = named_levels(ids)
    codes, known = pd.factorize(np.array(names, dtype=object), sort=True)
    return np.asarray(known, dtype=object), codes[place].astype(np.int64)


def _merged(customer: Ints, item: Ints, at: Ints, quantity: Floats) -> tuple[Ints, Ints, Ints, Floats]:
    """Join events of one customer, item and second."""
    changes = (np.diff(customer) != 0) | (np.diff(item) != 0) | (np.diff(at) != 0)
    first = np.flatnonzero(np.append(True, changes))
    return customer[first], item[first], at[first], np.add.reduceat(quantity, first)
