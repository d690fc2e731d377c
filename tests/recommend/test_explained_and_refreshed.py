"""Reasons of ALS are those of implicit, a sparse EASE is one, a refresh a fit, and integers stay integers."""

import numpy as np
import pandas as pd
import pytest

from crm_ml import recommend
from crm_ml.errors import InputError
from crm_ml.models import model_folder
from crm_ml.recommend.audience import audience
from crm_ml.recommend.interactions import as_interactions


def events(customers=300, items=40, seed=4, integers=False):
    """Two tastes; some customers buy an item again."""
    rng = np.random.default_rng(seed)
    taste = (np.arange(items) < items // 2) == (np.arange(customers)[:, None] < customers // 2)
    customer, item = np.nonzero(rng.random((customers, items)) < np.where(taste, 0.3, 0.05))
    again = rng.random(len(item)) < 0.2
    customer, item = np.append(customer, customer[again]), np.append(item, item[again])
    at = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 90 * 24, len(item)), "h")
    if not integers:
        customer, item = (np.char.add(sign, np.char.zfill(ids.astype(str), 3))
                          for sign, ids in (("c", customer), ("i", item)))  # fmt: skip
    return pd.DataFrame({"customer_id": customer, "item_id": item, "occurred_at": at})


@pytest.fixture(scope="module")
def als():
    pytest.importorskip("implicit")
    return recommend.ALS(factors=8, half_life_days=60).fit(events())


def test_contributions_of_als_are_those_of_implicit_and_sum_to_its_score(als):
    from implicit.cpu.als import AlternatingLeastSquares
    from scipy.sparse import csr_matrix

    theirs = AlternatingLeastSquares(factors=8, regularization=als.regularization)
    theirs.item_factors = als.item_factors_.astype(np.float64)
    rows, items = np.array([7, 200, 7, 0]), np.array([3, 4, 30, 39])
    found = als.contributions(rows, items).toarray()
    for place, (row, item) in enumerate(zip(rows, items, strict=True)):
        total, top, _ = theirs.explain(row, csr_matrix(als.own_), item, N=40)
        expected = np.zeros(40)
        for other, value in top:
            expected[other] = value
        np.testing.assert_allclose(found[place], expected, atol=1e-12)
        assert found[place].sum() == pytest.approx(total)
    scores = als.scores(rows)[np.arange(4), items]
    np.testing.assert_allclose(found.sum(axis=1), scores, atol=0.03)  # what a further iteration changes


def test_reasons_of_als_name_the_items_and_outlive_a_folder(als, tmp_path):
    lists = als.recommend(["c007", "c200"], 3)
    assert lists["reason"].str.match(r"goes with i\d{3} \([+-]").all()
    model_folder.save(als, tmp_path / "one", "recommend")
    loaded = model_folder.load(tmp_path / "one")
    pd.testing.assert_frame_equal(loaded.recommend(["c007", "c200"], 3), lists, check_exact=True)
    del loaded.own_  # as an earlier version has written it
    model_folder.save(loaded, tmp_path / "again", "recommend")
    for each in (loaded, model_folder.load(tmp_path / "again")):
        assert set(each.recommend(["c007"], 2)["reason"]) == {"bought by customers of a similar past"}
    assert als.reasons(np.array([], dtype=int), np.array([], dtype=int)) == []


def test_a_sparse_ease_of_all_items_is_ease():
    sparse, dense = recommend.SparseEASE(l2=30.0, neighbours=40), recommend.EASE(l2=30.0)
    data = events(customers=1_000)  # in which any two items have a customer in common
    sparse.fit(data), dense.fit(data)
    rows = np.arange(1_000)
    np.testing.assert_allclose(sparse.scores(rows), dense.scores(rows), atol=1e-5)
    np.testing.assert_array_equal(sparse.top(sparse.customers_)[0], dense.top(dense.customers_)[0])


def test_each_column_of_a_sparse_ease_solves_its_own_problem():
    model = recommend.SparseEASE(l2=5.0, neighbours=6, shrink=0.0).fit(events())
    had = (as_interactions(events()).matrix().toarray() > 0).astype(float)
    weights = model.similar_.toarray()
    for item in (0, 17, 39):
        near = np.flatnonzero(weights[:, item])
        assert len(near) == 6 and item not in near
        inner = had[:, near]
        expected = np.linalg.solve(inner.T @ inner + 5 * np.eye(6), inner.T @ had[:, item])
        np.testing.assert_allclose(weights[near, item], expected, atol=1e-10)
    with pytest.raises(InputError, match="l2 is 0, neighbours 100"):
        recommend.SparseEASE(l2=0.0, neighbours=100).fit(events())


def test_a_refresh_of_ease_is_a_fit_with_new_customers_and_items(monkeypatch):
    whole = events()
    later = whole["occurred_at"] >= whole["occurred_at"].quantile(0.985)
    early = whole[~later & (whole["customer_id"] != "c120") & (whole["item_id"] != "i005")]
    late = pd.concat([early, whole[later], whole[whole["customer_id"] == "c120"]])
    model = recommend.EASE(l2=50.0).fit(early)
    monkeypatch.setattr(recommend.EASE, "_fit", lambda *_: pytest.fail("fitted again"))
    monkeypatch.setattr("crm_ml.recommend.ease._MOVED_TO_REFIT", 1)
    model.refresh(late)
    monkeypatch.undo()
    again = recommend.EASE(l2=50.0).fit(late)
    rows = np.arange(len(again.customers_))
    assert list(model.customers_) == list(again.customers_)
    np.testing.assert_allclose(model.scores(rows), again.scores(rows), atol=2e-6)
    np.testing.assert_array_equal(model.top(model.customers_)[0], again.top(again.customers_)[0])


@pytest.mark.parametrize("case", ["many", "half-life", "an item less", "bad inverse"])
def test_where_a_refresh_of_ease_would_not_do_it_is_fitted_again(case, monkeypatch):
    early = events()
    late = pd.concat([early, events(seed=5)])
    if case == "an item less":
        late = early[early["item_id"] != "i005"]
    if case == "bad inverse":
        late = pd.concat([early, early.tail(1).assign(customer_id="c000", item_id="i039")])
        monkeypatch.setattr("crm_ml.recommend.ease_refresh._LARGEST_ERROR", 0.0)
    options = {"l2": 50.0, "half_life_days": 30 if case == "half-life" else None}
    model = recommend.EASE(**options).fit(early).refresh(late)
    again = recommend.EASE(**options).fit(late)
    np.testing.assert_array_equal(model.inverse_, again.inverse_)


@pytest.mark.parametrize("name", ["EASE", "ItemKNN", "NextItem", "SparseEASE", "ALS", "Popularity"])
def test_ids_that_were_integers_are_integers_again(name, tmp_path):
    if name == "ALS":
        pytest.importorskip("implicit")
    options = {"factors": 4} if name == "ALS" else {}
    model = getattr(recommend, name)(**options).fit(events(integers=True))
    model_folder.save(model, tmp_path / "one", "recommend")
    for each in (model, model_folder.load(tmp_path / "one")):
        lists = each.recommend([7, 120], 3)
        assert lists["customer_id"].dtype == lists["item_id"].dtype == np.int64
        assert lists["customer_id"].tolist()[0] == 7
        if name != "Popularity":
            assert all(isinstance(item, int) for item, _ in each.similar(3, 2))
            assert all(isinstance(one, int) for one, _ in each.similar_customers(7, 2))
    mixed = model.recommend([7, "nobody"], 2)
    assert mixed["customer_id"].tolist() == ["7", "7", "nobody", "nobody"]
    assert mixed["item_id"].dtype == np.int64


@pytest.mark.parametrize("kind", ["int8", "uint16", "Int64", "int64[pyarrow]", "object", "category"])
def test_integers_are_integers_however_they_are_stored(kind):
    data = events(customers=100, items=20, integers=True)
    stored = data.astype(dict.fromkeys(["customer_id", "item_id"], kind))
    lists = recommend.Popularity().fit(stored).recommend([7], 2)
    assert lists["customer_id"].dtype == lists["item_id"].dtype == np.int64


@pytest.mark.parametrize("kind", ["uint64", "object", "category"])
def test_ids_beyond_64_bits_are_texts_in_all_lists(kind):
    data = events(customers=100, items=20, integers=True)
    other = data["item_id"].astype("uint64") + 2**63
    mixed = data["item_id"].where(data["item_id"] % 2 == 0, other).astype("uint64").astype(kind)
    model = recommend.Popularity().fit(data.assign(item_id=mixed))
    for allowed in (model.items_[:1], model.items_[-1:]):  # one that would fit, and one that would not
        lists = model.recommend([7], 1, exclude_seen=False, allowed_items=allowed)
        assert lists["item_id"].tolist() == list(allowed)


@pytest.mark.parametrize("ids", [[True, False], [1.0, 2.5], [1, "2"], ["1", "2"]])
def test_what_is_no_integer_stays_a_text(ids):
    data = pd.DataFrame({"customer_id": ids, "item_id": ["a", "b"], "occurred_at": 1}).astype(object)
    data["occurred_at"] = 1
    found = recommend.Popularity().fit(data).recommend([ids[0]], 1)["customer_id"]
    assert isinstance(found[0], str)


def test_a_refresh_night_by_night_stays_a_fit(monkeypatch):
    data = events(customers=400)
    model, rng = recommend.EASE(l2=20.0).fit(data), np.random.default_rng(0)
    monkeypatch.setattr(recommend.EASE, "_fit", lambda *_: pytest.fail("fitted again"))
    for night in range(30):
        some = data.sample(4, random_state=rng.integers(2**31)).assign(
            item_id=[f"i{each:03d}" for each in rng.integers(0, 40, 4)],
            occurred_at=pd.Timestamp("2024-05-01") + pd.Timedelta(days=night),
        )
        data = pd.concat([data, some])
        model.refresh(data)
    monkeypatch.undo()
    again = recommend.EASE(l2=20.0).fit(data)
    np.testing.assert_allclose(model.scores(np.arange(400)), again.scores(np.arange(400)), atol=5e-6)
    np.testing.assert_array_equal(model.top(model.customers_)[0], again.top(again.customers_)[0])


def test_further_tables_keep_integers_and_texts_stay_texts():
    data = events(integers=True)
    together = recommend.bought_together(data.assign(occurred_at=1), least=1)
    assert together["item_id"].dtype == together["with_item_id"].dtype == np.int64
    model = recommend.ItemKNN().fit(data)
    assert audience(model, 3, k=4)["customer_id"].dtype == np.int64
    texts = recommend.ItemKNN().fit(data.astype({"customer_id": str, "item_id": str}))
    assert texts.recommend([7], 2)["item_id"].map(type).eq(str).all()
    huge = data.assign(item_id=data["item_id"].astype("uint64") + 2**63)
    assert recommend.Popularity().fit(huge).recommend([7], 1)["item_id"].map(type).eq(str).all()
