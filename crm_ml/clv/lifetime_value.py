"""Lifetime value: discounted purchases times spend times margin, with an interval."""

import math
from typing import TYPE_CHECKING

import numpy as np

from crm_ml.clv.cautions import of_horizon_and_bounds
from crm_ml.clv.gamma_gamma import GammaGamma
from crm_ml.clv.purchase_histories import Floats, Histories
from crm_ml.clv.purchase_model import PurchaseModel
from crm_ml.clv.purchase_outlook import Outlook, outlook_of
from crm_ml.clv.spend_summary import Spend
from crm_ml.clv.time_units import DAYS, YEAR_DAYS, Horizon, each_in_units
from crm_ml.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from crm_ml.clv.time_units import Horizons

_WIDEST = 20.0
LEVEL = 0.95


def lifetime_value(
    purchases_model: PurchaseModel,
    value_model: GammaGamma,
    summary: "pd.DataFrame",
    horizon: "Horizon | Horizons",
    annual_discount_rate: float = 0.0,
    margin: float = 1.0,
) -> "pd.Series[float]":
    """Return the expected lifetime value of each customer, discounted to today.

    Parameters
    ----------
    purchases_model : BetaGeo, ModifiedBetaGeo or ParetoNBD
        Fitted, in the time unit of `summary`.
    value_model : GammaGamma
        Fitted.
    summary : pandas.DataFrame, shape (n, ...)
        Of `crm_ml.clv.summarize`.
    horizon : timedelta or float, or a Series, array or list of one for each customer
        A time such as ``months(12)``, or a number in the unit of the summary. ``math.inf`` is the residual
        value, which needs a discount.
    annual_discount_rate : float
        0.1 makes a sum a year ahead worth 1 / 1.1 of it today. Discounting is continuous in time.
    margin : float
        Share of the spend that is earned.

    Returns
    -------
    pandas.Series of float, shape (n,)
        Named clv, in the money of the summary, indexed like it. ``attrs["cautions"]`` says where the horizon
        goes beyond what is known, and which parameters are at a bound: see `crm_ml.clv.cautions`.

    Raises
    ------
    InputError
        If a model is not fitted or `summary` is no valid summary, the horizon is not positive or is infinite
        without a discount, the rate or the margin is negative, or the unit of time is needed but not known.

    References
    ----------
    .. [1] Fader, Hardie and Lee (2005). RFM and CLV: using iso-value curves for customer base analysis.
       Journal of Marketing Research 42, equation 2: ``margin * E(spend) * DET``, with DET the discounted
       expected purchases.
    """
    import pandas as pd

    _check_margin(margin)
    purchases = discounted_purchases(purchases_model, summary, horizon, annual_discount_rate)
    values = pd.Series(purchases * value_model.expected_value(summary) * margin, name="clv")
    values.attrs["cautions"] = of_horizon_and_bounds(purchases_model, summary, horizon)
    return values


def discounted_purchases(
    model: PurchaseModel,
    summary: "pd.DataFrame",
    horizon: "Horizon | Horizons",
    annual_discount_rate: float = 0.0,
) -> "pd.Series[float]":
    """Return the discounted expected purchases (DET) of each customer; all else as `lifetime_value`."""
    import pandas as pd

    length, force = terms(model, summary, horizon, annual_discount_rate)
    histories = model.histories_of(summary)
    if not isinstance(length, float):
        histories, length = histories.apart(length)
    purchases = outlook_of(model, histories, length, force).discounted
    return pd.Series(histories.for_each(purchases), index=summary.index, name="discounted_purchases")


def value_with_interval(
    purchases_model: PurchaseModel,
    value_model: GammaGamma,
    summary: "pd.DataFrame",
    horizon: "Horizon | Horizons",
    annual_discount_rate: float = 0.0,
    margin: float = 1.0,
) -> "pd.DataFrame":
    """Return the columns clv, clv_low and clv_high: the expected value with its 95 % interval.

    The interval reflects the uncertainty of the fitted parameters: how well the expected value is known. The
    actual spend of a single customer varies far more. Of models from fitters of lifetimes without their data
    no uncertainty is known, and clv_low and clv_high are NaN. Parameters, raises: as `lifetime_value`.

    Notes
    -----
    Delta method: the variance of log clv is ``g' C g + h' D h`` with C and D the covariances of the
    logarithms of the parameters of both models, and g and h the gradients of the logarithms of the discounted
    purchases and of the spend by them. g is that of log P(alive), in closed form, plus that of the purchases
    if alive, by central differences at the ages of `crm_ml.clv.age_interpolation`; h is in closed form.
    Parameters at a bound, or without a variance, add nothing. The limits are at most a factor of exp(20)
    away.
    """
    import pandas as pd

    length, force = terms(purchases_model, summary, horizon, annual_discount_rate)
    histories = purchases_model.histories_of(summary)
    if not isinstance(length, float):
        histories, length = histories.apart(length)
    spend = Spend.of(summary, value_model.use_first_purchase)
    outlook = outlook_of(purchases_model, histories, length, force)
    columns = values_of(purchases_model, value_model, histories, spend, outlook, margin)
    values = pd.DataFrame(columns, index=summary.index)
    values.attrs["cautions"] = of_horizon_and_bounds(purchases_model, summary, horizon)
    return values


def values_of(
    purchases_model: PurchaseModel,
    value_model: GammaGamma,
    histories: Histories,
    spend: Spend,
    outlook: Outlook,
    margin: float,
) -> dict[str, Floats]:
    """Return the columns of `value_with_interval` of customers whose outlook is known, each shape (n,)."""
    from scipy.stats import norm

    _check_margin(margin)
    often = histories.for_each(purchases_model.variance_along(outlook.log_slopes))
    much = value_model.variance_along(value_model.log_slopes(spend))
    clv = histories.for_each(outlook.discounted) * value_model.expected(spend) * margin
    half = np.minimum(norm.ppf((1 + LEVEL) / 2) * np.sqrt(often + much), _WIDEST)
    return {"clv": clv, "clv_low": clv * np.exp(-half), "clv_high": clv * np.exp(half)}


def terms(
    model: PurchaseModel, summary: "pd.DataFrame", horizon: "Horizon | Horizons", annual_discount_rate: float
) -> tuple[Floats | float, float]:
    """Return horizons in the unit of the summary, and the force of interest for each such unit."""
    unit = model.unit_for(summary)
    length = each_in_units(horizon, unit, summary.index)
    if not (math.isfinite(annual_discount_rate) and annual_discount_rate >= 0):
        raise InputError(f"annual_discount_rate is {annual_discount_rate}; it must be 0 or more, .1 for 10 %")
    if np.isinf(length).any() and annual_discount_rate == 0:
        raise InputError(
            "horizon is infinite and nothing is discounted; give an annual_discount_rate above 0"
        )
    if annual_discount_rate > 0 and unit is None:
        raise InputError(
            "the summary does not say its unit of time, which a yearly discount needs; set "
            'summary.attrs["time_unit"] to "D", "W", "M" or "h"'
        )
    days = DAYS[unit] if unit is not None else 1
    return length, math.log1p(annual_discount_rate) * days / YEAR_DAYS


def _check_margin(margin: float) -> None:
    if not (math.isfinite(margin) and margin >= 0):
        raise InputError(f"margin is {margin}; it must be a share of the spend, 0 or more")
