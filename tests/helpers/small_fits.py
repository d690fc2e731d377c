"""Small calls of `crm_ml.fit` on a simulated shop, one a family."""

from typing import Any

AS_OF = "2024-12-29"
SHOP: dict[str, Any] = {"customers": 300, "seed": 0, "campaigns": 3}
PROBABILITY = {
    "features": {"rfm": {}},
    "leave_out": ["rfm_*_365d"],
    "model": {"name": "logistic"},
    "baselines": [{"name": "recency_rule"}],
    "calibration": {"methods": []},
}
FEW_TREES = {"num_threads": 1, "outcome_options": {"rounds": 5}, "effect_options": {"rounds": 5}}
CHURN: dict[str, Any] = {
    **PROBABILITY,
    "target": {"horizon_days": 56, "active_within_days": 112, "purpose": "analytics"},
    "split": {"test": ["2024-11-01"], "training_snapshots": 2, "every_days": 56},
    "replicates": 100,
    "largest_ece": 0.2,
    "register_as.as_of": AS_OF,
}
STATED: dict[str, dict[str, Any]] = {
    "churn": {"horizon_days": 56, "active_within_days": 112, "settings": PROBABILITY},
    "clv": {"horizon_days": 56, "interval_replicates": 20, "settings": {"split.validation": ["2024-08-11"]}},
    "propensity": {
        "of": "purchases",
        "horizon_days": 56,
        "active_within_days": 224,
        "training_snapshots": 3,
        "every_days": 56,
        "settings": PROBABILITY,
    },
    "recommend": {"settings": {"model.options": {"windows": 2, "rounds": 20, "num_threads": 1}}},
    "uplift": {"settings": {"features": {"rfm": {}}, "others": [], "model.options": FEW_TREES}},
}
