"""A cut at a share divides ties: the mean over all orders of the tied rows, in whatever order they come."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from crm_ml.errors import InputError
from crm_ml.evaluation.ranking import Weighted
from crm_ml.evaluation.recommendation import describe_lists, judge_lists
from crm_ml.evaluation.uplift import METRICS, auuc, qini
from crm_ml.evaluation.uplift_curves import uplift_by_decile
from crm_ml.evaluation.uplift_ranking import uplift_ranking
from crm_ml.plots.calibration_plot import _bins


def top_30(y, score, arm):
    ranking = uplift_ranking(y, score, arm)
    return float(METRICS["uplift_at_30"](Weighted(ranking, np.ones((1, len(ranking.y)))))[0])


def two_scores(share):
    """A thousand rows: everyone on top answers a treatment, nobody else anything."""
    score = (np.arange(1000) < 10 * share).astype(float)
    arm = np.arange(1000) % 2
    return score * arm, score, arm


@pytest.mark.parametrize(("share", "value"), [(29, 290 / 300), (30, 1.0), (31, 1.0), (15, 0.5), (0, 0.0)])
def test_uplift_at_30_divides_the_group_at_the_cut(share, value):
    y, score, arm = two_scores(share)
    assert top_30(y, score, arm) == pytest.approx(value, abs=1e-12)


def test_it_is_the_mean_over_orders_of_the_ties():
    rng = np.random.default_rng(0)
    y, arm = rng.integers(0, 2, 400).astype(float), rng.integers(0, 2, 400)
    score = rng.integers(0, 4, 400).astype(float)
    orders = [top_30(y, score + rng.uniform(0, 0.5, 400), arm) for _ in range(800)]
    assert top_30(y, score, arm) == pytest.approx(np.mean(orders), abs=4 * np.std(orders) / np.sqrt(800))
    turned = rng.permutation(400)
    assert top_30(y[turned], score[turned], arm[turned]) == pytest.approx(top_30(y, score, arm), abs=1e-12)


def test_without_ties_at_the_cut_a_row_is_taken_whole():
    y, arm, score = np.array([1.0, 0, 1, 0]), np.array([1, 0, 1, 0]), np.array([4.0, 3, 2, 1])
    assert top_30(y, score, arm) == 1.0  # two rows of 1.2, the second an untreated one


def test_deciles_divide_ties_and_do_not_feel_the_order():
    rng = np.random.default_rng(1)
    y, arm = rng.normal(0, 1, 500), rng.integers(0, 2, 500)
    score = rng.integers(0, 3, 500).astype(float)
    turned = rng.permutation(500)
    table, again = (uplift_by_decile(y[o], score[o], arm[o]).to_numpy() for o in (np.arange(500), turned))
    np.testing.assert_allclose(table, again, atol=1e-12)
    assert table[:, 1].tolist() == [50] * 10
    lowest = score == 0
    wanted = [y[lowest & (arm == one)].mean() for one in (1, 0)]
    np.testing.assert_allclose(table[-1, 2:4], wanted, atol=1e-12)  # the last decile lies within one group
    apart = uplift_by_decile(y, np.arange(500.0), arm)
    rows = slice(450, 500)
    treated = y[rows][arm[rows] == 1]
    assert apart.loc[0, "treated"] == pytest.approx(treated.mean())
    untreated = y[rows][arm[rows] == 0]
    half = 1.959964 * np.sqrt(treated.var(ddof=1) / len(treated) + untreated.var(ddof=1) / len(untreated))
    assert apart.loc[0, "high"] - apart.loc[0, "uplift"] == pytest.approx(half, rel=1e-5)


def test_a_decile_without_answers_is_not_certain():
    y, arm = (np.arange(1000) < 3).astype(float), np.arange(1000) % 2
    tenth = uplift_by_decile(y, np.arange(1000.0), arm).iloc[0]  # 50 rows of each arm, none answers
    assert (tenth["uplift"], tenth["high"], tenth["low"]) == pytest.approx(
        (0, 3.6889 / 50, -3.6889 / 50), rel=1e-4
    )


def test_bins_of_a_calibration_plot_do_not_feel_the_order():
    y, p = np.arange(200) % 2 * 1.0, np.repeat([0.2, 0.7], 100)
    sorted_y = np.sort(y[:100])
    shares = _bins(np.append(sorted_y, y[100:]), p)[1]
    assert shares.tolist() == pytest.approx([0.5] * len(shares))


@pytest.mark.parametrize(("metric", "of"), [(qini, "causalml"), (auuc, "causalml"), (qini, "sklift")])
def test_a_share_of_nothing_is_refused_and_lost_among_replicates(metric, of):
    y, score, arm = np.array([1.0, 0, 1, 0]), np.array([4.0, 3, 2, 1]), np.array([1, 1, 0, 0])
    y = y * 0 if of == "sklift" else y
    with pytest.raises(InputError, match="4 rows, and a share of that is not defined"):
        metric(y, score, arm, of)
    name = f"{metric.__name__}_causalml" if of == "causalml" else metric.__name__
    assert np.isnan(METRICS[name](Weighted(uplift_ranking(y, score, arm), np.ones((1, 4))))[0])


def test_stored_zeros_and_duplicates_are_no_relevant_items():
    """Item 0 stored twice, item 1 as a zero, item 3 once: two relevant items, both on the list."""
    stored = csr_array(
        (np.array([1.0, 2.0, 0.0, 1.0]), np.array([0, 0, 1, 3]), np.array([0, 4])), shape=(1, 5)
    )
    metrics = judge_lists([[0, 3, 1]], stored, k=3)
    assert {name: float(value[0]) for name, value in metrics.items()} == pytest.approx(
        {"ndcg": 1, "recall": 1, "precision": 2 / 3, "hit_rate": 1, "mrr": 1, "map": 1}
    )
    assert stored.nnz == 4
    with pytest.raises(InputError, match="1 customers have no relevant item"):
        judge_lists([[0]], csr_array((np.zeros(1), np.zeros(1, dtype=int), np.array([0, 1])), shape=(1, 2)))
    with pytest.raises(InputError, match="k is 0"):
        judge_lists([[0]], stored, k=0)
    with pytest.raises(InputError, match="1 places hold none of 5 items"):
        judge_lists([[7]], stored, k=1)


def test_the_most_popular_decile_divides_ties():
    events = np.array([5.0] + [3.0] * 4 + [1.0] * 15)  # two of twenty: the first, and a quarter of four each
    described = describe_lists([[0, 1, 19]], events, ["a"] * 20, 3)
    assert described["popularity_bias"] == pytest.approx((1 + 0.25 + 0) / 3)
    turned = describe_lists([[0, 4, 19]], events, ["a"] * 20, 3)
    assert turned["popularity_bias"] == described["popularity_bias"]
