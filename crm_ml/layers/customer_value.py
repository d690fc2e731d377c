"""What each customer is worth on a day: lifetime value by models fitted to its past, or a feature."""

from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from crm_ml.errors import ConfigError
from crm_ml.layers.settings import Value
from crm_ml.snapshots import Snapshot
from crm_ml.tables.bundle import Tables
from crm_ml.tables.currencies import currency_of, minor_per_major

if TYPE_CHECKING:
    import pandas as pd


def value_cents(
    tables: Tables, snapshot: Snapshot, features: "pd.DataFrame", value: Value
) -> "pd.Series[int]":
    """Return the value of each customer in whole minor units.

    Parameters
    ----------
    tables : Tables
    snapshot : Snapshot
        Only orders before it are read: the models are fitted to them, and value the customers who made them.
    features : pandas.DataFrame
        Of all customers of the day.
    value : Value

    Returns
    -------
    pandas.Series of int
        Named layer_value_cents, indexed like `features`; 0 for a customer without purchase.

    Raises
    ------
    ConfigError
        If the column that stands for the value is absent.
    InputError
        If the purchases do not suffice for the models, such as without a repeat buyer.

    References
    ----------
    .. [1] Batislam, Denizel and Filiztekin (2007). Empirical validation and comparison of models for customer
       base analysis. International Journal of Research in Marketing 24 (MBG/NBD).
    .. [2] Fader and Hardie (2013). The Gamma-Gamma model of monetary value.
    """
    import pandas as pd

    if value.column is not None:
        if value.column not in features:
            raise ConfigError(f"value: there is no feature {value.column!r}; name one of its groups")
        amounts = features[value.column].fillna(0.0).clip(lower=0.0)
    else:
        amounts = _lifetime_value(tables, snapshot, value).reindex(features.index).fillna(0.0)
    cents = np.floor(amounts.to_numpy(dtype=np.float64) + 0.5).astype(np.int64)
    return pd.Series(cents, index=features.index, name="layer_value_cents")


def _lifetime_value(tables: Tables, snapshot: Snapshot, value: Value) -> "pd.Series[float]":
    """Return the lifetime value of each customer with a purchase, in minor units."""
    from crm_ml.clv import GammaGamma, ModifiedBetaGeo, lifetime_value, summarize

    summary = summarize(tables, snapshot.as_of, "W")
    purchases, spend = ModifiedBetaGeo().fit(summary), GammaGamma().fit(summary)
    horizon = timedelta(days=value.horizon_days)
    worth = lifetime_value(purchases, spend, summary, horizon, value.annual_discount_rate, value.margin)
    per_major = minor_per_major(currency_of(tables.frame("order_lines")))
    return worth * per_major
