"""Pairs of profiles by probability: what is learnt without labels, recalibration, average-link clustering."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from crm_ml.errors import ConfigError, InputError
from crm_ml.identity import AverageLink, Comparison, FellegiSunter, b_cubed, pairwise, resolve
from crm_ml.identity.average_link import cluster
from crm_ml.identity.compared_pairs import compared_pairs
from crm_ml.identity.recalibration import Recalibration
from crm_ml.identity.scorer import ScoredPairs


def two_lists(persons, errors, values, seed=0):
    """Return two profiles of each person, whose columns are drawn anew with the probability of an error."""
    draw = np.random.default_rng(seed)
    true = draw.integers(0, values, (persons, len(errors)))
    rows = np.repeat(true, 2, axis=0)
    wrong = draw.random(rows.shape) < np.asarray(errors)
    rows[wrong] = draw.integers(0, values, int(wrong.sum()))
    frame = pd.DataFrame(rows, columns=[f"c{place}" for place in range(len(errors))]).astype("str")
    frame.insert(0, "profile_id", [f"p{row:05}" for row in range(2 * persons)])
    return frame, np.repeat(np.arange(persons), 2)


def test_shares_of_matches_and_others_and_their_prior_are_recovered():
    errors, values, persons = [0.05, 0.1, 0.2, 0.3], 200, 1500
    frame, truth = two_lists(persons, errors, values)
    scorer = FellegiSunter([Comparison(column=name) for name in frame.columns[1:]], block_cap=10_000)
    pairs = scorer(frame)
    every = len(frame) * (len(frame) - 1) / 2
    assert scorer.prior_ * every == pytest.approx(persons, rel=0.02)
    columns = frame.to_numpy()[:, 1:]
    equal = (columns[::2] == columns[1::2]).mean(axis=0)  # of the matches
    for share, m, u in zip(equal, scorer.m_, scorer.u_, strict=True):
        assert m[0] == pytest.approx(share, abs=0.02)
        assert u[0] == pytest.approx(1 / values, rel=0.05)
    person = dict(zip(frame["profile_id"], truth, strict=True))
    same = (pairs["left"].map(person) == pairs["right"].map(person)).to_numpy()
    for low, high in ((0.2, 0.8), (0.8, 1)):
        inside = pairs["probability"].between(low, high).to_numpy()
        assert same[inside].mean() == pytest.approx(pairs["probability"][inside].mean(), abs=0.06)


def test_a_rare_value_counts_more_and_an_absent_one_nothing():
    names = ["smith"] * 96 + ["ogilvy"] * 4
    mails = [f"m{row // 2}" for row in range(100)]
    mails[0] = None
    frame = pd.DataFrame({"profile_id": [f"p{row:03}" for row in range(100)], "name": names, "email": mails})
    scorer = FellegiSunter([Comparison(column="name", frequency=True), Comparison(column="email")], ["name"])
    pairs = scorer(frame).set_index(["left", "right"])["probability"]
    odds = np.log(pairs / (1 - pairs))
    assert odds["p096", "p098"] - odds["p002", "p004"] == pytest.approx(np.log(96 / 4))
    prior = np.log(scorer.prior_ / (1 - scorer.prior_))
    assert odds["p000", "p001"] == pytest.approx(prior + np.log(scorer.m_[0][0] / 0.96))


def test_levels_of_names_dates_and_text_are_told_apart():
    frame = pd.DataFrame(
        {
            "profile_id": [f"p{row}" for row in range(6)],
            "n": "x",
            "name": ["Martha", "Marhta", "martha", "Zoe", None, "Mart"],
            "date": ["1980-05-01", "1980-05-02", "1980-05-23", "1980-12-31", "1999-01-01", None],
        }
    )
    comparisons = [Comparison(column="name", kind="name"), Comparison(column="date", kind="date")]
    own = compared_pairs(frame, comparisons, ["n"], 10, 0)
    of = dict(zip(zip(own.left.tolist(), own.right.tolist(), strict=True), own.levels.tolist(), strict=True))
    assert of[0, 1] == [1, 1]  # Jaro-Winkler .961, one edit
    assert of[0, 2] == [0, 2]
    assert of[0, 3] == [4, 3]
    assert of[0, 4] == [-1, 4]
    assert of[0, 5] == [1, -1]


def test_what_a_scorer_can_not_use_is_said():
    frame, _ = two_lists(5, [0.0], 1000)
    with pytest.raises(InputError, match="no column nickname to compare"):
        FellegiSunter([Comparison(column="nickname")])(frame)
    with pytest.raises(ConfigError, match=r"block 'c0\[x\]'"):
        FellegiSunter([Comparison(column="c0")], ["c0[x]"])(frame)
    with pytest.raises(InputError, match="no two share a block"):
        FellegiSunter([Comparison(column="c0")], ["profile_id"])(frame)
    wrong = pd.DataFrame({"left": ["p00000"], "right": ["nobody"], "probability": [0.5]})
    with pytest.raises(InputError, match="1 of 1 pairs name no profile"):
        resolve(frame, [], scorer=lambda _: wrong)
    with pytest.raises(InputError, match="no column probability"):
        resolve(frame, [], scorer=lambda _: wrong[["left", "right"]])
    with pytest.raises(InputError, match="1 of 1 probabilities are not within 0 and 1"):
        resolve(frame, [], scorer=lambda _: wrong.assign(right="p00001", probability=1.5))


def test_recalibration_brings_probabilities_to_what_labels_say():
    draw = np.random.default_rng(3)
    true_odds = draw.normal(0, 2, 4000)
    same = draw.random(4000) < 1 / (1 + np.exp(-true_odds))
    said = 2.5 * true_odds - 2  # sure of itself, and too low
    frame = pd.DataFrame({"left": [f"a{i}" for i in range(4000)], "right": [f"b{i}" for i in range(4000)]})
    labelled = frame[:1500].rename(columns={"left": "right", "right": "left"}).assign(same=same[:1500])
    recalibration = Recalibration.fit(frame, said, labelled)

    def log_loss(odds):
        return np.mean(np.logaddexp(0, np.where(same, -odds, odds))[1500:])

    assert recalibration.pairs == 1500
    assert log_loss(recalibration.log_odds(said)) < log_loss(true_odds) + 0.02 < log_loss(said) - 0.1
    with pytest.raises(InputError, match="give 50 or more of both kinds"):
        Recalibration.fit(frame, said, labelled[:20])


def all_pairs(odds):
    left, right = np.triu_indices(len(odds), 1)
    return ScoredPairs(left, right, odds[left, right])


@given(st.integers(0, 10**6), st.floats(-1.5, 1.5))
@settings(max_examples=25, deadline=None)
def test_average_link_is_that_of_scipy_where_all_pairs_are_compared(seed, stop):
    draw = np.random.default_rng(seed)
    size = int(draw.integers(2, 25))
    odds = draw.normal(0, 2, (size, size))
    odds = np.triu(odds, 1) + np.triu(odds, 1).T
    own = cluster(np.arange(size), all_pairs(odds), AverageLink(stop=stop))
    distance = 20 - odds
    np.fill_diagonal(distance, 0)
    theirs = fcluster(linkage(squareform(distance), "average"), 20 - stop, "distance")
    assert pairwise(own, theirs).f1 == 1


def test_a_pair_that_was_not_compared_counts_as_absent():
    chain = ScoredPairs(np.array([0, 1]), np.array([1, 2]), np.array([3.0, 1.5]))
    assert len(set(cluster(np.arange(3), chain, AverageLink(absent=-1.0)).tolist())) == 1
    assert len(set(cluster(np.arange(3), chain, AverageLink(absent=-2.0)).tolist())) == 2


def test_rules_are_certain_and_walls_hold_for_a_scorer():
    frame = pd.DataFrame(
        {
            "profile_id": ["a", "b", "c", "d"],
            "phone": ["1", "1", None, None],
            "region": ["CN", "CN", "CN", "EU"],
        }
    )
    pairs = pd.DataFrame(
        {"left": ["a", "c", "d"], "right": ["b", "b", "c"], "probability": [0.0, 0.95, 0.999]}
    )
    customers = resolve(frame, ["phone"], scorer=lambda _: pairs, walls=["region"])
    told = customers.explain("a", "c")
    assert [(step.by, step.value) for step in told.steps] == [("phone", "..."), ("scorer", "0.950")]
    assert not customers.explain("c", "d").joined
    low = resolve(frame, ["phone"], scorer=lambda _: pairs.assign(probability=[0.0, 0.2, 0.999]))
    assert low.explain("b", "c").reasons == (
        "the scorer gives them 0.200; their groups are not alike enough",
    )


def test_the_order_of_rows_changes_nothing():
    frame, truth = two_lists(150, [0.1, 0.2, 0.2, 0.3], 20, seed=4)
    scorer = FellegiSunter([Comparison(column=name) for name in frame.columns[1:]])
    customers = resolve(frame, [], scorer=scorer)
    assert resolve(frame.sample(frac=1, random_state=1), [], scorer=scorer).table.equals(customers.table)
    assert b_cubed(customers.to_pandas()["customer_id"], truth).f1 > 0.8


@given(st.integers(0, 10**6))
@settings(max_examples=25, deadline=None)
def test_agreement_is_that_of_its_definition(seed):
    draw = np.random.default_rng(seed)
    groups, truth = draw.integers(0, 5, 30), draw.integers(0, 5, 30)
    same, true = groups[:, None] == groups, truth[:, None] == truth
    precision, recall = (
        ((same & true).sum(1) / same.sum(1)).mean(),
        ((same & true).sum(1) / true.sum(1)).mean(),
    )
    assert b_cubed(groups, truth) == pytest.approx(
        (precision, recall, 2 * precision * recall / (precision + recall))
    )
    upper = np.triu_indices(30, 1)
    both = (same & true)[upper].sum()
    own = pairwise(groups, truth)
    assert (own.precision, own.recall) == pytest.approx((both / same[upper].sum(), both / true[upper].sum()))


def test_splink_scores_the_same_comparisons():
    pytest.importorskip("splink", reason='needs Splink: pip install "crm_ml[identity]"')
    from crm_ml.identity import SplinkScorer

    frame, truth = two_lists(400, [0.05, 0.1, 0.1, 0.1], 100, seed=9)
    comparisons = [Comparison(column=name, frequency=name == "c0") for name in frame.columns[1:]]
    scorer = SplinkScorer(comparisons)
    pairs = scorer(frame)
    pd.testing.assert_frame_equal(scorer(frame.sample(frac=1, random_state=2)), pairs)
    assert pairs["probability"].between(0, 1).all()
    customers = resolve(frame, [], scorer=scorer)
    assert b_cubed(customers.to_pandas()["customer_id"], truth).f1 > 0.9
    with pytest.raises(InputError, match="compare two or more"):
        SplinkScorer(comparisons[:1])(frame)
