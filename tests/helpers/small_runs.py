"""The default runs on a hundred households, or so few simulated customers that each takes seconds."""

import contextlib
from pathlib import Path

import pytest
from small_data import few_households
from stores import PROJECT
from third_party import third_party

from crm_ml.config import Defaults, load

DEFAULT = load(PROJECT / "configs/default.yaml", Defaults).runs
METRICS = ("auc", "average_precision", "log_loss", "brier", "ece")
PLAIN = "plain_lightgbm"
HOUSEHOLDS = 120
ONE = "num_threads: 1, rounds: 5"
SMALL = {
    "churn/lightgbm": {
        "features": "{rfm: {}, cadence: {}}", "leave_out": "[rfm_*_365d]",
        "split.test": "[2017-08-30, 2017-09-27, 2017-10-25]",
        "split.training_snapshots": "1", "model.options": "{rounds: 20, n_seeds: 1, num_threads: 1}",
        "baselines": "[{name: recency_rule}]", "calibration": "{}", "register_as.as_of": "2017-12-20",
    },
    "clv/bg_nbd": {
        "target.horizon_days": "28", "split.test": "2017-11-27", "split.validation": "[2017-10-30]",
        "interval_replicates": "20", "register_as.as_of": "2017-12-20", "worth.months": "1",
        "candidates": "[{purchases: beta_geo}, {purchases: modified_beta_geo}]",
        "challenger": f"{{windows: 1, every_days: 28, options: {{min_data_in_leaf: 20, {ONE}}}}}",
    },
    "propensity/coupon": {
        "features": "{rfm: {}}", "leave_out": "[rfm_*_365d]", "target.kinds": "[Type A]",
        "split.test_from": "2017-08-08", "split.test_until": "2017-08-10", "register_as.as_of": "2017-10-15",
        "baselines": "[{name: shrunk_rate}]", "model.options": "{rounds: 20, n_seeds: 1, num_threads: 1}",
    },
    "uplift/simulated": {
        "data.options": "{customers: 1500, seed: 0, campaigns: 3}", "split.test_from": "2024-09-01",
        "features": "{cadence: {}}", "leave_out": "[]", "others": "[]",
        "model.options": "{num_threads: 1, outcome_options: {rounds: 5}, effect_options: {rounds: 5}}",
    },
    "recommend/two_heads": {
        "model.options": f"{{windows: 2, own: 20, candidates: 10, {ONE}}}", "register_as.as_of": "2017-12-20",
        "baselines": "[{name: popularity}]", "target.least_events": "10",
    },
}  # fmt: skip


def metrics_of_probabilities(baselines: list[str]) -> set[str]:
    """Names of all metrics that a run of churn or propensity logs."""
    prefixes = ["test", "difference", *(f"baseline.{name}" for name in baselines), f"baseline.{PLAIN}"]
    names = [f"{prefix}.{metric}" for prefix in prefixes for metric in METRICS]
    names += ["test.calibration_intercept", "test.calibration_slope"]
    alone = {f"test.{metric}" for metric in ("positives", "ece_debiased", "ece_least", "ece_p_value")}
    return alone | {name + end for name in names for end in ("", ".low", ".high")}


def settings(name: str, households: Path) -> list[str]:
    """Overrides that make a default run this small."""
    wanted = {"replicates": "100", **SMALL[name]}
    if not name.startswith("uplift/"):
        wanted["data.path"] = str(households)
    return [f"{key}={value}" for key, value in wanted.items()]


@contextlib.contextmanager
def home(root: Path):
    """Let runs and data lie in a folder, from the project's folder, and the engine have one thread."""
    with pytest.MonkeyPatch.context() as monkeypatch, third_party():
        monkeypatch.chdir(PROJECT)
        monkeypatch.setenv("CRM_ML_RUNS", str(root / "runs"))
        monkeypatch.setenv("CRM_ML_DATA", str(root / "data"))
        monkeypatch.setenv("CRM_ML_THREADS", "1")
        monkeypatch.setenv("COLUMNS", "120")
        for name in ("MLFLOW_TRACKING_URI", "CRM_ML_CACHE"):
            monkeypatch.delenv(name, raising=False)
        yield


def households_in(folder: Path) -> Path:
    """Write the files of Complete Journey for these runs."""
    return few_households(folder, HOUSEHOLDS)
