"""Metrics of lists by hand and against slow loops, their intervals, and what is refused."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from crm_ml.errors import InputError
from crm_ml.evaluation.recommendation import METRICS, describe_lists, evaluate_lists, judge_lists

GOLDEN = json.loads((Path(__file__).parent / "list_golden.json").read_text(encoding="utf-8"))["cases"]


def slow(items, wanted, k, ideal):
    """Every metric of one list, place by place."""
    gain = hits = precision = 0.0
    first = 0
    for place, item in enumerate(items[:k], 1):
        if item in wanted:
            hits += 1
            first = first or place
            gain += 1 / math.log2(place + 1)
            precision += hits / place
    best = sum(
        1 / math.log2(place + 1)
        for place in range(1, (min(k, len(wanted)) if ideal == "k" else len(wanted)) + 1)
    )
    return {
        "ndcg": gain / best,
        "recall": hits / len(wanted),
        "precision": hits / k,
        "hit_rate": float(hits > 0),
        "mrr": 1 / first if first else 0.0,
        "map": precision / min(k, len(wanted)),
    }


@given(st.integers(0, 10**6), st.integers(1, 12), st.sampled_from(["k", "all"]))
def test_every_metric_equals_the_slow_loop(seed, k, ideal):
    rng = np.random.default_rng(seed)
    lists = np.array([rng.permutation(15)[:8] for _ in range(6)])
    lists[rng.random(lists.shape) < 0.1] = -1
    wanted = rng.random((6, 15)) < 0.3
    wanted[np.arange(6), rng.integers(0, 15, 6)] = True
    found = judge_lists(lists, csr_array(wanted.astype(float)), k, ideal)
    assert set(found) == set(METRICS)
    for row in range(6):
        told = slow(lists[row].tolist(), set(np.flatnonzero(wanted[row])), k, ideal)
        for name, value in told.items():
            assert found[name][row] == pytest.approx(value), name


@pytest.mark.parametrize("seed", GOLDEN)
def test_metrics_are_those_of_rectools_with_its_other_divisors(seed):
    """Of make_list_golden.py: the ideal of NDCG is the customer's own, where RecTools is told so."""
    rng, users, items, k = np.random.RandomState(int(seed)), 30, 25, 5
    lists = np.array([rng.permutation(items)[:8] for _ in range(users)])
    after = rng.rand(users, items) < 0.15
    after[np.arange(users), rng.randint(0, items, users)] = True
    after[:24, 3] = True
    golden, found = GOLDEN[seed], judge_lists(lists, csr_array(after.astype(float)), k)
    for name in ("ndcg", "mrr", "recall", "precision", "hit_rate"):
        np.testing.assert_allclose(found[name], golden[name], atol=1e-12, err_msg=name)
    wanted = after.sum(axis=1)
    own = np.minimum(wanted, k)
    assert (wanted < k).any() and (wanted > k).any()
    gains = np.append(0, np.cumsum(1 / np.log2(np.arange(2, k + 2))))
    np.testing.assert_allclose(found["ndcg"] * gains[own] / gains[k], golden["ndcg_of_k_hits"], atol=1e-12)
    np.testing.assert_allclose(found["map"] * own / wanted, golden["map"], atol=1e-12)
    np.testing.assert_allclose(found["map"] * own / k, golden["map_of_k_hits"], atol=1e-12)


def test_means_have_paired_intervals_over_whole_customers():
    rng = np.random.default_rng(0)
    good, bad = rng.random(400), rng.random(400) * 0.8
    ids = np.repeat(np.arange(200), 2).astype(str)
    judged = {"model": {"ndcg": good}, "none": {"ndcg": bad}}
    found = evaluate_lists(ids, judged, np.random.default_rng(1), 500, ("ndcg",))
    one = found.interval("model", "ndcg")
    assert one.value == pytest.approx(good.mean())
    assert one.low < good.mean() < one.high
    paired = found.difference("model", "none", "ndcg")
    assert paired.value == pytest.approx(good.mean() - bad.mean())
    same = evaluate_lists(
        ids, {"a": {"ndcg": good}, "b": {"ndcg": good}}, np.random.default_rng(1), 200, ("ndcg",)
    )
    assert same.difference("a", "b", "ndcg").high == 0
    spread = np.bincount(ids.astype(int), good).std() / 2 / math.sqrt(200)
    assert (one.high - one.low) / 3.92 == pytest.approx(spread, rel=0.15)
    with pytest.raises(InputError, match="lists of b: no ndcg for each of 400 rows"):
        evaluate_lists(ids, {"a": {"ndcg": good}, "b": {}}, rng, 200, ("ndcg",))


def test_lists_are_described_by_counting():
    popularity = np.array([8.0, 4, 2, 1, 1, 0, 0, 0, 0, 0])
    category = list("aabbccddee")
    found = describe_lists([[0, 1], [2, 0], [4, -1]], popularity, category, 2)
    assert found["coverage"] == 0.4
    assert found["categories"] == pytest.approx((0.5 + 1 + 1) / 3)
    assert found["popularity_bias"] == pytest.approx(2 / 5)
    total = 16 + 5 * 0.5
    assert found["novelty"] == pytest.approx(-np.mean([math.log2(n / total) for n in (8, 4, 2, 8, 1)]))


def test_lists_that_can_not_be_judged_are_refused_together():
    wanted = csr_array(np.array([[1.0, 0, 0], [0, 0, 0]]))
    with pytest.raises(
        InputError, match=r"1 customers have no relevant item; leave them out; 1 lists repeat an item"
    ):
        judge_lists([[0, 0], [1, 2]], wanted)
    with pytest.raises(InputError, match="3 lists, 2 customers"):
        judge_lists([[0], [1], [2]], wanted)
