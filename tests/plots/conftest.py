"""A small shop with fitted models, and every public plot drawn of it."""

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pytest
from plotted_lines import buyer

from crm_ml import clv, datasets, plots
from crm_ml.evaluation import Predictions
from crm_ml.evaluation.decision_curve import decision_curve
from crm_ml.evaluation.metric_segments import by_segment
from crm_ml.evaluation.uplift_curves import uplift_by_decile
from crm_ml.snapshots import Snapshot


@dataclass(frozen=True)
class Shop:
    tables: Any
    day: Snapshot
    summary: pd.DataFrame
    purchases: Any
    values: pd.DataFrame


@pytest.fixture(scope="session")
def shop():
    tables = datasets.load("simulated", customers=300, seed=0)
    day = Snapshot("2024-09-01", timedelta(weeks=12))
    summary = clv.summarize(tables, day.as_of, "W")
    purchases, spend = clv.BetaGeo().fit(summary), clv.GammaGamma(largest_correlation=1).fit(summary)
    return Shop(tables, day, summary, purchases, clv.value_with_interval(purchases, spend, summary, 26))


@pytest.fixture(scope="session")
def scored():
    rng = np.random.default_rng(0)
    truth = rng.beta(1, 5, 1500)
    scores = {"rule": np.round(truth, 1), "model": truth, "flat": np.full(1500, 0.2)}
    return Predictions(np.arange(1500), ["f"] * 1500, rng.random(1500) < truth, scores)


@pytest.fixture(scope="session")
def drawings(shop, scored):
    """By name a function of ``ax`` for each public plot of one panel."""
    rng = np.random.default_rng(0)
    arm, effect = rng.integers(0, 2, 800), rng.random(800)
    outcome = (rng.random(800) < 0.2 + 0.3 * arm * effect).astype(float)
    bought, rate = rng.poisson(1, 200).astype(float), rng.gamma(1, 1, 200)
    lists = pd.DataFrame({"customer_id": ["a", "a", "b", "b"], "rank": [1, 2, 1, 2], "item_id": list("xyxz")})
    cohorts = clv.retention(shop.tables, "2024-12-15")
    segmented = by_segment(scored, np.arange(1500) % 3, "model", rng, ["auc"], 30)
    of_model, before = (shop.purchases, shop.summary), [0, 1, 2, 9] * 50
    tracked = (shop.tables, shop.day, shop.summary, shop.purchases)
    by_frequency = plots.purchases_by_frequency
    walked = (shop.purchases, shop.tables, buyer(shop.summary), shop.day.as_of)
    policy = {"policy": ["none", "all"], "treated": [0.0, 1.0], "difference": [0.0, 2.0]}
    policy |= {"difference_low": [0.0, 1.0], "difference_high": [0.0, 3.0]}
    return {
        "calibration": partial(plots.calibration, scored),
        "clv_distribution": partial(plots.clv_distribution, shop.values, unit="EUR"),
        "coverage": partial(plots.coverage, lists, list("vwxyz")),
        "cumulative_purchases": partial(plots.cumulative_purchases, *tracked),
        "deciles": partial(plots.deciles, bought, rate, unit="purchases"),
        "decision_curve": partial(plots.decision_curve, decision_curve(scored, 10, [1, 3, 6]), unit="EUR"),
        "exposure": partial(plots.exposure, lists, list("vwxyz")),
        "gains": partial(plots.gains, scored),
        "lift": partial(plots.lift, scored),
        "p_alive_matrix": partial(plots.p_alive_matrix, *of_model),
        "p_alive_path": partial(plots.p_alive_path, *walked, days_ahead=30),
        "policies": partial(plots.policies, pd.DataFrame(policy), "cents"),
        "purchases_by_frequency": partial(by_frequency, before, bought, rate, horizon="a week"),
        "purchases_matrix": partial(plots.purchases_matrix, *of_model, timedelta(weeks=12)),
        "qini": partial(plots.qini, outcome, {"model": effect, "response": outcome}, arm),
        "retention": partial(plots.retention, cohorts),
        "retention_matrix": partial(plots.retention_matrix, cohorts),
        "segments": partial(plots.segments, segmented),
        "uplift_deciles": partial(plots.uplift_deciles, uplift_by_decile(outcome, effect, arm)),
    }  # fmt: skip
