"""Rates and errors by group, and calibration by segment: by scikit-learn, by simulation, and small parts."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import confusion_matrix

from crm_ml.errors import InputError
from crm_ml.evaluation.calibration_check import check_calibration
from crm_ml.evaluation.calibration_segments import calibration_by_segment
from crm_ml.evaluation.group_rates import MEASURES, group_rates
from crm_ml.evaluation.predictions import Predictions

CUT = 0.3


def _made(rng, rows=3000):
    p, group = rng.beta(1, 3, rows), rng.choice(["a", "b", "c"], rows, p=[0.6, 0.3, 0.1])
    y = rng.random(rows) < p * np.where(group == "b", 0.5, 1)
    return Predictions(np.arange(rows), ["june"] * rows, y, {"m": p, "other": 1 - p}), group


def test_rates_are_those_of_the_confusion_matrix():
    rows, group = _made(np.random.default_rng(0))
    table = group_rates(rows, group, "m", np.random.default_rng(0), threshold=CUT).set_index(
        ["group", "measure"]
    )
    for name in "abc":
        for inside, column in ((group == name, "value"), (group != name, "others")):
            y, p = rows.y[inside], rows.p["m"][inside]
            tn, fp, fn, tp = confusion_matrix(y, p >= CUT).ravel()
            expected = {
                "observed": y.mean(),
                "predicted": p.mean(),
                "selected": (tp + fp) / len(y),
                "true_positive_rate": tp / (tp + fn),
                "false_positive_rate": fp / (fp + tn),
                "precision": tp / (tp + fp),
            }
            assert table.loc[name, column].to_dict() == pytest.approx(expected, rel=1e-12)
    assert (table["difference"] == table["value"] - table["others"]).all()
    assert (table["low"] < table["value"]).all()
    assert (table["difference_low"] < table["difference"]).all()
    assert table.loc["b", "difference_high"]["precision"] < 0  # half of what is predicted comes true


def test_a_share_selects_the_highest_of_all_rows():
    rows, group = _made(np.random.default_rng(1))
    shared = group_rates(rows, group, "m", np.random.default_rng(0), share=0.1)
    selected = shared[shared["measure"] == "selected"]
    assert (selected["value"] * selected["rows"]).sum() == pytest.approx(300)
    nobody = group_rates(rows, group, "m", np.random.default_rng(0), share=0)
    assert nobody[nobody["measure"] == "precision"]["value"].isna().all()
    assert (nobody[nobody["measure"] == "selected"]["value"] == 0).all()


def test_small_groups_and_nulls_are_shown_with_wide_ends():
    rows, group = _made(np.random.default_rng(2))
    named = group.astype(object)
    named[:6] = None
    table = group_rates(rows, named, "m", np.random.default_rng(0), threshold=0.999)
    few = table[table["group"] == "unknown"].set_index("measure")
    assert few["small"].all()
    assert (few["rows"] == 6).all()
    assert few.loc["selected", ["value", "low"]].tolist() == [0, 0]
    assert few.loc["selected", "high"] == pytest.approx(1 - 0.025 ** (1 / 6))
    assert table["measure"].tolist()[: len(MEASURES)] == list(MEASURES)


@pytest.mark.slow
def test_intervals_of_rates_hold_the_truth():
    """Half of the rows from one of three customers' groups; each customer has two rows that go together."""
    held = {"true_positive_rate": [], "selected": [], "difference": []}
    for world in range(200):
        rng = np.random.default_rng([7, world])
        group = np.where(rng.random(300) < 0.3, "x", "z")
        y = rng.random(300) < 0.4
        p = np.clip(np.where(y, 0.6, 0.3) + rng.normal(0, 0.2, 300), 0, 1)  # P(p >= .5 | y) .6915, else .1587
        twice = np.tile(np.arange(300), 2)
        rows = Predictions(twice, np.repeat(["f", "g"], 300), y[twice], {"m": p[twice]})
        table = group_rates(rows, group[twice], "m", rng, threshold=0.5, replicates=200)
        table = table[table["group"] == "x"].set_index("measure")
        for name, truth in (("true_positive_rate", 0.6915), ("selected", 0.4 * 0.6915 + 0.6 * 0.1587)):
            held[name].append(table.loc[name, "low"] < truth < table.loc[name, "high"])
        end = table.loc["true_positive_rate"]
        held["difference"].append(end["difference_low"] < 0 < end["difference_high"])
    for name, each in held.items():
        assert 0.9 < np.mean(each) <= 0.99, name


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "threshold is None and share None; give one of them"),
        ({"threshold": 0.5, "share": 0.5}, "give one of them"),
        ({"share": 1.5}, "between 0 and 1"),
        ({"threshold": 0.5, "model": "tree"}, "no predictions of tree"),
        ({"threshold": 0.5, "group": ["a"]}, "1 segments for 3,000 rows"),
    ],
)
def test_what_can_not_be_judged_is_refused(given, words):
    rows, group = _made(np.random.default_rng(0))
    with pytest.raises(InputError, match=words):
        group_rates(rows, **({"group": group, "model": "m", "rng": np.random.default_rng(0)} | given))


def test_each_segment_has_the_check_of_its_rows():
    rows, group = _made(np.random.default_rng(3))
    table = calibration_by_segment(rows, group, "m", np.random.default_rng(0)).set_index("segment")
    assert table.index.tolist() == ["a", "b", "c"]
    inside = group == "b"
    check = check_calibration(rows.where(inside), "m", np.random.default_rng(5))
    found = table.loc["b"]
    assert (found["ece"], found["slope"], found["intercept_high"]) == pytest.approx(
        (check.ece, check.slope.value, check.intercept.high)
    )
    assert (found["predicted"], found["observed"]) == pytest.approx(
        (rows.p["m"][inside].mean(), rows.y[inside].mean())
    )
    assert found["rows"] == inside.sum()
    assert found["p_holm"] < 0.05 < table.loc["a", "p_holm"]


def test_p_values_count_the_segments():
    """Holm (1979) by hand: sorted p times 3, 2, 1, never falling."""
    rows, group = _made(np.random.default_rng(4))
    table = calibration_by_segment(rows, group, "m", np.random.default_rng(0))
    p = table["p_value"].sort_values()
    expected, largest = {}, 0.0
    for factor, (index, value) in zip((3, 2, 1), p.items(), strict=True):
        largest = max(largest, min(1.0, factor * value))
        expected[index] = largest
    assert table["p_holm"].to_dict() == pytest.approx(expected)


def test_segments_of_one_class_have_no_line():
    rows, group = _made(np.random.default_rng(5))
    named = group.astype(object)
    named[np.flatnonzero(rows.y == 0)[:20]] = None
    table = calibration_by_segment(rows, named, "m", np.random.default_rng(0)).set_index("segment")
    few = table.loc["unknown"]
    assert (few["small"], few["positives"], few["observed"]) == (True, 0, 0)
    assert few[["intercept", "slope", "slope_high"]].isna().all()
    assert isinstance(table, pd.DataFrame)
