"""What stops a run, before anything of it is registered."""

import math
from types import ModuleType

import narwhals as nw
import pytest
from run_store import FEW, RUN, newest, versions

from crm_ml import tracking
from crm_ml.errors import ConfigError, InputError, LeakError
from crm_ml.features import feature_groups
from crm_ml.snapshots import Snapshot
from crm_ml.train import experiment
from crm_ml.train.families.churn import experiment as churn
from crm_ml.train.families.probability import report

pytestmark = [pytest.mark.xdist_group("store"), pytest.mark.usefixtures("nothing_registered")]


@pytest.fixture
def nothing_registered(store):
    """Whatever a test does in the store, its run fails and leaves no metric and no model."""
    assert store.exit_code == 0
    client = tracking.connect()
    before = versions(client)
    yield
    assert versions(client) == before
    assert newest(client).info.status == "FAILED"
    assert newest(client).data.metrics == {}


def test_metrics_that_are_not_finite_are_refused_and_nothing_is_registered(store, monkeypatch):
    broken = {"test.auc": 0.9, "test.ece": math.nan}
    monkeypatch.setattr(report.Judged, "metrics", lambda _judged: broken)
    with pytest.raises(InputError, match=r"NaN or infinite, none was logged: test\.ece"):
        experiment.run(RUN, store.settings(RUN, **FEW))


def test_a_planted_leak_stops_the_run_before_anything_is_registered(store, monkeypatch):
    honest = churn.labelled_rows

    def leaking(*arguments, **options):
        rows = honest(*arguments, **options)
        rows.X["rfm_orders_next_28d"] = 3.0 - 3.0 * rows.y.to_numpy()
        return rows

    monkeypatch.setattr(churn, "labelled_rows", leaking)
    with pytest.raises(LeakError, match=r"rfm_orders_next_28d \(AUC 1\.0000"):
        experiment.run(RUN, store.settings(RUN, **FEW))


def test_a_feature_group_that_reads_later_orders_stops_the_run(store, monkeypatch):
    future = ModuleType("future")
    future.COLUMNS = {"future_orders": 0}

    def compute(tables, _snapshot):
        return tables.frame("orders").group_by("customer_id").agg(nw.len().alias("future_orders"))

    future.compute = compute
    known = feature_groups.groups()
    monkeypatch.setattr(feature_groups, "groups", lambda: known | {"future": future})
    settings = store.settings(RUN, **FEW | {"features": "{rfm: {}, cadence: {}, future: {}}"})
    with pytest.raises(LeakError, match="future_orders differs in"):
        experiment.run(RUN, settings)


def test_training_labels_that_reach_into_the_test_are_refused(store, monkeypatch):
    honest = Snapshot.training
    monkeypatch.setattr(
        Snapshot, "training", lambda self, *given: [one.shifted(1) for one in honest(self, *given)]
    )
    with pytest.raises(LeakError, match=r"end on 2017-10-26, after the evaluation snapshot 2017-10-25"):
        experiment.run(RUN, store.settings(RUN, **FEW))


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"register_as.as_of": "2018-03-01"}, InputError, "but the data end on 2018-01-0"),
        (
            {"split.earliest": "2017-10-20"},
            InputError,
            "no training snapshot lies between 2017-10-20 and 2017-10-25",
        ),
        (
            {"leave_out": "[rfm_orders_9d, habits_*]"},
            ConfigError,
            r"rfm_orders_9d, habits_\* match no feature",
        ),
        ({"features": "{rfm: {days: 3}, cadence: {}}"}, ConfigError, "rfm has no option days"),
        (
            {"calibration": "{methods: [platt], snapshots: 2}"},
            InputError,
            "labels that end before the calibration",
        ),
        ({"data.ends_at": "2017-12-01"}, InputError, "but the data end on 2017-12-01"),
        ({"model.options": "{trees: 3}"}, ConfigError, "has no parameter trees"),
    ],
)
def test_what_the_data_or_the_code_can_not_give_is_refused_by_name(store, settings, error, words):
    with pytest.raises(error, match=words):
        experiment.run(RUN, store.settings(RUN, **FEW | settings))
