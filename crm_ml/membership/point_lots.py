"""A ledger of points as lots: when each was earned, what of it was spent when, and what is left."""

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from crm_ml.errors import InputError
from crm_ml.tables.column_kinds import as_ids

if TYPE_CHECKING:
    import pandas as pd

Ints = npt.NDArray[np.int64]
_COLUMNS = ("customer_id", "at", "points")


@dataclass(frozen=True, eq=False)
class Lots:
    """Points earned at one time each, and what was spent of them, the oldest first.

    Parameters
    ----------
    customers : numpy.ndarray of str
        Ids in ascending order.
    customer, day, points : numpy.ndarray of int, shape (n,)
        Of each lot: number of the customer, days since 1970 and points.
    lot, spent_on, spent : numpy.ndarray of int, shape (m,)
        Of each spending: number of the lot, days since 1970 and points.
    life_days : int
        Points can be spent until so many days after they were earned.
    """

    customers: npt.NDArray[Any]
    customer: Ints
    day: Ints
    points: Ints
    lot: Ints
    spent_on: Ints
    spent: Ints
    life_days: int

    def before(self, day: int) -> "Lots":
        """Return what was known at the beginning of a day (days since 1970)."""
        keep, spent = self.day < day, self.spent_on < day
        number = np.cumsum(keep) - 1
        present, customer = np.unique(self.customer[keep], return_inverse=True)
        return Lots(
            self.customers[present], customer.astype(np.int64), self.day[keep], self.points[keep],
            number[self.lot[spent]], self.spent_on[spent], self.spent[spent], self.life_days,
        )  # fmt: skip

    def outstanding(self, day: int) -> Ints:
        """Return what of each lot could be spent at the beginning of a day (days since 1970), shape (n,)."""
        before = self.spent_on < day
        gone = np.bincount(self.lot[before], self.spent[before], len(self.points)).astype(np.int64)
        valid = (self.day < day) & (day - self.day <= self.life_days)
        return np.where(valid, self.points - gone, 0)

    def spent_between(self, start: int, end: int) -> Ints:
        """Return what of each lot was spent from one day on and before another, shape (n,)."""
        inside = (self.spent_on >= start) & (self.spent_on < end)
        return np.bincount(self.lot[inside], self.spent[inside], len(self.points)).astype(np.int64)


def lots_of(ledger: "pd.DataFrame", life_days: int) -> Lots:
    """Return the lots of a ledger.

    Parameters
    ----------
    ledger : pandas.DataFrame
        Columns customer_id, at (time or date) and points: whole numbers, above 0 earned and below 0 spent.
        What expires is no row; it follows from `life_days`.
    life_days : int

    Raises
    ------
    InputError
        If a column is missing, a value is missing or no whole number, or more was spent than there was.
    """
    import pandas as pd

    from crm_ml.membership.lot_kernels import spend_oldest

    missing = [name for name in _COLUMNS if name not in ledger]
    if missing or not len(ledger) or life_days < 1:
        what = f"no column {', '.join(missing)}" if missing else "no row, or no life of points"
        raise InputError(f"ledger: {what}; it needs {', '.join(_COLUMNS)}, and life_days of at least 1")
    at, points = pd.to_datetime(ledger["at"], utc=True), pd.to_numeric(ledger["points"], errors="coerce")
    wrong = {name: int(ledger[name].isna().sum()) for name in _COLUMNS}
    breaches = [f"{name} is missing in {count:,}" for name, count in wrong.items() if count]
    odd = int((points.notna() & (points % 1 != 0)).sum())
    breaches += [f"points are no whole numbers in {odd:,}"] if odd else []
    if breaches:
        raise InputError(f"ledger: {', '.join(breaches)} of {len(ledger):,} rows; mend them")
    day = (at.astype("int64") // {"ns": 86_400 * 10**9, "us": 86_400 * 10**6}[at.dt.unit]).to_numpy(
        dtype=np.int64
    )
    customers, customer = np.unique(as_ids(ledger["customer_id"]).astype(str), return_inverse=True)
    amounts = points.to_numpy(dtype=np.int64)
    order = np.lexsort((-amounts, day, customer))  # what is earned on a day can be spent on it
    customer, day, amounts = (each[order].astype(np.int64) for each in (customer, day, amounts))
    lot, spent, left = (np.zeros(size * len(amounts), np.int64) for size in (2, 2, 1))
    matches, overdrawn = spend_oldest(customer, day, amounts, life_days, lot, spent, left)
    if overdrawn:
        raise InputError(
            f"ledger: {overdrawn:,} points were spent that nobody had, or that had expired after {life_days} "
            "days; give all rows from the beginning, or a longer life"
        )
    earned = np.flatnonzero(amounts > 0)
    number = np.full(len(amounts), -1)
    number[earned] = np.arange(len(earned))
    rows = lot[::-1][:matches]
    return Lots(
        customers, customer[earned], day[earned], amounts[earned],
        number[lot[:matches]], day[rows], spent[:matches], life_days,
    )  # fmt: skip


def balances(lots: Lots, as_of: date) -> "pd.DataFrame":
    """Return the points of each customer on a day.

    Returns
    -------
    pandas.DataFrame
        Indexed by customer_id; columns earned, spent, expired and outstanding.
    """
    import pandas as pd

    day = day_number(as_of)
    earned = np.where(lots.day < day, lots.points, 0)
    spent, left = lots.spent_between(0, day), lots.outstanding(day)
    sums = {
        name: np.bincount(lots.customer, values, len(lots.customers)).astype(np.int64)
        for name, values in (("earned", earned), ("spent", spent), ("outstanding", left))
    }
    frame = pd.DataFrame(sums, index=pd.Index(lots.customers, name="customer_id"))
    return frame.assign(expired=frame["earned"] - frame["spent"] - frame["outstanding"])


def day_number(day: date) -> int:
    """Return a date in days since 1970."""
    return (day - date(1970, 1, 1)).days
