"""Similar items and customers: those of implicit for factors, plain cosines of events for neighbours."""

import numpy as np
import pandas as pd
import pytest

from crm_ml import recommend
from crm_ml.errors import InputError


@pytest.fixture(scope="module")
def events():
    """Two tastes of items, a few customers between them."""
    rng = np.random.default_rng(4)
    rows = [
        (f"c{customer:02d}", f"i{item:02d}")
        for customer in range(60)
        for item in range(20)
        if rng.random() < (0.6 if (item < 10) == (customer < 30) else 0.05)
    ]
    frame = pd.DataFrame(rows, columns=["customer_id", "item_id"])
    return frame.assign(
        occurred_at=pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 90, len(rows)), "D")
    )


@pytest.mark.parametrize("name", ["ALS", "BPR"])
def test_items_and_customers_are_those_of_implicit(events, name):
    pytest.importorskip("implicit")
    from implicit.cpu.matrix_factorization_base import MatrixFactorizationBase

    model = getattr(recommend, name)(factors=8, iterations=20).fit(events)
    theirs = type("Fitted", (MatrixFactorizationBase,), {"fit": None, "save": None})()
    theirs.item_factors, theirs.user_factors = model.item_factors_, model.customer_factors_
    for ours, found, ids in (
        (model.similar("i03", 5), theirs.similar_items(3, 6), model.items_),
        (model.similar_customers("c07", 5), theirs.similar_users(7, 6), model.customers_),
    ):
        expected = [(ids[n], score) for n, score in zip(*found, strict=True)][1:]  # the first is itself
        assert [one for one, _ in ours] == [one for one, _ in expected]
        np.testing.assert_allclose([s for _, s in ours], [s for _, s in expected], rtol=1e-5)
    if name == "ALS":
        assert all(int(item[1:]) < 10 for item, _ in model.similar("i03", 5))


@pytest.mark.parametrize(
    "model", [recommend.ItemKNN(half_life_days=30), recommend.EASE(), recommend.NextItem()]
)
def test_customers_of_neighbours_are_those_of_similar_events(events, model):
    model.fit(events)
    own = model.own_.toarray()
    number = model.customer_number_of("c07")
    cosine = own @ own[number] / np.maximum(np.linalg.norm(own, axis=1) * np.linalg.norm(own[number]), 1e-300)
    cosine[number] = 0
    found = model.similar_customers("c07", 4)
    np.testing.assert_allclose([score for _, score in found], np.sort(cosine)[::-1][:4], rtol=1e-12)
    assert [one for one, _ in found] == [model.customers_[n] for n in np.argsort(-cosine, kind="stable")[:4]]
    with pytest.raises(InputError, match="none of the 60 customers"):
        model.similar_customers("nobody")
    assert len(model.similar_customers("c07", 500)) < 60


@pytest.mark.parametrize("customers", [60, 12])  # more than items, and fewer
def test_items_of_ease_are_a_row_of_its_weights(events, customers):
    model = recommend.EASE(l2=3.0).fit(events[events["customer_id"] < f"c{customers:02d}"])
    own = model.own_.toarray()
    inverse = np.linalg.inv(own.T @ own + 3.0 * np.eye(own.shape[1]))
    row = -inverse[3] / np.diag(inverse)
    row[3] = 0
    found = model.similar(model.items_[3], 4)
    assert [one for one, _ in found] == [model.items_[n] for n in np.argsort(-row, kind="stable")[:4]]
    np.testing.assert_allclose([weight for _, weight in found], np.sort(row)[::-1][:4], rtol=1e-3)
