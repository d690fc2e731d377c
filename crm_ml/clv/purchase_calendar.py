"""The days on which the customers of a summary bought: gaps between purchases, and calendar months."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np

from crm_ml.clv.order_days import checked_lines, purchase_days, snapshot_of
from crm_ml.clv.purchase_histories import Floats, Ints
from crm_ml.clv.time_units import check_unit
from crm_ml.errors import InputError

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Calendar:
    """Days with a purchase of the customers of a summary, by customer and then by time.

    Parameters
    ----------
    as_of : datetime
        First moment that is not known.
    row : numpy.ndarray of int, shape (m,)
        Position of the customer in the summary.
    days_ago : numpy.ndarray of int, shape (m,)
        Whole days before `as_of`, 0 for the last one.
    customers : int
        Rows of the summary.
    """

    as_of: datetime
    row: Ints
    days_ago: Ints
    customers: int

    @property
    def is_repeat(self) -> Any:
        """Mask of the purchases after a customer's first, shape (m,)."""
        return np.diff(self.row, prepend=-1) == 0

    @property
    def gaps(self) -> tuple[Ints, Floats]:
        """Customer and length in days of each gap between purchases."""
        repeat = self.is_repeat
        return self.row[repeat], -np.diff(self.days_ago, prepend=0)[repeat].astype(np.float64)

    def log_gaps(self, unit_days: float) -> Floats:
        """Return the sum of the logarithms of each customer's gaps in a unit of time, shape (n,)."""
        row, length = self.gaps
        sums = np.bincount(row, weights=np.log(length / unit_days), minlength=self.customers)
        return np.asarray(sums, dtype=np.float64)


def with_gaps(summary: "pd.DataFrame", orders: Any, as_of: "str | date | datetime") -> "pd.DataFrame":
    """Return the summary with ``log_gaps``, by which `crm_ml.clv.MbgCnbdK` learns how regular purchases are.

    ``log_gaps`` is the sum of the logarithms of a customer's gaps between purchases, in the unit of the
    summary. Parameters, raises: as `purchase_calendar`, also if the summary does not say its unit.
    """
    unit_days = check_unit(str(summary.attrs.get("time_unit")))
    if summary.attrs["time_unit"] == "h" or summary.attrs.get("calendar"):
        raise InputError("summary: gaps are known in days; summarize in D, W or M without calendar")
    return summary.assign(log_gaps=purchase_calendar(orders, as_of, summary).log_gaps(unit_days))


def purchase_calendar(orders: Any, as_of: "str | date | datetime", summary: "pd.DataFrame") -> Calendar:
    """Return the days with a purchase of the customers of a summary before a moment.

    Parameters
    ----------
    orders : frame or Tables
        As `crm_ml.clv.summarize` takes them.
    as_of : str, date or datetime
        Of the summary.
    summary : pandas.DataFrame
        Indexed by customer_id; purchases of others are left out.

    Raises
    ------
    InputError
        If orders are refused.
    """
    snapshot = snapshot_of(orders, as_of)
    past = snapshot.past(checked_lines(orders).frame, at="ordered_at")
    days = purchase_days(past, snapshot).select("customer_id", nw.col("days_ago").cast(nw.Int64))
    table = days.collect(backend="pyarrow").to_native()
    row = summary.index.get_indexer(table["customer_id"].to_pandas())
    ago = table["days_ago"].to_numpy()
    row, ago = row[row >= 0], ago[row >= 0]
    order = np.lexsort((-ago, row))
    return Calendar(snapshot.as_of, row[order].astype(np.int64), ago[order], len(summary))
