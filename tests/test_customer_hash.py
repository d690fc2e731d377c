"""The split of customers depends on their id alone."""

import numpy as np

from crm_ml.customer_hash import customer_folds


def test_a_customer_keeps_its_fold_whatever_else_is_there():
    ids = np.array([f"客户{i}" for i in range(3000)])
    folds = customer_folds(ids, 5)
    order = np.random.default_rng(0).permutation(3000)
    assert (customer_folds(ids[order], 5) == folds[order]).all()
    assert (customer_folds(ids[:10], 5) == folds[:10]).all()
    assert np.bincount(folds).min() > 500
    other = customer_folds(ids, 5, key="other")
    assert 0.15 < (other == folds).mean() < 0.25
