"""Planted leaks are caught by name, clean data passes, and features that know the future are named."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from crm_ml.errors import InputError, LeakError
from crm_ml.evaluation.leakage import check_leaks, check_point_in_time

N = 4000


@pytest.fixture
def clean():
    rng = np.random.default_rng(0)
    signal = rng.normal(size=N)
    y = (rng.random(N) < 1 / (1 + np.exp(2 - 2 * signal))).astype(int)
    X = pd.DataFrame(
        {
            "signal": signal + rng.normal(size=N),
            "with_nulls": np.where(rng.random(N) < 0.3, np.nan, signal),
            "noise": rng.normal(size=N),
            "stage": rng.choice(["new", "active", "lost", None], N),
            "own_category": [f"level {i}" for i in range(N)],
            "all_null": np.full(N, np.nan),
            "constant": 1.0,
            "flag": signal > 1,
            "infinite": np.where(signal > 2, np.inf, signal),
        },
        index=pd.Index([f"c{i % 800}" for i in range(N)], name="customer_id"),
    )
    return X, y


def test_clean_features_pass_and_their_auc_is_told(clean):
    X, y = clean
    areas = check_leaks(X, y)
    assert set(areas) == set(X.columns)
    assert 0.7 < areas["signal"] < 0.9
    for name in ("noise", "own_category", "all_null", "constant", "stage"):
        assert areas[name] < 0.55


def _orders_in_the_window(y, rng):
    return np.where(y == 1, 0, rng.poisson(3, len(y)) + 1)


LEAKS = {
    "copy": lambda y, _rng: y,
    "text copy": lambda y, _rng: np.where(y == 1, "left", "stayed"),
    "boolean copy": lambda y, _rng: y == 1,
    "noisy copy": lambda y, rng: y + rng.normal(0, 0.2, len(y)),
    "copy with flips": lambda y, rng: np.where(rng.random(len(y)) < 0.002, 1 - y, y),
    "negated": lambda y, _rng: -3.0 * y,
    "null when it happened": lambda y, rng: np.where(y == 1, np.nan, rng.random(len(y))),
    "null when it did not": lambda y, rng: np.where(y == 0, np.nan, rng.random(len(y))),
    "category that encodes it": lambda y, rng: [f"segment {k}" for k in 2 * rng.integers(0, 9, len(y)) + y],
    "number that encodes it": lambda y, rng: 2 * rng.integers(0, 12, len(y)) + y,
    "count over the label window": _orders_in_the_window,
    "money over the label window": lambda y, rng: _orders_in_the_window(y, rng) * rng.lognormal(3, 1, len(y)),
}


@pytest.mark.parametrize("kind", LEAKS)
def test_planted_leaks_are_caught_by_name_and_can_be_allowed(kind, clean):
    X, y = clean
    X = X.assign(planted=LEAKS[kind](y, np.random.default_rng(1)))
    with pytest.raises(
        LeakError, match=r"1 feature gives .*planted \(AUC (0.99|1.0).*allow_leaks: \[planted\]"
    ):
        check_leaks(X, y)
    assert check_leaks(X, y, allow=["planted"])["planted"] > 0.99


def test_all_leaks_stand_in_one_error(clean):
    X, y = clean
    with pytest.raises(LeakError, match=r"2 features give .*one \(AUC.*two \(AUC.*allow_leaks: \[one, two\]"):
        check_leaks(X.assign(one=y, two=-y), y)


def test_the_gate_refuses_labels_it_can_not_judge(clean):
    X, y = clean
    with pytest.raises(InputError, match="equal length"):
        check_leaks(X, y[:-1])
    with pytest.raises(InputError, match="NaN"):
        check_leaks(X, np.where(y == 1, np.nan, y))
    with pytest.raises(InputError, match=r"no row of class 1|both classes"):
        check_leaks(X, np.zeros(N))


def test_point_in_time_passes_equal_matrices(clean):
    X, _ = clean
    X = X[~X.index.duplicated()]
    check_point_in_time(X, X.copy())
    check_point_in_time(X, X.iloc[::-1])


def test_point_in_time_names_every_column_that_knows_the_future(clean):
    X, _ = clean
    X = X[~X.index.duplicated()]
    later = X.assign(noise=X["noise"] + np.where(np.arange(len(X)) < 7, 1e-9, 0), stage="new")
    with pytest.raises(LeakError) as refused:
        check_point_in_time(later, X)
    assert "noise differs in 7 of 800 rows" in str(refused.value)
    assert "stage differs in" in str(refused.value)
    assert "signal" not in str(refused.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda X: X.assign(with_nulls=X["with_nulls"].fillna(0.0)), "with_nulls differs in"),
        (lambda X: X.assign(constant=1), "constant differs in 800 of 800"),
        (lambda X: X.drop(columns="flag"), "columns in only one of the two: flag"),
        (lambda X: X.iloc[3:], "3 customers stand in only one"),
    ],
)
def test_point_in_time_sees_nulls_types_columns_and_customers(change, message, clean):
    X, _ = clean
    X = X[~X.index.duplicated()]
    with pytest.raises(LeakError, match=message):
        check_point_in_time(X, change(X))


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("null", ["positives", "negatives", "half of the positives"])
def test_a_rare_label_told_by_a_number_or_by_a_null_has_an_exact_auc(sign, null):
    rng = np.random.default_rng(0)
    y = (np.arange(N) % 100 == 0).astype(int)
    told = sign * (y + rng.random(N) / 2)
    absent = {
        "positives": np.where(y == 1, np.nan, rng.random(N)),
        "negatives": np.where(y == 0, np.nan, rng.random(N)),
        "half of the positives": np.where((y == 1) & (np.arange(N) % 200 == 0), np.nan, told),
    }[null]
    areas = check_leaks(pd.DataFrame({"told": told, "absent": absent}), y, allow=["told", "absent"])
    assert areas == {"told": 1.0, "absent": 1.0}


def test_a_leak_is_found_however_labels_and_features_are_stored():
    ids = pd.Index([f"c{number}" for number in range(400)], name="customer_id")
    y = pd.Series(np.random.default_rng(0).integers(0, 2, 400), ids)
    spread = y * 1000 + np.arange(400)  # as categories, one for each customer, it would not look like a leak
    for stored in (spread, spread.astype("Int64"), spread.map(Decimal), spread.astype(object)):
        with pytest.raises(LeakError, match="later"):
            check_leaks(pd.DataFrame({"later": stored}), y.sample(frac=1, random_state=0))
    with pytest.raises(InputError, match="y: its index is not that of the features: it lacks 400"):
        check_leaks(pd.DataFrame({"later": spread}), y.reset_index(drop=True))
