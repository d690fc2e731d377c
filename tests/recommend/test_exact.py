"""Lists are exact: the same for any block, any thread, any company, and those of sorting everything."""

import json
import sys

import numpy as np
import pytest
import scripts
from scipy.sparse import csr_array
from threadpoolctl import threadpool_limits

from crm_ml.recommend import ALS, serving
from crm_ml.recommend.deterministic_matmul import packed, products
from crm_ml.recommend.product_kernels import NARROW, WIDE
from crm_ml.recommend.top_k import Caps, extend, top_k


@pytest.mark.parametrize("width", [NARROW, WIDE])
@pytest.mark.parametrize(("factors", "items"), [(1, 3), (8, 997), (63, 1_030), (64, 2_048)])
def test_products_are_those_of_float64_and_know_no_neighbours(factors, items, width):
    rng = np.random.default_rng(factors)
    left = rng.normal(size=(97, factors)).astype(np.float32)
    right = packed(rng.normal(size=(items, factors)).astype(np.float32), width)
    rows = right.panels.transpose(0, 2, 1).reshape(-1, factors)[:items]
    whole = products(left, right)
    np.testing.assert_allclose(whole, left.astype(float) @ rows.T.astype(float), atol=1e-4)
    for start, end in ((0, 1), (3, 8), (17, 37), (47, 49), (96, 97)):
        np.testing.assert_array_equal(products(left[start:end], right), whole[start:end])
    same = products(np.repeat(left[:1], 11, axis=0), right)
    assert (same == same[0]).all()


@pytest.mark.parametrize("factors", [1, 7, 64])
def test_kernels_of_narrow_and_of_wide_vectors_sum_in_one_order(factors):
    rng = np.random.default_rng(factors)
    left = rng.normal(size=(50, factors)).astype(np.float32)
    right = rng.normal(size=(333, factors)).astype(np.float32)
    narrow, wide = (products(left, packed(right, width)) for width in (NARROW, WIDE))
    np.testing.assert_array_equal(narrow, wide)
    np.testing.assert_array_equal(products(left, packed(right)), wide)
    total = np.zeros(narrow.shape, dtype=np.float32)
    for factor in range(factors):  # products are exact in double precision
        exact = left[:, factor, None].astype(float) * right[:, factor].astype(float) + total
        total = exact.astype(np.float32)
    np.testing.assert_array_equal(wide, total)


def _model(customers=300, items=500):
    rng = np.random.default_rng(1)
    model = ALS(factors=16)
    model.customers_ = np.array([f"c{one:03d}" for one in range(customers)], dtype=object)
    model.items_ = np.array([f"i{one:03d}" for one in range(items)], dtype=object)
    model.popularity_ = rng.random(items)
    model.seen_ = csr_array((rng.random((customers, items)) < 0.1).astype(float))
    model._restore(
        {
            "customer_factors_": rng.normal(size=(customers, 16)).astype(np.float32),
            "item_factors_": np.round(rng.normal(size=(items, 16)), 1).astype(np.float32),
        }
    )
    return model


def test_no_list_depends_on_blocks_threads_or_the_order_of_customers(monkeypatch):
    model = _model()
    model.item_factors_[100:200] = model.item_factors_[200:300]  # many exact ties
    model._restore({"customer_factors_": model.customer_factors_, "item_factors_": model.item_factors_})
    items, scores = model.top(model.customers_, 20)
    for block in (16, 23, 64, 300):
        monkeypatch.setattr(serving, "SCORES_AT_ONCE", block * len(model.items_))
        for threads in (1, 2):
            with threadpool_limits(threads):
                again = model.top(model.customers_, 20)
            np.testing.assert_array_equal(again[0], items)
            np.testing.assert_array_equal(again[1], scores)
    order = np.random.default_rng(0).permutation(len(model.customers_))
    np.testing.assert_array_equal(model.top(model.customers_[order], 20)[0], items[order])
    for row, values in zip(items, scores, strict=True):
        tied = np.flatnonzero(np.diff(values) == 0)
        assert (row[tied] < row[tied + 1]).all()
    assert (np.diff(scores, axis=1) == 0).any()


@pytest.mark.parametrize("k", [1, 5, 40])
def test_the_selection_is_that_of_a_sort(k):
    rng = np.random.default_rng(k)
    scores = np.round(rng.normal(size=(50, 30)), 1)
    scores[rng.random(scores.shape) < 0.2] = -np.inf
    seen = csr_array((rng.random(scores.shape) < 0.2).astype(float))
    allowed = rng.random(scores.shape) < 0.8
    caps = Caps(rng.integers(0, 4, 30), np.array([1, 2, 30, 3]))
    found, values = top_k(scores, k, seen, allowed, caps)
    for row in range(50):
        left, taken = dict(enumerate(caps.most)), []
        for item in np.lexsort((np.arange(30), -scores[row])):
            usable = np.isfinite(scores[row, item]) and allowed[row, item] and not seen[row, item]
            if usable and left[caps.category[item]] and len(taken) < k:
                left[caps.category[item]] -= 1
                taken.append(item)
        assert found[row, : len(taken)].tolist() == taken
        assert (found[row, len(taken) :] == -1).all()
        assert values[row, : len(taken)].tolist() == scores[row, taken].tolist()


@pytest.mark.parametrize("kind", ["continuous", "tied", "rising", "mostly equal", "few", "infinite"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("k", [1, 20, 200])
def test_many_items_are_selected_as_by_a_stable_sort(kind, dtype, k):
    rng = np.random.default_rng(k)
    scores = rng.normal(size=(6, 1_501)).astype(dtype)
    if kind == "tied":
        scores = np.round(scores, 1)
    if kind == "rising":
        scores.sort(axis=1)
    if kind == "mostly equal":
        scores[scores < 2] = 0
    if kind == "few":
        scores[scores < 1] = -np.inf
    if kind == "infinite":
        scores[:, ::5], scores[:, ::7] = np.inf, np.nan
    seen = csr_array((rng.random(scores.shape) < 0.05).astype(float))
    items, values = top_k(scores, k, seen)
    usable = (scores > -np.inf) & (seen.toarray() == 0)
    for row in range(len(scores)):
        ranked = np.argsort(np.where(usable[row], -scores[row], np.nan), kind="stable")
        wanted = ranked[: min(k, usable[row].sum())]
        assert items[row, : len(wanted)].tolist() == wanted.tolist()
        assert values[row, : len(wanted)].tolist() == scores[row, wanted].tolist()
        assert (items[row, len(wanted) :] == -1).all()
        assert (values[row, len(wanted) :] == -np.inf).all()


def test_what_stands_in_a_list_stays_and_no_more_is_filled_than_asked():
    lists = np.array([[3, -1, -1, -1], [0, 1, 2, 3]])
    order = np.array([[5.0, 4.0, 3.0, 2.0, 1.0]] * 2)
    caps = Caps(np.array([0, 0, 1, 1, 1]), np.array([1, 2]))
    filled = extend(lists, order, allowed=np.array([True, True, True, True, False]), caps=caps, most=1)
    assert lists.tolist() == [[3, 0, -1, -1], [0, 1, 2, 3]]
    assert filled.tolist() == [[False, True, False, False], [False] * 4]
    extend(lists, order, caps=caps)
    assert lists[0].tolist() == [3, 0, 2, -1]  # both categories are full then


@pytest.mark.slow
def test_the_script_of_speed_compares_equal_lists_and_writes_its_table(tmp_path, monkeypatch):
    script = scripts.load("performance/recommend.py", monkeypatch)
    (tmp_path / "README.md").write_text("<!-- recommend -->\n<!-- end of recommend -->\n", encoding="utf-8")
    given = ["recommend.py", "--customers", "2500", "--readme", str(tmp_path / "README.md")]
    monkeypatch.setattr(sys, "argv", given)
    script.main()
    written = (tmp_path / "README.md").read_text(encoding="utf-8")
    for words in (
        "| matrix product alone |",
        "| implicit as installed |",
        "2,500 customers",
        "times as fast",
    ):
        assert words in written
    runs = json.loads((tmp_path / "recommend.json").read_text(encoding="utf-8"))["runs"]
    assert runs["file"]["gb"] > 0
