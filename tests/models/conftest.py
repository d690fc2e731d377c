"""Customers of several snapshots whose churn follows from what is seen, with nulls, ties and text."""

import numpy as np
import pandas as pd
import pytest


def customers(n=1500, seed=0):
    """Features indexed by as_of and customer_id, labels and weights."""
    rng = np.random.default_rng(seed)
    index = pd.MultiIndex.from_arrays(
        [
            np.where(np.arange(n) < n // 2, "2024-01-01", "2024-02-01"),
            [f"客户{i % (n // 2)}" for i in range(n)],
        ],
        names=["as_of", "customer_id"],
    )
    recency, gap = rng.integers(1, 57, n).astype(float), rng.gamma(3, 4, n)
    stage = np.where(recency > 28, "dormant", rng.choice(["new", "active"], n))
    X = pd.DataFrame(
        {
            "rfm_days_since_order": recency,
            "cadence_gap_share": np.where(rng.random(n) < 0.2, np.nan, recency / gap),
            "rfm_paid_cents": np.round(rng.lognormal(8, 2, n)),
            "lifecycle_stage": stage,
            "lifecycle_tenure_days": rng.integers(1, 900, n).astype(float),
            "attribute_town": rng.choice(["Ulm", "Köln", "北京", None], n),
            "rfm_orders_28d": rng.poisson(3, n).astype(float),
            "history_sent": (sent := rng.poisson(4, n)).astype(float),
            "history_answered": rng.binomial(sent, recency / 60).astype(float),
        },
        index=index,
    )
    margin = 0.08 * recency - 3 + 0.3 * (X["attribute_town"] == "Ulm") - 0.2 * X["rfm_orders_28d"]
    y = pd.Series((rng.random(n) < 1 / (1 + np.exp(-margin))).astype("int8"), index=index)
    return X, y, rng.choice([0.5, 1.0, 2.0], n)


@pytest.fixture(scope="session")
def data():
    return customers()
