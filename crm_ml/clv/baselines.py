"""Predictions without a model, which every model must beat."""

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from crm_ml.clv.purchase_histories import Floats, plain_names
from crm_ml.clv.time_units import DAYS, in_units, time_unit_of

if TYPE_CHECKING:
    import pandas as pd

ACTIVE_WITHIN = timedelta(weeks=13)


@dataclass(frozen=True)
class Baseline:
    """Purchases and money that a rule predicts, each shape (n,)."""

    purchases: Floats
    value: Floats


def zeros(summary: "pd.DataFrame") -> Baseline:
    """Predict that nobody buys again."""
    return Baseline(np.zeros(len(summary)), np.zeros(len(summary)))


def past_count(summary: "pd.DataFrame", horizon: timedelta) -> Baseline:
    """Predict the past rate of repeat purchases for every customer.

    The observed time starts on the day of the first purchase of any customer and is the same for all, so
    that a new customer is not taken for a heavy buyer.
    """
    summary, unit = plain_names(summary), time_unit_of(summary)
    day = in_units(timedelta(days=1), unit)
    share = in_units(horizon, unit) / (float(summary["T"].max()) + day)
    purchases = summary["frequency"].to_numpy(dtype=np.float64) * share
    return Baseline(purchases, purchases * summary["monetary_value"].to_numpy(dtype=np.float64))


def recency_rule(
    summary: "pd.DataFrame", horizon: timedelta, active_within: timedelta = ACTIVE_WITHIN
) -> Baseline:
    """Predict the past rate for customers with a purchase in the last weeks, and nothing for all others.

    The heuristic that managers use, see [1]_.

    References
    ----------
    .. [1] Wuebben and von Wangenheim (2008). Instant customer base analysis: managerial heuristics often
       "get it right". Journal of Marketing 72.
    """
    before = past_count(summary, horizon)
    quiet = (summary["T"] - summary["recency"]).to_numpy(dtype=np.float64)
    quiet_days = np.round(quiet * DAYS[str(time_unit_of(summary))])  # weeks are no exact fractions
    active = quiet_days < active_within / timedelta(days=1)
    return Baseline(before.purchases * active, before.value * active)


def baselines(summary: "pd.DataFrame", horizon: timedelta) -> dict[str, Baseline]:
    """Return all baselines by name."""
    return {
        "zeros": zeros(summary),
        "past_count": past_count(summary, horizon),
        "recency_rule": recency_rule(summary, horizon),
    }
