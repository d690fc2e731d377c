"""Leaks that no feature tells alone are looked at, and strong honest features are not."""

import re

import numpy as np
import pandas as pd
import pytest

from crm_ml.evaluation.additive_rows import AdditiveRows
from crm_ml.evaluation.classification import auc
from crm_ml.evaluation.leak_looks import look_for_leaks
from crm_ml.evaluation.leak_pairs import joint_areas
from crm_ml.evaluation.leak_rows import CopiedRows, copied_rows, formed_of_labels
from crm_ml.evaluation.leakage import check_leaks

N = 3000


@pytest.fixture
def clean():
    """Recency drives the label, with an AUC of .85 alone."""
    rng = np.random.default_rng(4)
    recency = rng.normal(size=N)
    y = (rng.random(N) < 1 / (1 + np.exp(1 + 2.1 * recency))).astype(float)
    columns = {
        "recency": recency,
        "orders": np.floor(np.exp(rng.normal(-recency / 3, 0.7))),
        "age": np.where(rng.random(N) < 0.2, np.nan, rng.normal(size=N)),
        "share": np.round(rng.random(N), 1),
        "paid": rng.lognormal(3, 1, N),
        "stage": rng.choice(["new", "active", None], N),
        "code": [f"{number:x}" for number in rng.permutation(10**6)[:N]],
    }
    index = pd.Index([f"c{number}" for number in rng.permutation(N)], name="customer_id")
    return pd.DataFrame(columns, index), y


def looks(X, y, allow=()):
    return look_for_leaks(X, y, check_leaks(X, y, limit=2.0), allow)


def subjects(X, y, allow=()):
    return [look.subject for look in looks(X, y, allow)]


def test_a_strong_honest_feature_is_not_looked_at(clean):
    X, y = clean
    assert check_leaks(X, y)["recency"] > 0.84
    assert looks(X, y) == ()


def _encoding(y, rng, size):
    group = rng.permutation(len(y)) // size
    return (np.bincount(group, weights=y) / np.bincount(group))[group]


ALONE = {
    "flag of nine in ten": lambda y, rng: (y == 1) & (rng.random(N) < 0.9),
    "status": lambda y, rng: np.where((y == 1) ^ (rng.random(N) < 0.03), "won", "open"),
    "missing": lambda y, rng: np.where((y == 1) ^ (rng.random(N) < 0.02), np.nan, rng.random(N)),
    "encoding of 4 rows": lambda y, rng: _encoding(y, rng, 4),
    "encoding of 20 rows": lambda y, rng: _encoding(y, rng, 20),
    "set when it had happened": lambda y, rng: np.where(rng.random(N) < 0.4 * y + 0.005, "closed", "open"),
}


@pytest.mark.parametrize("kind", ALONE)
def test_a_feature_that_was_made_of_the_label_is_named_and_can_be_allowed(kind, clean):
    X, y = clean
    X = X.assign(planted=ALONE[kind](y, np.random.default_rng(5)))
    assert check_leaks(X, y)["planted"] < 0.99
    assert subjects(X, y) == ["planted"]
    assert "planted" not in subjects(X, y, ["planted"])


@pytest.mark.parametrize("kind", ["xor", "sum", "sum of logs"])
def test_a_pair_that_tells_the_label_is_named(kind, clean):
    X, y = clean
    rng = np.random.default_rng(6)
    first = rng.integers(0, 2, N) if kind == "xor" else rng.normal(0, 10, N)
    second = {"xor": first != y, "sum": y - first}.get(kind)
    if second is None:
        first, second = np.exp(first), np.exp(first + y)
    X = X.assign(one=first, two=second)
    areas = check_leaks(X, y)
    assert max(areas["one"], areas["two"]) < 0.6
    assert subjects(X, y) == ["one and two"]


def test_a_leak_vouches_for_no_other(clean):
    X, y = clean
    rng = np.random.default_rng(13)
    spend = np.where(y == 1, rng.lognormal(3, 1, N), 0)
    X = X.assign(spend=spend, visit=(y == 1) | (rng.random(N) < 0.12))
    assert subjects(X, y) == ["spend", "visit"]
    assert "visit" not in subjects(X, y, ["spend"])  # as spend is known, it tells nothing new


def test_leaks_that_hide_each_other_are_looked_at_together(clean):
    X, y = clean
    rng = np.random.default_rng(7)
    flags = {f"flag_{number}": (y == 1) & (rng.random(N) < 0.6) for number in range(6)}
    X = X.assign(**{name: flag ^ (rng.random(N) < 0.1) for name, flag in flags.items()})
    assert max(check_leaks(X, y).values()) < 0.88
    assert subjects(X, y) == ["all features"]


def test_the_order_of_ids_or_rows_and_ends_of_texts_are_named(clean):
    X, y = clean
    order = np.argsort(y + np.random.default_rng(8).random(N) / 2)
    rank = np.argsort(order)
    assert subjects(X.set_axis(pd.Index([f"id{n}" for n in rank], name="customer_id")), y) == ["order of ids"]
    assert subjects(X.iloc[order], y[order]) == ["order of rows"]
    text = [f"{'KL'[int(label)]}{number}" for label, number in zip(y, rank, strict=True)]
    assert subjects(X.assign(text=text), y) == ["first 1 of text"]
    assert subjects(X.assign(text=[each[::-1] for each in text]), y) == ["last 1 of text"]
    ids = pd.Index(X.index + np.where(y == 1, "l", "k"), name="customer_id")
    assert subjects(X.set_axis(ids), y) == ["last 1 of customer_id"]


def test_rows_in_the_order_of_an_honest_feature_are_not_looked_at(clean):
    X, y = clean
    order = np.argsort(X["recency"].to_numpy())
    assert looks(X.iloc[order], y[order]) == ()


@pytest.mark.parametrize("labels", ["same", "own"])
def test_copied_rows_are_looked_at_where_their_labels_agree(labels, clean):
    X, y = clean
    rng = np.random.default_rng(9)
    again = X.iloc[:300].assign(paid=rng.lognormal(3, 1, 300), code=[f"x{n}" for n in rng.permutation(300)])
    joined = pd.concat([X, again.set_axis(pd.Index([f"n{n}" for n in range(300)], name="customer_id"))])
    known = y[:300] if labels == "same" else (rng.random(300) < 1 / (1 + np.exp(1 + 2.1 * again["recency"])))
    signs = looks(joined.drop(columns="code"), np.append(y, known))
    assert [look.subject for look in signs] == (["copied rows"] if labels == "same" else [])
    if labels == "same":
        assert "300 pairs of ids are equal" in signs[0].reason
        assert "differ in 0" in signs[0].reason


def test_rows_of_one_customer_on_several_days_are_no_copies(clean):
    X, y = clean
    days = pd.concat({f"day {number}": X.drop(columns="code") for number in range(3)}, names=["fold"])
    assert looks(days, np.tile(y, 3)) == ()


def test_a_calibrated_probability_is_not_made_of_the_labels():
    rng = np.random.default_rng(10)
    p = rng.choice(np.arange(1, 20) / 20, 20_000)
    y = (rng.random(len(p)) < p).astype(float)
    assert formed_of_labels(p, y) > 1e-3
    assert formed_of_labels(np.round(p / 2, 3), y) > 1e-3


def test_looks_do_not_depend_on_the_order_of_columns(clean):
    X, y = clean
    X = X.assign(planted=ALONE["flag of nine in ten"](y, np.random.default_rng(5)))
    assert looks(X[X.columns[::-1]], y) == looks(X, y)


def test_shares_of_a_sample_are_weighted_back_to_all_rows():
    rng = np.random.default_rng(11)
    n = 20_000
    y = (rng.random(n) < 0.2).astype(float)
    closed = rng.random(n) < np.where(y == 1, 0.4, 0.014)  # of these 88 % are of class 1, in the sample 95 %
    X = pd.DataFrame({"a": rng.random(n), "late": np.where(closed, "closed", "open")})
    (look,) = looks(X, y)
    assert (look.subject, look.sign) == ("late", "one value")
    assert re.match(
        r"8[789]\.\d% of the rows with one of its values are of class 1, .* expect (19|20)\.", look.reason
    )


def test_one_value_is_weighed_against_what_the_other_features_expect(clean):
    X, y = clean
    rng = np.random.default_rng(15)
    closed = rng.random(N) < np.where(y == 1, 0.3, 0.05)  # eight times the odds
    assert looks(X.assign(closed=closed), y) == ()
    rare = (rng.random(N) < 0.05 + 0.1 * (X["recency"] > 1)).astype(float)
    late = X.assign(closed=rng.random(N) < np.where(rare == 1, 0.5, 0.01))
    assert subjects(late, rare) == ["closed"]
    assert subjects(late, 1 - rare) == ["closed"]


def test_copies_are_few_of_each_and_agree_beyond_what_features_explain():
    assert CopiedRows(400, 2, 144.0).same
    assert not CopiedRows(400, 40, 144.0).same  # far below chance, as of honest features that say much
    assert not CopiedRows(10, 0, 4.0).same
    rng = np.random.default_rng(14)
    for size, pairs in ((2, 200), (3, 400), (4, 0)):
        columns = {name: np.repeat(rng.random(200), size) for name in "abcdef"}
        customer = rng.permutation(200 * size)
        assert (
            copied_rows(columns, customer, np.repeat(rng.integers(0, 2, 200), size).astype(float)).pairs
            == pairs
        )


def test_scores_and_pairs_of_the_additive_model_are_those_of_plain_code():
    rng = np.random.default_rng(12)
    columns = {name: rng.integers(0, 3, 400).astype(float) for name in "abc"}
    y = (rng.random(400) < 0.2 + 0.2 * columns["a"]).astype(float)
    half = rng.random(400) < 0.5
    rows = AdditiveRows.of(columns, y, half)
    Z = np.hstack([(columns[name][:, None] == np.arange(9)) for name in "ac"]).astype(float)
    expected = np.empty(400)
    for part in (half, ~half):
        G, c = Z[part].T @ Z[part] + 10 * np.eye(18), Z[part].T @ (y[part] - y[part].mean())
        expected[~part] = y[part].mean() + Z[~part] @ np.linalg.solve(G, c)
    np.testing.assert_allclose(rows.scores(["b"]), expected, atol=1e-8)
    assert rows.scores("abc") == pytest.approx(np.where(half, y[~half].mean(), y[half].mean()))
    (first, second), areas = joint_areas(rows)
    assert [(rows.names[i], rows.names[j]) for i, j in zip(first, second, strict=True)][1] == ("a", "c")
    cell = columns["a"] * 3 + columns["c"]
    rates = [
        {
            c: (y[part][cell[part] == c].sum() + 2 * y[part].mean()) / ((cell[part] == c).sum() + 2)
            for c in range(9)
        }
        for part in (half, ~half)
    ]
    plain = [auc(y[p], [by[c] for c in cell[p]]) for by, p in zip(rates, (~half, half), strict=True)]
    assert areas[1] == pytest.approx(np.mean(plain), abs=1e-3)
