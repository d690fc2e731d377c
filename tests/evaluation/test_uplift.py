"""Qini and AUUC: the numbers of scikit-uplift and causalml, what leaves them alone, what is refused."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_ml.errors import InputError
from crm_ml.evaluation.uplift import METRICS, auuc, pehe, qini
from crm_ml.evaluation.uplift_curves import qini_curve, uplift_by_decile

GOLDEN = json.loads((Path(__file__).parent / "uplift_golden.json").read_text(encoding="utf-8"))["cases"]
HILLSTROM = Path(__file__).parents[3] / "shared" / "data" / "hillstrom" / "hillstrom.csv"
FOUND = {
    "qini sklift": lambda *rows: qini(*rows),
    "auuc sklift": lambda *rows: auuc(*rows),
    "qini causalml": lambda *rows: qini(*rows, convention="causalml"),
    "auuc causalml": lambda *rows: auuc(*rows, convention="causalml"),
}
ALL = list(FOUND)


def made(seed, ties=False):
    """The recipe of make_uplift_golden.py."""
    rng = np.random.RandomState(seed)
    x, t = rng.rand(400), (rng.rand(400) < 0.4).astype(int)
    y = (rng.rand(400) < 0.2 + 0.3 * x * t).astype(int)
    score = x + 0.5 * rng.rand(400)
    return y, np.round(score, 1) if ties else score, t


@pytest.mark.parametrize("case", [name for name in GOLDEN if name.startswith("made")])
def test_the_numbers_are_those_of_the_libraries(case):
    seed, _, ties = case.removeprefix("made ").partition(", ")
    rows = made(int(seed), bool(ties))
    for name, value in GOLDEN[case].items():
        assert FOUND[name](*rows) == pytest.approx(value, abs=1e-12), name


@pytest.mark.skipif(not HILLSTROM.is_file(), reason="Hillstrom's file is not beside the project")
@pytest.mark.parametrize(("case", "arm"), [("hillstrom women", "Womens"), ("hillstrom men", "Mens")])
def test_the_numbers_on_hillstrom_are_those_of_the_libraries(case, arm):
    table = pd.read_csv(HILLSTROM)
    table = table[table["segment"].isin([f"{arm} E-Mail", "No E-Mail"])]
    line = table["womens"] * 0.05 - table["recency"] * 0.003 + table["history"] * 1e-5
    rows = table["visit"], line.rank(method="first"), table["segment"] == f"{arm} E-Mail"
    for name, value in GOLDEN[case].items():
        assert FOUND[name](*rows) == pytest.approx(value, rel=1e-9), name


@pytest.mark.parametrize("name", ALL)
def test_only_the_order_of_scores_matters(name):
    y, score, t = made(3, ties=True)
    value = FOUND[name](y, score, t)
    assert FOUND[name](y, np.exp(3 * score) - 7, t) == pytest.approx(value, abs=1e-12)
    shuffled = np.random.default_rng(0).permutation(len(y))
    assert FOUND[name](y[shuffled], score[shuffled], t[shuffled]) == pytest.approx(value, abs=1e-12)


@pytest.mark.parametrize("name", ALL)
def test_a_weight_of_two_is_a_row_twice(name):
    y, score, t = made(4, ties=True)
    twice = np.random.default_rng(1).integers(0, 3, len(y))
    convention = name.partition(" ")[2]
    metric = qini if name.startswith("qini") else auuc
    repeated = [np.repeat(column, twice) for column in (y, score, t)]
    weighed = metric(y, score, t, convention, weight=twice)
    assert weighed == pytest.approx(metric(*repeated, convention=convention), abs=1e-12)


@pytest.mark.parametrize(("name", "nothing"), list(zip(ALL, [0, 0, 0, 0.5], strict=True)))
def test_a_flat_score_is_worth_nothing_and_a_turned_one_is_as_bad_as_it_was_good(name, nothing):
    y, score, t = made(5)
    assert FOUND[name](y, np.ones(len(y)), t) == pytest.approx(nothing, abs=0.003)
    assert FOUND[name](y, score, t) > nothing + 0.02
    assert FOUND[name](y, -score, t) < nothing - 0.02


def test_a_perfect_order_has_a_qini_of_one():
    y, _, t = made(6)
    perfect = np.where(t == 1, y, -y) + 0.1 * (2 * t - 1) * (2 * y - 1)
    assert qini(y, perfect, t) == pytest.approx(1, abs=0.02)
    assert qini(y, perfect, t) > max(qini(*made(6)), 0.9)


def test_the_lift_of_the_top_counts_its_two_arms():
    y = np.array([1, 0, 0, 0, 1, 0, 1, 0, 1, 0])
    t = np.array([1, 0, 1, 1, 0, 1, 0, 0, 1, 0])
    score = np.arange(10)[::-1]
    from crm_ml.evaluation.ranking import Weighted
    from crm_ml.evaluation.uplift_ranking import uplift_ranking

    judged = Weighted(uplift_ranking(y, score, t), np.ones((1, 10)))
    assert METRICS["uplift_at_30"](judged)[0] == pytest.approx(1 / 2 - 0)


@pytest.mark.parametrize(
    ("y", "score", "t", "words"),
    [
        ([1, 0, 2, 0], [1, 2, 3, 4], [1, 0, 1, 0], "y is neither 0 nor 1 in 1 of 4 rows"),
        ([1, 0, 1, 0], [1, 2, 3, 4], [1, 1, 1, 1], "no untreated row among 4"),
        (
            [1, 0, 1, 0],
            [1, np.nan, 3, np.inf],
            [1, 0, 1, 2],
            "uplift is NaN or infinite in 2 of 4 rows; treat",
        ),
        ([1, 0, 1], [1, 2, 3, 4], [1, 0, 1, 0], r"shapes are y \(3,\), uplift \(4,\)"),
        ([], [], [], "three columns of equal length"),
    ],
)
def test_what_can_not_be_judged_is_said(y, score, t, words):
    with pytest.raises(InputError, match=words):
        qini(y, score, t)


def test_amounts_need_the_other_convention_and_there_are_only_two():
    y, score, t = made(7)
    assert qini(y * 3.7, score, t, "causalml") == pytest.approx(qini(y, score, t, "causalml"))
    with pytest.raises(InputError, match="take the convention causalml for amounts"):
        auuc(y * 3.7, score, t)
    with pytest.raises(InputError, match="convention is 'radcliffe'; there are sklift and causalml"):
        qini(y, score, t, "radcliffe")


@given(st.lists(st.tuples(st.floats(-9, 9), st.floats(-9, 9)), min_size=1, max_size=30))
def test_pehe_is_the_root_of_the_mean_square(pairs):
    effect, predicted = map(np.array, zip(*pairs, strict=True))
    assert pehe(effect, predicted) ** 2 * len(pairs) == pytest.approx(
        ((effect - predicted) ** 2).sum(), abs=1e-9
    )
    assert pehe(effect, effect) == 0


def test_the_curve_ends_at_the_average_effect_and_the_tenths_average_to_it():
    y, score, t = made(8)
    share, curve = qini_curve(y, score, t)
    assert (share[0], share[-1], curve[0, 0]) == (0, 1, 0)
    effect = y[t == 1].mean() - y[t == 0].mean()
    assert curve[0, -1] == pytest.approx(effect)
    table = uplift_by_decile(y, score, t)
    assert table["rows"].sum() == 400
    assert table["predicted"].is_monotonic_decreasing
    first = np.argsort(-score, kind="stable")[:40]
    treated, untreated = y[first][t[first] == 1], y[first][t[first] == 0]
    assert table["uplift"].iloc[0] == pytest.approx(treated.mean() - untreated.mean())
    half = 1.96 * np.sqrt(treated.var(ddof=1) / len(treated) + untreated.var(ddof=1) / len(untreated))
    assert table["high"].iloc[0] - table["uplift"].iloc[0] == pytest.approx(half, rel=1e-3)
    with pytest.raises(InputError, match="10 bins of 9 rows; give from 1 to 9"):
        uplift_by_decile(y[:9], score[:9], t[:9])
