"""EASE by the smaller side: equal to double precision, whichever side is inverted."""

import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_limits

from crm_ml.errors import InputError
from crm_ml.models import model_folder
from crm_ml.recommend import EASE

L2 = 5.0
sides = pytest.mark.parametrize(("customers", "items"), [(30, 90), (90, 30), (40, 40)])


def events(customers, items):
    rng = np.random.default_rng(0)
    size = 12 * customers
    rows = {
        "customer_id": [
            f"c{number:03d}" for number in np.append(np.arange(customers), rng.integers(0, customers, size))
        ],
        "item_id": [
            f"i{number:03d}"
            for number in np.append(np.arange(customers) % items, rng.integers(0, items, size))
        ],
        "occurred_at": 1_700_000_000 + rng.integers(0, 86_400 * 90, size + customers),
    }
    return pd.DataFrame(rows)


def closed_form(model):
    X = model.own_.toarray()
    P = np.linalg.inv(X.T @ X + L2 * np.eye(X.shape[1]))
    B = P / -np.diag(P)
    np.fill_diagonal(B, 0.0)
    return X, B


@sides
@pytest.mark.parametrize("half_life", [None, 30.0])
def test_scores_weights_and_contributions_are_those_of_the_closed_form(customers, items, half_life):
    model = EASE(l2=L2, half_life_days=half_life).fit(events(customers, items))
    X, B = closed_form(model)
    assert len(model.inverse_) == min(X.shape)
    everybody, every_item = np.arange(X.shape[0]), np.arange(X.shape[1])
    np.testing.assert_allclose(model.scores(everybody), X @ B, atol=1.5e-6)
    np.testing.assert_allclose(model.weights(every_item), B, atol=1.5e-6)
    rows, columns = np.array([3, 0, 3, 7]), np.array([5, 2, 1, 5])
    parts = model.contributions(rows, columns)
    np.testing.assert_allclose(parts.toarray(), X[rows] * B.T[columns], atol=1.5e-6)
    np.testing.assert_allclose(parts.sum(axis=1), (X @ B)[rows, columns], atol=1e-5)


@sides
def test_no_byte_depends_on_blocks_or_threads_and_files_keep_the_scores(customers, items, tmp_path):
    rows = np.arange(customers)
    with threadpool_limits(1):
        model = EASE(l2=L2).fit(events(customers, items))
        whole = model.scores(rows)
    with threadpool_limits(2):
        again = EASE(l2=L2).fit(events(customers, items))
    np.testing.assert_array_equal(again.scores(rows), whole)
    np.testing.assert_array_equal(np.concatenate([model.scores(rows[:7]), model.scores(rows[7:])]), whole)
    model_folder.save(model, tmp_path / "ease", "recommend")
    np.testing.assert_array_equal(model_folder.load(tmp_path / "ease").scores(rows), whole)


def test_it_is_refused_where_the_smaller_side_would_not_fit(monkeypatch):
    monkeypatch.setattr("crm_ml.recommend.ease.LARGEST", 35)
    EASE().fit(events(30, 90))
    with pytest.raises(InputError, match=r"EASE: 40 items need a matrix of .* GB; take at most 35"):
        EASE().fit(events(60, 40))
    with pytest.raises(InputError, match=r"EASE: 40 customers need a matrix of"):
        EASE().fit(events(40, 60))
