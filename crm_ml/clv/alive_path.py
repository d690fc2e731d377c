"""P(alive) of one customer day by day, each day with the purchases until then."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np

from crm_ml.clv.customer_attributes import with_attributes
from crm_ml.clv.order_days import checked_lines, purchase_days, snapshot_of
from crm_ml.clv.purchase_histories import Floats, Ints
from crm_ml.clv.purchase_model import PurchaseModel
from crm_ml.clv.time_units import DAYS
from crm_ml.clv.with_covariates import WithCovariates
from crm_ml.errors import InputError
from crm_ml.tables.bundle import Tables, to_pandas

if TYPE_CHECKING:
    import pandas as pd

_Z95 = 1.959963984540054
_TINY = 1e-12


def alive_path(
    model: PurchaseModel,
    orders: Any,
    customer_id: str,
    as_of: "str | date | datetime",
    *,
    days_ahead: int = 0,
    covariates: Mapping[str, Any] | None = None,
) -> "pd.DataFrame":
    """Return the probability that a customer is alive on each day from the first purchase on.

    Parameters
    ----------
    model : PurchaseModel
        Fitted to a summary that names its unit of time.
    orders : Tables, or frame of DuckDB, pandas, Polars or narwhals
        As `crm_ml.clv.summarize` takes them.
    customer_id : str
    as_of : str, date or datetime
        Only purchases before it are known.
    days_ahead : int
        Days after it for which P(alive) is given as if no purchase came.
    covariates : mapping of str to value, optional
        Of the customer, where the model has some; by default attributes of the tables.

    Returns
    -------
    pandas.DataFrame
        Indexed by ``day``: ``p_alive``, ``p_alive_low`` and ``p_alive_high`` (95 % interval from the errors
        of the parameters; NaN where no error is known, as of a fitter of lifetimes without its data),
        ``purchase`` (whether one was made on the day) and ``known`` (False after the last day known).

    Raises
    ------
    InputError
        If the customer has no purchase before `as_of`, the unit of time is not known, `days_ahead` is no
        whole number from 0 on, orders are refused, or covariates are missing.
    """
    import pandas as pd

    if not isinstance(days_ahead, int | np.integer) or days_ahead < 0:
        raise InputError(f"days_ahead is {days_ahead!r}; it must be a whole number of days, 0 or more")
    if model.time_unit_ is None:
        raise InputError('the model has no unit of time; fit it to a summary with attrs["time_unit"]')
    snapshot = snapshot_of(orders, as_of)
    ago = _days_ago(orders, customer_id, as_of)
    known = int(ago.max())
    bought = known - np.sort(ago)[::-1]  # days since the first purchase
    at = np.arange(known + days_ahead + 1)
    alive, low, high = _alive(model, bought, at, _covariates(model, orders, customer_id, covariates))
    first = snapshot.as_of.date() - timedelta(days=known + 1)
    columns = {"p_alive": alive, "p_alive_low": low, "p_alive_high": high}
    days = pd.Index(np.datetime64(first, "D") + at, name="day")
    return pd.DataFrame(columns | {"purchase": np.isin(at, bought), "known": at <= known}, index=days)


def _covariates(
    model: PurchaseModel, orders: Any, customer_id: str, given: Mapping[str, Any] | None
) -> Mapping[str, Any]:
    """Return the covariates of a customer; none where the model has none."""
    import pandas as pd

    if given is not None or not isinstance(model, WithCovariates):
        return given or {}
    names = list(dict.fromkeys([*model.purchases, *model.dropout]))
    if not isinstance(orders, Tables):
        raise InputError(f"give covariates of customer {customer_id!r}: {', '.join(names)}")
    blank = pd.DataFrame(index=pd.Index([str(customer_id)], name="customer_id"))
    return dict(with_attributes(blank, orders, names).iloc[0])


def _days_ago(orders: Any, customer_id: str, as_of: "str | date | datetime") -> Ints:
    """Return the days before `as_of` on which a customer bought."""
    snapshot = snapshot_of(orders, as_of)
    lines = snapshot.past(checked_lines(orders).frame, at="ordered_at")
    of_customer = lines.filter(nw.col("customer_id") == str(customer_id))
    days = to_pandas(purchase_days(of_customer, snapshot).select("days_ago"))
    if not len(days):
        known = f"no purchase before {snapshot}; name another customer or a later day"
        raise InputError(f"customer {customer_id!r} has {known}")
    return np.asarray(days["days_ago"], dtype=np.int64)


def _alive(
    model: PurchaseModel, bought: Ints, at: Ints, covariates: Mapping[str, Any]
) -> tuple[Floats, Floats, Floats]:
    """Return P(alive) with its 95 % interval on some days after the first purchase.

    The interval is symmetric in the log-odds, by the delta method.
    """
    import pandas as pd
    from scipy.special import expit, logit

    unit = DAYS[str(model.time_unit_)]
    count = np.searchsorted(bought, at, side="right") - 1
    days = pd.DataFrame({"frequency": count, "recency": bought[count] / unit, "T": at / unit})
    histories = model.grouped(days.assign(**covariates))
    alive, slopes = model.alive_with_slopes(model.theta_, histories)
    inner = np.clip(alive, _TINY, 1 - _TINY)
    slopes = slopes / (1 - inner)  # of the log-odds, from those of the logarithm
    half = _Z95 * np.sqrt(model.variance_along(slopes))
    ends = [expit(logit(inner) + side) for side in (-half, half)]
    sure = alive > 1 - _TINY
    low, high = (np.where(sure, 1.0, end) for end in ends)
    return histories.for_each(alive), histories.for_each(low), histories.for_each(high)
