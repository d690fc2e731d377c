"""Overrides that make the committed runs small: few snapshots and customers, few trees and replicates."""

FEW_TREES = "num_threads: 1, outcome_options: {rounds: 40}"
FEW_LEAVES = "{rounds: 20, min_data_in_leaf: 20, num_threads: 1}"
SMALL = {
    "churn": {
        "split.test": "[2017-10-25, 2017-11-22]",
        "split.training_snapshots": "2",
        "split.every_days": "28",
        "register_as.as_of": "2017-12-20",
        "calibration.snapshots": "1",
        "replicates": "100",
        "largest_ece": "0.2",
    },
    "clv": {
        "replicates": "100",
        "interval_replicates": "20",
        "largest_total_error": "2.0",
        "challenger": f"{{windows: 1, every_days: 28, options: {FEW_LEAVES}}}",
    },
    "propensity": {"replicates": "100", "largest_ece": "0.5"},
    "recommend": {
        "replicates": "100",
        "largest_ece": "0.5",
        "target.least_events": "25",
        "register_as.as_of": "2017-12-20",
        "model.options": "{windows: 2, rounds: 20, own: 60, candidates: 20, num_threads: 1}",
    },
    "uplift": {
        "replicates": "100",
        "model.options": f"{{{FEW_TREES}, effect_options: {{rounds: 20}}}}",
        "others": f"[{{name: t_learner, options: {{{FEW_TREES}}}}}]",
    },
}
SMALL_DATA = {
    ("churn", "simulated"): {
        "data.options.customers": "500",
        "split.test": "[2023-11-05, 2023-12-03]",
        "register_as.as_of": "2023-12-17",
    },
    ("clv", "complete_journey"): {
        "split.validation": "[2017-05-15, 2017-07-10]",
        "register_as.as_of": "2017-12-20",
    },
    ("clv", "cdnow"): {
        "split.validation": "[1997-08-06]",
        "candidates": "[{purchases: beta_geo}, {purchases: pareto_nbd, first_purchase: true}]",
    },
    ("uplift", "hillstrom"): {"split.halves": "2"},
    ("uplift", "starbucks"): {"split.halves": "2"},
    ("uplift", "simulated"): {
        "data.options.customers": "1200",
        "features": "{cadence: {}, attributes: {}}",
        "leave_out": "[attribute_invited_by]",
        "others": "[]",
    },
}
SEARCH = {"tuning.trials": "4", "tuning.startup": "2", "tuning.validation": "{search: 2, confirm: 1}"}
TUNED = {
    "churn": {
        **SEARCH,
        "features": "{rfm: {}, cadence: {}}",
        "leave_out": "[rfm_*_365d]",
        "split.test": "[2017-11-22]",
        "calibration.methods": "[]",
        "tuning.space": "{rounds: {low: 20, high: 80}, linear_share: {low: 0, high: 1}}",
    },
    "propensity": {
        **SEARCH,
        "features": "{rfm: {}}",
        "leave_out": "[rfm_*_365d]",
        "target": "{of: purchases, categories: [COFFEE], horizon_days: 28, active_within_days: 56}",
        "split": "{test: [2017-11-22], training_snapshots: 1}",
        "register_as.as_of": "2017-12-20",
        "tuning.space": "{rounds: {low: 20, high: 80}, strength: {low: 0.003, high: 0.3, log: true}}",
    },
    "recommend": {
        **SEARCH,
        "baselines": "[{name: popularity}]",
        "model.options": "{windows: 2, rounds: 20, own: 30, candidates: 10, num_threads: 1, new_rounds: 20}",
        "tuning.validation": "{search: 1, confirm: 1}",
        "tuning.space": "{new_rounds: {low: 10, high: 40}, new_truncation: {low: 5, high: 40}}",
    },
}  # a search is there once for each family, with as few features and trials as show it
SMALL_RUNS = {
    "propensity/category": {
        "features": "{rfm: {}, price: {}}",
        "split.test": "[2017-11-22]",
        "split.training_snapshots": "2",
    },
    "propensity/coupon": {"split.test_from": "2017-10-30", "split.earliest": "2017-08-01"},
}
QUICK = {"rounds": 60, "n_seeds": 1, "num_threads": 1}
