"""Segments are judged on their own rows, and small ones are flagged."""

import numpy as np
import pytest

from crm_ml.errors import InputError
from crm_ml.evaluation.classification import auc
from crm_ml.evaluation.metric_segments import bands, by_segment
from crm_ml.evaluation.predictions import Predictions


@pytest.fixture
def predictions():
    rng = np.random.default_rng(0)
    truth = rng.beta(1, 3, 1200)
    y = rng.random(1200) < truth
    ids = [f"c{i % 600}" for i in range(1200)]
    return Predictions(ids, np.repeat(["f", "g"], 600), y, {"m": truth, "other": 1 - truth})


def test_each_segment_has_its_counts_values_and_intervals(predictions):
    segment = np.where(np.arange(1200) % 3 == 0, "a", "b")
    table = by_segment(predictions, segment, "m", np.random.default_rng(0), ["auc", "brier"], 100)
    assert table["segment"].tolist() == ["a", "a", "b", "b"]
    one = table.iloc[0]
    inside = segment == "a"
    assert one["value"] == pytest.approx(auc(predictions.y[inside], predictions.p["m"][inside]))
    assert one["low"] < one["value"] < one["high"]
    assert (one["rows"], one["customers"], one["positives"]) == (400, 200, predictions.y[inside].sum())
    assert not table["small"].any()


def test_small_and_single_class_segments_are_flagged_not_fatal(predictions):
    segment = np.full(1200, "large", dtype=object)
    positive, negative = np.flatnonzero(predictions.y == 1), np.flatnonzero(predictions.y == 0)
    segment[np.append(positive[:2], negative[:30])] = "few positives"
    segment[negative[30:60]] = None
    table = by_segment(predictions, segment, "m", np.random.default_rng(0), ["auc"], 100).set_index("segment")
    assert table["small"].to_dict() == {"few positives": True, "large": False, "unknown": True}
    assert np.isfinite(table.loc["few positives", "value"])
    assert np.isnan(table.loc["few positives", "low"])
    assert np.isnan(table.loc["unknown", "value"])


def test_unmatched_segments_and_models_are_refused(predictions):
    with pytest.raises(InputError, match="3 segments for 1,200 rows"):
        by_segment(predictions, ["a"] * 3, "m", np.random.default_rng(0))
    with pytest.raises(InputError, match="no predictions of x; there are m, other"):
        by_segment(predictions, ["a"] * 1200, "x", np.random.default_rng(0))


def test_bands_sort_in_their_order_and_nan_is_unknown():
    names = bands([-5, 0, 9.9, 10, np.nan, 1e9], list(range(0, 101, 10)), "days")
    assert names[4] == "unknown"
    assert names[:4].tolist() == [
        "01: below 0 days",
        "02: 0 to 10 days",
        "02: 0 to 10 days",
        "03: 10 to 20 days",
    ]
    assert names[5] == "12: 100 days and more"
    with pytest.raises(InputError, match="must ascend"):
        bands([1], [5, 5], "days")
