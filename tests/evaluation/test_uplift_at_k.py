"""Uplift at any number of customers and in any bins: scikit-uplift's numbers, ties, weights, refusals."""

import json
from pathlib import Path

import numpy as np
import pytest

from crm_ml.errors import InputError
from crm_ml.evaluation.uplift_at_k import uplift_at_k
from crm_ml.evaluation.uplift_curves import uplift_by_bins

GOLDEN = json.loads((Path(__file__).parent / "uplift_bins_golden.json").read_text(encoding="utf-8"))["cases"]


def made(seed):
    """The recipe of make_uplift_bins_golden.py."""
    rng = np.random.RandomState(seed)
    x, t = rng.rand(403), (rng.rand(403) < 0.4).astype(int)
    y = (rng.rand(403) < 0.2 + 0.3 * x * t).astype(int)
    return y, x + 0.5 * rng.rand(403), t


@pytest.mark.parametrize("case", GOLDEN)
def test_the_numbers_are_those_of_scikit_uplift(case):
    seed, strategy = case.split(" ")
    rows = made(int(seed))
    for k, value in GOLDEN[case]["at_k"].items():
        share = float(k) if "." in k else int(k)
        if isinstance(share, int) and strategy == "by_group":
            continue  # there it takes so many of each arm, here so many of all in the share of the arms
        assert uplift_at_k(*rows, share, strategy) == pytest.approx(value, abs=1e-12), k
    for bins, columns in GOLDEN[case]["bins"].items():
        table = uplift_by_bins(*rows, int(bins), strategy)
        assert table["rows"].tolist() == np.add(columns["n_treatment"], columns["n_control"]).tolist()
        names = {
            "treated": "response_rate_treatment",
            "untreated": "response_rate_control",
            "uplift": "uplift",
        }
        for ours, theirs in names.items():
            np.testing.assert_allclose(table[ours], columns[theirs], atol=1e-12)


@pytest.mark.parametrize("strategy", ["overall", "by_group"])
def test_ties_share_and_a_weight_counts_a_row_so_often(strategy):
    y, score, t = made(2)
    tied, turned = np.round(score, 1), np.random.default_rng(0).permutation(len(y))
    for k in (0.25, 90):
        value = uplift_at_k(y, tied, t, k, strategy)
        assert uplift_at_k(y[turned], tied[turned], t[turned], k, strategy) == pytest.approx(value, abs=1e-12)
    orders = [np.random.default_rng(draw).random(len(y)) * 1e-6 for draw in range(400)]
    broken = np.mean([uplift_at_k(y, tied + noise, t, 0.25, strategy) for noise in orders])
    assert broken == pytest.approx(uplift_at_k(y, tied, t, 0.25, strategy), abs=0.02)
    weight = np.random.default_rng(1).integers(1, 4, len(y))
    often = [np.repeat(each, weight) for each in (y, tied, t)]
    found = uplift_at_k(y, tied, t, 0.25, strategy, weight)
    assert found == pytest.approx(uplift_at_k(*often, 0.25, strategy, np.ones(weight.sum())), abs=1e-12)
    ones = uplift_by_bins(y, tied, t, 5, strategy, np.ones(len(y)))
    assert ones.equals(uplift_by_bins(y, tied, t, 5, strategy))
    halved = uplift_by_bins(y, tied, t, 1, strategy, weight)
    arms = [np.average(y[t == arm], weights=weight[t == arm]) for arm in (1, 0)]
    assert halved["uplift"].iloc[0] == pytest.approx(arms[0] - arms[1])


@pytest.mark.parametrize(
    ("k", "said"),
    [
        (0.0, "k is 0.0"),
        (1.0, "k is 1.0"),
        (0, "k is 0"),
        (404, "from 1 to 403"),
        (True, "k is True"),
        (3, "row"),
    ],
)
def test_what_is_no_share_and_no_number_of_rows_is_refused(k, said):
    y, score, t = made(0)
    with pytest.raises(InputError, match=said):
        uplift_at_k(y, score + 10 * t, t, k)


def test_strategies_and_bins_that_do_not_exist_are_refused():
    rows = made(0)
    for wrong in ({"strategy": "each"}, {"bins": 0}, {"bins": 404}):
        with pytest.raises(InputError, match=r"there are overall and by_group|bins of 403 rows"):
            uplift_by_bins(*rows, **wrong)
    with pytest.raises(InputError, match="there are overall and by_group"):
        uplift_at_k(*rows, strategy="each")
