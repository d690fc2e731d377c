"""How much more of the shelf price a customer saves than others on the same items, in the same weeks."""

from datetime import date, timedelta
from typing import TYPE_CHECKING

import narwhals as nw
import numpy as np
import numpy.typing as npt

from crm_ml.errors import InputError
from crm_ml.snapshots import DAY_S, as_utc
from crm_ml.tables.bundle import Tables, to_pandas
from crm_ml.tables.zones import on_clock

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]
_WEEK_S = 7 * DAY_S


def price_sensitivity(
    tables: Tables, as_of: date, days: int = 365, shrink_lines: float = 20.0
) -> "pd.DataFrame":
    """Return the share of the shelf price that each customer saves beyond others, as a score table of tags.

    Who buys what everybody gets at a discount is not sensitive to prices; who waits for the discount, or
    brings a coupon, is.

    Parameters
    ----------
    tables : Tables
    as_of : date
        Only lines strictly before it are read.
    days : int
        Length of the past that counts.
    shrink_lines : float
        Lines at the mean of all that are added to those of a customer, so that few lines say little.

    Returns
    -------
    pandas.DataFrame
        Indexed by customer_id, ascending: ``price_sensitivity`` (0 is as others, .1 a tenth of the shelf
        price more) and ``price_sensitivity_lines``, the lines that it follows from.

    Raises
    ------
    InputError
        If no item was bought by two customers, so that nothing can be compared.

    Notes
    -----
    For a line of a customer, ``saved / shelf`` less the mean of the other customers' lines of the item; of
    that, less the mean of the others' lines of the week. The score is the sum over the customer's lines by
    their number and `shrink_lines`. It depends on what others bought, so that it is a score table of all
    customers and no feature group.
    """
    import pandas as pd

    lines = _lines(tables, as_of, days)
    customer, ids = pd.factorize(lines["customer_id"], sort=True)
    customer = customer.astype(np.int64)
    share = (lines["saved"] / lines["shelf"]).to_numpy(dtype=float)
    of_item, known = _beyond_others(customer, pd.factorize(lines["item_id"])[0], share)
    of_week, in_week = _beyond_others(customer, pd.factorize(lines["week"])[0], of_item)
    beyond, known = of_week, known & in_week
    if not known.any():
        raise InputError(f"price sensitivity: no item was bought by two customers before {as_of}")
    count = np.bincount(customer[known], minlength=len(ids))
    sums = np.bincount(customer[known], beyond[known], len(ids))
    mean = np.divide(sums, count + shrink_lines, out=np.zeros(len(ids)), where=count > 0)
    scores = {"price_sensitivity": mean, "price_sensitivity_lines": count}
    return pd.DataFrame(scores, index=pd.Index(ids, name="customer_id", dtype="str"))


def _lines(tables: Tables, as_of: date, days: int) -> "pd.DataFrame":
    """Return bought lines of some days with what was saved and the shelf price, by the week of the clock."""
    end = int(as_utc(as_of).timestamp())
    start = int(as_utc(as_of - timedelta(days=days)).timestamp())
    at, paid = nw.col("ordered_at_epoch_s"), nw.col("paid_cents")
    saved = nw.col("discount_cents") + nw.col("coupon_cents")
    lines = on_clock(tables.frame("order_lines"), "ordered_at").filter(
        at >= start, at < end, nw.col("quantity") > 0
    )
    named = lines.with_columns(saved=saved, shelf=paid + saved, week=at // _WEEK_S)
    return to_pandas(
        named.filter(nw.col("shelf") > 0).select("customer_id", "item_id", "week", "saved", "shelf")
    )


def _beyond_others(
    customer: npt.NDArray[np.int64], cell: npt.NDArray[np.int64], share: Floats
) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Return each share less the mean of the other customers' in its cell, and where there are any."""
    pair = np.unique(np.stack([cell, customer]), axis=1, return_inverse=True)[1].ravel()
    own_sum, own_count = np.bincount(pair, share)[pair], np.bincount(pair)[pair]
    others = np.bincount(cell)[cell] - own_count
    total = np.bincount(cell, share)[cell] - own_sum
    mean = np.divide(total, others, out=np.zeros(len(share)), where=others > 0)
    return share - mean, others > 0
