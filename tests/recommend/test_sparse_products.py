"""Compiled products and nearest items are those of plain arithmetic."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from crm_ml.recommend.sparse_products import dense_product, nearest_items, quadratic_forms


def sparse(rows, columns, seed=0):
    rng = np.random.default_rng(seed)
    return csr_array(rng.integers(1, 4, (rows, columns)) * (rng.random((rows, columns)) < 0.3)).astype(float)


def test_products_are_those_of_dense_matrices():
    left, right = sparse(20, 30), sparse(30, 25, seed=1)
    np.testing.assert_array_equal(dense_product(left, right), left.toarray() @ right.toarray())
    np.testing.assert_array_equal(dense_product(left, right.toarray()), left.toarray() @ right.toarray())
    inner = np.random.default_rng(2).integers(0, 9, (30, 30)).astype(float)
    wanted = [row @ inner @ row for row in left.toarray()]
    np.testing.assert_array_equal(quadratic_forms(left, inner), wanted)


@pytest.mark.parametrize("neighbours", [1, 3, 10, 24, 99])
@pytest.mark.parametrize("shrink", [0.0, 2.0])
def test_the_nearest_items_are_those_of_a_sort_and_ties_go_to_the_first(neighbours, shrink):
    weighted = sparse(12, 25)
    weighted.data[:] = 1.0  # many ties
    X = weighted.toarray()
    norms = np.sqrt((X**2).sum(axis=0))
    with np.errstate(invalid="ignore"):
        similar = np.nan_to_num(X.T @ X / (np.outer(norms, norms) + shrink))
    np.fill_diagonal(similar, 0.0)
    wanted = np.zeros_like(similar)
    for item, row in enumerate(similar):
        best = np.lexsort((np.arange(len(row)), -row))[:neighbours]
        wanted[item, best] = row[best]
    nearest = nearest_items(weighted, neighbours, shrink)
    np.testing.assert_array_equal(nearest.toarray(), wanted)
    assert nearest.has_sorted_indices
    assert (nearest.data > 0).all()
    assert any(np.diff(np.sort(row)[-2:]) == 0 for row in similar)
