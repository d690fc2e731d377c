"""What a run of recommendation leaves in the store, and what it refuses."""

import math

import pandas as pd
import pytest
from rich.progress import Progress
from run_store import facts, files, first, folder, overall, version_folder

from crm_ml import tracking
from crm_ml.config import load_run
from crm_ml.errors import ConfigError, InputError, LeakError
from crm_ml.models import model_folder
from crm_ml.recommend import recommend_pyfunc
from crm_ml.storage.manifest import verify
from crm_ml.train import experiment
from crm_ml.train.families.recommend import experiment as recommend

RUN = "recommend/two_heads"
QUICK = {"model": "{name: personal_frequency}", "baselines": "[{name: popularity}]"}
pytestmark = pytest.mark.xdist_group("store")


@pytest.fixture
def client(store):
    assert store.exit_code == 0
    return tracking.connect()


def test_every_metric_stands_beside_its_baselines_for_all_items_and_for_new_ones(store, client):
    metrics = store.metrics[RUN]
    baselines = [f"baseline.{part.name}" for part in load_run(RUN).baselines]
    told = [
        f"{view}{metric}_at_10"
        for view in ("", "new_", "repeat_", "explore_")
        for metric in ("ndcg", "recall", "map", "hit_rate", "mrr")
    ]
    for prefix in ("test", *baselines):
        assert {f"{prefix}.{one}{end}" for one in told for end in ("", ".low", ".high")} <= set(metrics)
    assert all(math.isfinite(value) for value in metrics.values())
    assert metrics["test.ndcg_at_10"] > metrics["baseline.popularity.ndcg_at_10"] + 0.1
    assert metrics["test.ndcg_at_10"] > metrics["baseline.ease.ndcg_at_10"]
    difference = metrics["test.ndcg_at_10"] - metrics["baseline.ease.ndcg_at_10"]
    assert metrics["difference.ease.ndcg_at_10"] == pytest.approx(difference)
    assert metrics["test.repeat_recall_at_10"] > metrics["test.explore_recall_at_10"]
    assert (
        metrics["baseline.personal_frequency.explore_recall_at_10"] < 0.02
    )  # it has no new items to fill with
    fallback = metrics["baseline.personal_frequency.new_ndcg_at_10"]  # popularity, with other ties
    assert fallback == pytest.approx(metrics["baseline.popularity.new_ndcg_at_10"], abs=0.01)
    assert 0 <= metrics["test.ece"] < 0.2
    assert overall(first(client, RUN)) == pytest.approx(metrics)


def test_a_run_leaves_its_tables_and_its_picture(client):
    run = first(client, RUN)
    assert {
        "plots/calibration.png",
        "tables/metrics.csv",
        "tables/differences.csv",
        "tables/lists.csv",
    } <= files(run)
    lists = pd.read_csv(folder(run) / "tables/lists.csv").set_index(["view", "model"])
    assert lists.loc[("all", "personal_frequency"), "coverage"] > lists.loc[("all", "popularity"), "coverage"]
    assert facts(run)["test"] == ["2017-12-04"]


def test_the_registered_model_recommends(client):
    home = version_folder(client, "recommend", 1)
    assert verify(home)["labels_end"] == "2017-12-20"
    model = model_folder.load(home)
    table = model_folder.PyfuncModel(model, recommend_pyfunc.score).predict(
        pd.DataFrame({"customer_id": model.customers_[:3]})
    )
    assert table.groupby("customer_id").size().tolist() == [10, 10, 10]


@pytest.mark.usefixtures("client")
def test_several_test_days_roll_on_and_count_together(store):
    days = ["2017-11-06", "2017-12-04"]
    given = [one for one in store.settings(RUN) if not one.startswith("model.options")]
    quick = [f"{key}={value}" for key, value in QUICK.items()]
    single = [_metrics([*given, *quick, f"test=[{day}]"]) for day in days]
    joined = _metrics([*given, *quick, f"test=[{', '.join(days)}]"])
    values = [one["test.ndcg_at_10"] for one in single]
    assert min(values) < joined["test.ndcg_at_10"] < max(values)
    width = [one["test.ndcg_at_10.high"] - one["test.ndcg_at_10.low"] for one in (*single, joined)]
    assert width[-1] < sum(width[:-1]) / len(days)


def _metrics(settings):
    config = load_run(RUN, settings)
    tables = experiment.load_tables(config)
    with Progress(disable=True) as progress:
        return recommend.execute(config, tables, progress).metrics


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"test": "[2017-12-20]"}, InputError, "but the data end on 2018-01-01"),
        ({"target.least_events": "100000"}, InputError, "no item_id has 100,000 purchases"),
        ({"target.purpose": "marketing"}, ConfigError, "consent"),
        ({"model": "{name: svd}"}, ConfigError, "'svd' is no recommender"),
        (
            {"baselines": "[{name: popularity, options: {weeks: 2}}]"},
            ConfigError,
            "popularity has no parameter weeks",
        ),
        ({"test": "[2017-12-04, 2017-11-06]"}, ConfigError, "test days must ascend"),
    ],
)
def test_what_can_not_be_judged_is_refused_and_registers_nothing(store, client, settings, error, words):
    before = len(client.search_model_versions("name='recommend'"))
    given = [one for one in store.settings(RUN) if not one.startswith(("model.options", "test="))]
    with pytest.raises(error, match=words):
        experiment.run(RUN, [*given, *(f"{key}={value}" for key, value in (QUICK | settings).items())])
    assert len(client.search_model_versions("name='recommend'")) == before


def test_events_that_know_the_future_stop_the_run(store, monkeypatch):
    honest = recommend.task_of

    def leaking(tables, snapshot, *given, **more):
        task = honest(tables, snapshot, *given, **more)
        if more.get("after", True):
            task.data.quantity[0] += 1
        return task

    monkeypatch.setattr(recommend, "task_of", leaking)
    given = [one for one in store.settings(RUN) if not one.startswith("model.options")]
    with pytest.raises(LeakError, match="interactions: quantity at 2017-12-04 differs"):
        experiment.run(RUN, [*given, *(f"{key}={value}" for key, value in QUICK.items())])
