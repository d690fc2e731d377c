"""Models compared by a frame of predictions: equal to runs, over seeds, coverage, and what is refused."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.metrics import roc_auc_score

import crm_ml
from crm_ml.errors import InputError
from crm_ml.evaluation import Predictions, compare, evaluate


@pytest.fixture
def frame():
    rng = np.random.default_rng(0)
    p = rng.beta(1, 3, 1200)
    made = pd.DataFrame(
        {"customer_id": [f"c{i % 600}" for i in range(1200)], "day": np.repeat(["f", "g"], 600)}
    )
    made["y"], made["line"] = rng.random(1200) < p, 0.5 * p + 0.1
    for seed in range(4):
        made[f"trees_{seed}"] = np.clip(p + rng.normal(0, 0.05 + 0.05 * seed, 1200), 0, 1)
    return made


def test_one_seed_is_the_evaluation_of_runs(frame):
    found = compare(frame, ["line", "trees_0"], fold="day", replicates=200)
    p = {name: frame[name] for name in ("line", "trees_0")}
    rows = Predictions(frame["customer_id"], frame["day"], frame["y"], p)
    judged = evaluate(rows, np.random.default_rng(0), replicates=200, over=("pooled",))
    for metric in judged.metrics:
        for model in p:
            assert found.interval(model, metric) == judged.interval(model, metric)
        assert found.difference("line", "trees_0", metric) == judged.difference("line", "trees_0", metric)
    assert found.notes == ()


def test_seeds_are_averaged_and_widen_the_interval(frame):
    columns = [f"trees_{seed}" for seed in range(4)]
    found = compare(frame, {"trees": columns, "line": "line"}, fold="day", metrics=["auc"], replicates=200)
    each = [roc_auc_score(frame["y"], frame[column]) for column in columns]
    table = found.table().set_index("model")
    assert table.loc["trees", "value"] == pytest.approx(np.mean(each), rel=1e-12)
    assert table.loc["trees", "seed_deviation"] == pytest.approx(np.std(each, ddof=1), rel=1e-9)
    assert np.isnan(table.loc["line", "seed_deviation"])
    rows = found.rows.interval("trees", "auc")
    half = 3.182446305284263 * np.std(each, ddof=1) / 2  # t of 3 degrees of freedom
    end = found.interval("trees", "auc")
    assert end.high - end.value == pytest.approx(np.hypot(rows.high - rows.value, half), rel=1e-9)
    assert found.notes == ("line: one seed, so how far another one would move it is not in the interval",)
    apart = found.differences("line").iloc[0]
    assert (apart["model"], apart["metric"], apart["seeds"]) == ("trees", "auc", 4)
    assert apart["value"] == pytest.approx(table.loc["trees", "value"] - table.loc["line", "value"])
    assert apart["clear"] == (apart["low"] > 0 or apart["high"] < 0)


def test_as_many_seeds_are_paired(frame):
    """The second model is the first, moved by the same: the seeds' spread cancels."""
    for seed in range(4):
        frame[f"moved_{seed}"] = frame[f"trees_{seed}"] * 0.9
    models = {name: [f"{name}_{seed}" for seed in range(4)] for name in ("trees", "moved")}
    paired = compare(frame, models, fold="day", metrics=["auc"], replicates=100).difference(
        "trees", "moved", "auc"
    )
    assert (paired.value, paired.low, paired.high) == pytest.approx((0, 0, 0), abs=1e-12)
    models["moved"] = models["moved"][:3]
    assert (
        compare(frame, models, fold="day", metrics=["auc"], replicates=100)
        .difference("trees", "moved", "auc")
        .high
        > 0.01
    )


def test_other_frames_and_values_of_money(frame):
    few = frame[frame["day"] == "f"]
    pandas = compare(few, ["line", "trees_0"], metrics=["brier"], replicates=50).table()
    polars = compare(pl.from_pandas(few), ["line", "trees_0"], metrics=["brier"], replicates=50).table()
    pd.testing.assert_frame_equal(pandas, polars)
    money = few.assign(spend=few["y"] * 100.0, ours=few["line"] * 100, theirs=few["trees_1"] * 100)
    found = crm_ml.evaluation.compare(money, ["ours", "theirs"], outcome="spend", of="values", replicates=50)
    assert set(found.table()["model"]) == {"ours", "theirs"}
    assert "mae" in set(found.table()["metric"])


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (
            {"models": ["line", "blend"], "fold": "week"},
            "no column blend, week; there are customer_id, day, y",
        ),
        ({"models": {"a": ["line"], "b": ["line"]}, "fold": "day"}, "named twice: line"),
        ({"models": {"a": []}, "fold": "day"}, "no column given for a"),
        ({"models": ["line"], "of": "ranks"}, "of is 'ranks'; there are probabilities, values"),
        ({"models": ["line"]}, "600 rows repeat a customer within a fold"),
    ],
)
def test_what_can_not_be_compared_is_refused(frame, given, words):
    with pytest.raises(InputError, match=words):
        compare(frame, **given)


def test_there_is_no_such_base(frame):
    with pytest.raises(InputError, match="no model 'blend'; there are line"):
        compare(frame, ["line"], fold="day", metrics=["brier"], replicates=20).differences("blend")


@pytest.mark.slow
def test_intervals_over_seeds_hold_the_truth_where_those_of_rows_do_not():
    """y is 1 with .5 + .3 x, x = -1 or 1; a seed predicts .5 + b x, b normal of mean .15 and deviation .05.

    Brier score over all rows and seeds: .25 - 2 .3 E[b] + E[b^2] = .25 - .09 + .0225 + .0025.
    """
    held, alone = [], []
    for world in range(200):
        rng = np.random.default_rng([3, world])
        x = rng.choice([-1, 1], 1000)
        frame = pd.DataFrame({"customer_id": range(1000), "y": rng.random(1000) < 0.5 + 0.3 * x})
        for seed, b in enumerate(rng.normal(0.15, 0.05, 5)):
            frame[f"m{seed}"] = 0.5 + b * x
        found = compare(frame, {"m": [f"m{seed}" for seed in range(5)]}, metrics=["brier"], replicates=200)
        for intervals, end in (
            (held, found.interval("m", "brier")),
            (alone, found.rows.interval("m", "brier")),
        ):
            intervals.append(end.low < 0.185 < end.high)
    assert 0.91 < np.mean(held) < 0.995
    assert np.mean(alone) < 0.7
