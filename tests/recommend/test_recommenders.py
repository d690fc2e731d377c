"""Checks that every recommender must pass; recommenders are found, not listed."""

import filecmp

import numpy as np
import pandas as pd
import pytest

from crm_ml.errors import ConfigError, InputError, IntegrityError
from crm_ml.models import model_folder
from crm_ml.recommend import EASE, ItemKNN, NextItem, PersonalFrequency, Popularity, recommend_pyfunc
from crm_ml.recommend.interactions import as_interactions
from crm_ml.recommend.recommenders import RECOMMENDERS, create
from crm_ml.recommend.serving import FALLBACK

SMALL = {
    "two_heads": {"windows": 3, "rounds": 20, "own": 20, "candidates": 10, "l2": 5.0},
    "ease": {"l2": 5.0},
    "als": {"factors": 8},
    "bpr": {"factors": 8, "iterations": 400},
}
DAY = 86_400
every_model = pytest.mark.parametrize("name", sorted(RECOMMENDERS))
FACTORS = {"als", "bpr"}


def events(customers=120, days=140, seed=0):
    """Two tastes: customers of even number take items a, the others items b, some again and again."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(customers):
        taste = "ab"[number % 2]
        usual = rng.choice(8, 2, replace=False)
        for day in np.flatnonzero(rng.random(days) < 0.15):
            item = int(rng.choice(usual)) if rng.random() < 0.6 else int(rng.integers(0, 20))
            at = 1_700_000_000 + int(day) * DAY + number
            rows.append((f"c{number:03d}", f"{taste}{item:02d}", at, 1 + number % 2))
    frame = pd.DataFrame(rows, columns=["customer_id", "item_id", "occurred_at", "quantity"])
    return frame.sample(frac=1, random_state=seed)


def _model(name, **parameters):
    return create(name, **{**SMALL.get(name, {}), **parameters})


@pytest.fixture(scope="module")
def data():
    return events()


@pytest.fixture(scope="module")
def fitted(data):
    return {name: _model(name).fit(data) for name in RECOMMENDERS}


def customers(data):
    return sorted(data["customer_id"].unique())


def test_the_models_are_found():
    assert {
        "popularity",
        "personal_frequency",
        "item_knn",
        "ease",
        "sparse_ease",
        "als",
        "bpr",
        "two_heads",
        "next_item",
    } == set(RECOMMENDERS)
    with pytest.raises(ConfigError, match="'svd' is no recommender; there are als, bpr, ease"):
        create("svd")
    with pytest.raises(ConfigError, match="ease has no parameter factors; it has l2, half_life_days"):
        create("ease", factors=3)


@every_model
@pytest.mark.parametrize("exclude_seen", [True, False])
def test_lists_are_whole_ordered_and_leave_out_what_was_seen(name, exclude_seen, fitted, data):
    people = customers(data)
    table = fitted[name].recommend(people, 5, exclude_seen=exclude_seen)
    assert list(table.columns) == ["customer_id", "rank", "item_id", "score", "reason"]
    assert table["customer_id"].tolist() == list(np.repeat(people, 5))
    assert table["rank"].tolist() == list(range(1, 6)) * len(people)
    assert not table.duplicated(["customer_id", "item_id"]).any()
    seen = set(zip(data["customer_id"], data["item_id"], strict=True))
    pairs = set(zip(table["customer_id"], table["item_id"], strict=True))
    assert not (exclude_seen and pairs & seen)
    falls = table.groupby("customer_id")["score"].agg(lambda scores: (scores.diff().fillna(0) <= 0).all())
    assert falls[table.groupby("customer_id")["score"].count() == 5].all()
    assert (table["reason"].str.len() > 0).all()
    assert (table["score"].isna() == (table["reason"] == FALLBACK)).all()


@pytest.mark.parametrize("name", sorted(set(RECOMMENDERS) - {"popularity", "personal_frequency"}))
def test_a_taste_is_found(name, fitted, data):
    table = fitted[name].recommend(customers(data), 3)
    own = np.where(table["customer_id"].str[-1].astype(int) % 2, "b", "a")
    assert (table["item_id"].str[0] == own).mean() > (0.85 if name in FACTORS else 0.95)


@every_model
def test_the_order_of_rows_and_doubled_events_change_nothing(name, data, tmp_path):
    twice = pd.concat([data, data.iloc[:50].assign(quantity=1)]).sample(frac=1, random_state=3)
    merged = twice.groupby(["customer_id", "item_id", "occurred_at"], as_index=False)["quantity"].sum()
    pair = [_model(name).fit(one) for one in (twice, merged)]
    for number, one in enumerate(pair):
        model_folder.save(one, tmp_path / str(number), "recommend")
    files = sorted(path.name for path in (tmp_path / "0").iterdir())
    assert filecmp.cmpfiles(tmp_path / "0", tmp_path / "1", files, shallow=False)[0] == files


@every_model
def test_who_stands_beside_whom_changes_no_list(name, fitted, data):
    people = customers(data)
    whole = fitted[name].recommend(people, 5).set_index("customer_id")
    some = people[3:77:5]
    alone = pd.concat([fitted[name].recommend([one], 5) for one in some]).set_index("customer_id")
    pd.testing.assert_frame_equal(alone, whole.loc[some], check_exact=True)


@every_model
def test_what_is_saved_is_loaded_and_says_the_same(name, fitted, data, tmp_path):
    model_folder.save(fitted[name], tmp_path / "one", "recommend", labels_end="2024-01-01")
    loaded = model_folder.load(tmp_path / "one")
    people = [*customers(data)[:20], "nobody"]
    pd.testing.assert_frame_equal(
        loaded.recommend(people, 4), fitted[name].recommend(people, 4), check_exact=True
    )
    frame = model_folder.PyfuncModel(loaded, recommend_pyfunc.score).predict(
        pd.DataFrame({"customer_id": people}), {"k": 4}
    )
    pd.testing.assert_frame_equal(frame, fitted[name].recommend(people, 4), check_exact=True)
    path = tmp_path / "one" / "arrays.npz"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(IntegrityError, match=r"arrays\.npz has changed"):
        model_folder.load(tmp_path / "one")


@every_model
def test_refit_forgets(name, data, tmp_path):
    other = events(customers=60, seed=5)
    again = _model(name).fit(other).fit(data)
    for folder, one in (("again", again), ("fresh", _model(name).fit(data))):
        model_folder.save(one, tmp_path / folder, "recommend")
    files = sorted(path.name for path in (tmp_path / "again").iterdir())
    assert filecmp.cmpfiles(tmp_path / "again", tmp_path / "fresh", files, shallow=False)[0] == files


@every_model
def test_an_unknown_customer_gets_what_is_popular_and_is_told_so(name, fitted, data):
    table = fitted[name].recommend(["nobody", "c001"], 4)
    cold = table[table["customer_id"] == "nobody"]
    recent = data[data["occurred_at"] > data["occurred_at"].max() + 1 - 28 * DAY]
    counts = recent["item_id"].value_counts()
    assert counts[cold["item_id"].iloc[0]] == counts.max()
    assert cold["score"].isna().all()
    assert set(cold["reason"]) == {FALLBACK}


@every_model
def test_only_allowed_items_are_recommended_and_a_list_is_short_only_where_they_run_out(name, fitted, data):
    allowed = ["a01", "a02", "b03", "b04", "unknown"]
    table = fitted[name].recommend(customers(data), 10, exclude_seen=True, allowed_items=allowed)
    assert set(table["item_id"]) <= set(allowed)
    seen = data[data["item_id"].isin(allowed)].drop_duplicates(["customer_id", "item_id"])
    left = 4 - seen.groupby("customer_id").size().reindex(customers(data)).fillna(0)
    assert table.groupby("customer_id").size().reindex(customers(data)).fillna(0).eq(left).all()
    everything = fitted[name].recommend(["c000"], 1000, exclude_seen=False)
    assert len(everything) == data["item_id"].nunique()


@every_model
def test_what_can_not_be_answered_is_refused_at_once(name, fitted, data):
    model = fitted[name]
    with pytest.raises(
        InputError, match=r"k is 0; give at least 1; 1 of 4 customers are missing; 1 of 4 customers"
    ):
        model.recommend(["a", "a", None, "b"], 0)
    with pytest.raises(InputError, match="allowed_items: none of 2 is among 40 items of the model"):
        model.recommend(["c000"], 3, allowed_items=["x", "y"])
    with pytest.raises(InputError, match="there is no customer"):
        model.recommend([], 3)
    with pytest.raises(InputError, match="is not fitted; call fit first"):
        _model(name).recommend(["c000"], 3)
    with pytest.raises(InputError, match="there is no row"):
        _model(name).fit(data.iloc[:0])


@pytest.mark.parametrize("name", sorted(set(RECOMMENDERS) - {"two_heads"}))
def test_a_single_customer_is_enough(name, data):
    one = data[data["customer_id"] == "c000"]
    table = _model(name).fit(one).recommend(["c000"], 3, exclude_seen=False)
    assert len(table) == 3
    assert set(table["item_id"]) <= set(one["item_id"])


def test_windows_that_reach_before_the_events_are_refused(data):
    with pytest.raises(InputError, match="no event lies before 9 windows of 28 days; give fewer windows"):
        _model("two_heads", windows=9).fit(data)
    with pytest.raises(InputError, match="windows is 1; give at least 2"):
        _model("two_heads", windows=1).fit(data)


@pytest.mark.parametrize("model", [ItemKNN(half_life_days=30), NextItem(), EASE(l2=5.0)])
def test_contributions_of_own_items_sum_to_the_score(model, data):
    model.fit(data)
    rows = np.arange(40)
    items = np.full(40, 7)
    parts = model.contributions(rows, items)
    scores = model.scores(rows)[rows, items]
    told = np.asarray(parts.sum(axis=1)).ravel()
    np.testing.assert_allclose(told, np.where(np.isfinite(scores), scores, 0.0), rtol=1e-5, atol=1e-7)
    reason = model.recommend(["c000"], 1)["reason"].iloc[0]
    assert reason.startswith("goes with a")


def test_personal_frequency_is_decayed_counts_and_says_when_it_is_due():
    at = 1_700_000_000
    frame = pd.DataFrame(
        {
            "customer_id": ["a"] * 4 + ["b"],
            "item_id": ["x", "x", "x", "y", "z"],
            "occurred_at": [at, at + 10 * DAY, at + 20 * DAY, at + 39 * DAY, at + 40 * DAY - 1],
        }
    )
    model = PersonalFrequency(half_life_days=10.0).fit(frame)
    table = model.recommend(["a"], 2, exclude_seen=False)
    assert table["item_id"].tolist() == ["y", "x"]
    assert table["score"].tolist() == pytest.approx([0.5**0.1, 0.5**4 + 0.5**3 + 0.5**2], abs=1e-6)
    assert table["reason"].tolist() == [
        "once, last 1 days ago",
        "3 times, about every 10 days, last 20 days ago: due",
    ]


def test_ties_of_personal_frequency_go_to_the_popular_item():
    frame = pd.DataFrame(
        {"customer_id": ["a", "a", "b", "c"], "item_id": ["x", "y", "y", "y"], "occurred_at": [5, 5, 6, 7]}
    )
    table = PersonalFrequency().fit(frame).recommend(["a"], 2, exclude_seen=False)
    assert table["item_id"].tolist() == ["y", "x"]


def test_popularity_counts_a_window_and_a_segment(data):
    segments = {one: one[-1] for one in data["customer_id"].unique()}
    model = Popularity(days=28).fit(data, segments=segments)
    recent = data[data["occurred_at"] > data["occurred_at"].max() - 28 * DAY]
    for one in ("c000", "c001"):
        mine = recent[recent["customer_id"].str[-1] == one[-1]]["item_id"].value_counts()
        found = model.recommend([one], 1, exclude_seen=False)
        assert mine[found["item_id"].iloc[0]] == mine.max()
        assert found["score"].iloc[0] == mine.max()
    everybody = Popularity(days=28).fit(data).recommend(["c000"], 1, exclude_seen=False)
    assert everybody["score"].iloc[0] == recent["item_id"].value_counts().max()


def test_items_that_are_alike_are_of_one_taste(data):
    model = ItemKNN().fit(data)
    assert {item[0] for item, _ in model.similar("a03", 5)} == {"a"}
    with pytest.raises(InputError, match="item 'q' is none of the 40 items"):
        model.similar("q")
    with pytest.raises(InputError, match="weighting is 'jaccard'; there are cosine, tfidf and bm25"):
        ItemKNN(weighting="jaccard").fit(data)
    for weighting in ("tfidf", "bm25"):
        other = ItemKNN(weighting=weighting).fit(data)
        assert {item[0] for item, _ in other.similar("b05", 5)} == {"b"}


def test_probabilities_of_two_heads_are_those_of_purchases(data):
    known = as_interactions(data)
    cut = known.ends_at - 28 * DAY
    model = _model("two_heads", rounds=60).fit(data[data["occurred_at"] < cut])
    P = model.probabilities()
    later = data[data["occurred_at"] >= cut].drop_duplicates(["customer_id", "item_id"])
    bought = set(zip(later["customer_id"], later["item_id"], strict=True))
    coo = P.tocoo()
    hit = [(model.customers_[r], model.items_[i]) in bought for r, i in zip(*coo.coords, strict=True)]
    assert coo.data.mean() == pytest.approx(np.mean(hit), abs=0.1)
    assert coo.data.max() <= 1 + 1e-6
    top = coo.data > np.quantile(coo.data, 0.9)
    assert np.mean(np.array(hit)[top]) > 2 * np.mean(hit)


def test_nothing_after_the_end_is_read(data):
    known = as_interactions(data)
    cut = known.ends_at - 40 * DAY
    past = data[data["occurred_at"] < cut]
    for moment, what in ((cut, past), (known.ends_at, data)):
        found = as_interactions(what, moment)
        assert found.ends_at == moment
        assert (found.days > 0).all()
    with pytest.raises(InputError, match=r"occurred_at is not before \d+ in [\d,]+ of"):
        as_interactions(data, cut)
    before = known.before(cut)
    assert before.ends_at == cut
    assert len(before.at) == len(as_interactions(past, cut).at)
    assert known.before(0) is None


def test_everything_that_is_wrong_with_events_is_said_at_once():
    frame = pd.DataFrame(
        {
            "customer_id": ["a", None, "b"],
            "item_id": ["x", "y", None],
            "occurred_at": [1.0, np.nan, 3.0],
            "quantity": [1, 0, 2],
        }
    )
    with pytest.raises(InputError) as caught:
        as_interactions(frame)
    for words in ("customer_id is missing in 1", "item_id is missing in 1", "occurred_at is missing in 1",
                  "quantity is not above 0 in 1", "of 3 rows"):  # fmt: skip
        assert words in str(caught.value)
    with pytest.raises(InputError, match="no column item_id, occurred_at; they need customer_id"):
        as_interactions(frame[["customer_id"]])
    times = pd.DataFrame(
        {"customer_id": ["a"], "item_id": ["x"], "occurred_at": [pd.Timestamp("2024-01-01")]}
    )
    assert as_interactions(times).at.tolist() == [1_704_067_200]
