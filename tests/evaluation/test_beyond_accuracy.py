"""Serendipity, distance within lists and thinned popular items: RecTools' numbers, and what is refused."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_array

from crm_ml.errors import InputError
from crm_ml.evaluation.beyond_accuracy import list_distance, serendipity, without_the_popular
from crm_ml.evaluation.recommendation import judge_lists

GOLDEN = json.loads((Path(__file__).parent / "list_golden.json").read_text(encoding="utf-8"))["cases"]
USERS, ITEMS, PLACES, K = 30, 25, 8, 5


def made(seed):
    """The recipe of make_list_golden.py."""
    rng = np.random.RandomState(seed)
    lists = np.array([rng.permutation(ITEMS)[:PLACES] for _ in range(USERS)])
    after = rng.rand(USERS, ITEMS) < 0.15
    after[np.arange(USERS), rng.randint(0, ITEMS, USERS)] = True
    after[:24, 3] = True
    before = rng.poisson(3 * (1 + np.arange(ITEMS)[::-1] / 5), ITEMS)
    kinds = rng.randint(0, 3, (ITEMS, 4))
    return lists, csr_array(after.astype(float)), before, kinds


@pytest.mark.parametrize("seed", GOLDEN)
def test_the_numbers_are_those_of_rectools(seed):
    lists, after, before, kinds = made(int(seed))
    golden = GOLDEN[seed]
    np.testing.assert_allclose(serendipity(lists, after, before, K), golden["serendipity"], atol=1e-12)
    np.testing.assert_allclose(4 * list_distance(lists, kinds.astype(str), K), golden["hamming"], atol=1e-12)
    thinned = without_the_popular(after)
    assert thinned.sum(axis=0).tolist() == golden["debiased"]
    assert thinned.sum() < after.sum() and (after - thinned).min() >= 0


def test_a_popular_hit_is_no_surprise_and_empty_places_are_none():
    relevant = csr_array([[1, 0, 1], [1, 0, 1]])
    found = serendipity([[0, 2], [-1, 2]], relevant, [10, 5, 0], k=2)
    assert found.tolist() == pytest.approx([2 / 3 / 2, 2 / 3 / 2])  # item 0 is as popular as its place says
    with pytest.raises(InputError, match="one value for each of 3 items"):
        serendipity([[0, 2]], relevant[[0]], [1, 2], k=2)
    with pytest.raises(InputError, match="lists: "):
        serendipity([[0, 0]], relevant[[0]], [1, 2, 3], k=2)


def test_distances_of_numbers_are_one_less_the_cosine():
    vectors = np.array([[1.0, 0], [0, 2], [3, 0], [0, 0]])
    found = list_distance([[0, 1, 2], [0, 2, -1], [0, 3, -1], [1, -1, -1]], vectors, k=3)
    np.testing.assert_allclose(found, [2 / 3, 0, 1, np.nan], atol=1e-12)
    with pytest.raises(InputError, match=r"shape \(4,\).*at least 3"):
        list_distance([[0, 2]], vectors[:, 0], k=2)
    with pytest.raises(InputError, match=r"shape \(4, 2\).*at least 8"):
        list_distance([[0, 7]], vectors, k=2)


def test_without_the_popular_a_list_of_the_popular_hits_less():
    rng = np.random.default_rng(0)
    bought = rng.random((400, 40)) < np.where(np.arange(40) < 2, 0.8, 0.05)
    bought[:, 39] |= ~bought.any(axis=1)
    relevant = csr_array(bought.astype(float))
    popular = np.tile([0, 1], (400, 1))
    before = judge_lists(popular, relevant, k=2)["precision"].mean()
    thinned = without_the_popular(relevant)
    left = np.flatnonzero(np.diff(thinned.indptr))
    after = judge_lists(popular[left], thinned[left], k=2)["precision"].mean()
    assert before > 0.7 and after < 0.15
    assert (without_the_popular(relevant, seed=1) != thinned).nnz > 0
    assert without_the_popular(csr_array((3, 4))).nnz == 0
