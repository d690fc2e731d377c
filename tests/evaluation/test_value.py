"""Metrics of value give the published numbers, treat ties as one group, and refuse what can't be judged."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import hyp2f1
from soak import examples

from crm_ml.errors import InputError
from crm_ml.evaluation import value
from crm_ml.evaluation.ranking import Ranking, Weighted, check_values
from crm_ml.evaluation.value import METRICS, mae, msle, normalised_gini, rmse, top_decile_share, total_error

FIT_ENDS, HOLD_OUT_ENDS = "19970930", "19980630"


@pytest.fixture(scope="module")
def cdnow():
    """Repeat purchases, recency and age in weeks, purchases of the hold-out; in order of the sample's ids."""
    folder = Path(find_spec("lifetimes").submodule_search_locations[0]) / "datasets"
    names = ["master_id", "id", "date", "cds", "dollars"]
    rows = pd.read_csv(folder / "CDNOW_sample.txt", sep=r"\s+", header=None, names=names, dtype=str)
    days = rows[["id", "date"]].drop_duplicates()
    days = days[days["date"] <= HOLD_OUT_ENDS].assign(day=lambda t: pd.to_datetime(t["date"]))
    known = days[days["date"] <= FIT_ENDS].groupby("id")["day"].agg(["count", "min", "max"]).sort_index()
    later = days[days["date"] > FIT_ENDS].groupby("id").size()
    return pd.DataFrame(
        {
            "frequency": known["count"] - 1.0,
            "recency": (known["max"] - known["min"]).dt.days / 7,
            "T": (pd.Timestamp(FIT_ENDS) - known["min"]).dt.days / 7,
            "y": later.reindex(known.index, fill_value=0).astype(float),
        }
    )


def _bg_nbd(t, weeks=39, r=0.2426, alpha=4.4136, a=0.7929, b=2.4259):
    """Fader, Hardie and Lee (2005), equation 10, at their estimates for the sample."""
    x, age = t["frequency"].to_numpy(), t["T"].to_numpy()
    whole = hyp2f1(r + x, b + x, a + b + x - 1, weeks / (alpha + age + weeks))
    grown = 1 - ((alpha + age) / (alpha + age + weeks)) ** (r + x) * whole
    left = (x > 0) * a / (b + np.maximum(x, 1) - 1) * ((alpha + age) / (alpha + t["recency"])) ** (r + x)
    return (a + b + x - 1) / (a - 1) * grown / (1 + left.to_numpy())


GOLDEN = {  # MAE, RMSE, MSLE and total error with the digits of the reference table
    "zeros": ("0.7985", "2.206", "0.463", "-1.00"),
    "past count": ("0.8973", "1.971", "0.349", "0.31"),
    "active in 13 weeks": ("0.7463", "1.869", "0.310", "-0.18"),
    "BG/NBD": ("0.7855", "1.6080", "0.2343", "-0.121"),
}


def _predicted(t, model):
    return {
        "zeros": lambda: np.zeros(len(t)),
        "past count": lambda: t["frequency"].to_numpy(),
        "active in 13 weeks": lambda: (t["frequency"] * (t["T"] - t["recency"] < 13)).to_numpy(),
        "BG/NBD": lambda: _bg_nbd(t),
    }[model]()


def test_the_hold_out_of_cdnow_is_that_of_the_published_table(cdnow):
    assert (len(cdnow), cdnow["y"].sum()) == (2357, 1882)


@pytest.mark.parametrize("model", GOLDEN)
def test_errors_on_cdnow_are_the_published_ones(cdnow, model):
    p = _predicted(cdnow, model)
    for metric, told in zip((mae, rmse, msle, total_error), GOLDEN[model], strict=True):
        digits = len(told.partition(".")[2])
        assert f"{metric(cdnow['y'], p):.{digits}f}" == told


def _gini_in_file_order(y, p):
    """Break ties by the order of the rows: the first stands higher, as a stable sort of ``-p`` has it."""
    ranked = np.asarray(y)[np.argsort(-np.asarray(p), kind="stable")]
    return np.cumsum(ranked).sum() / ranked.sum() - (len(ranked) + 1) / 2


def test_gini_on_cdnow_is_the_published_one_up_to_the_order_of_tied_rows(cdnow):
    """The table breaks ties by the order of the ids (.640, .508); we hold tied rows together (.660, .539).

    Our value is the mean over orders of the rows, and where hardly any rows tie the two agree (.662).
    """
    y = cdnow["y"].to_numpy()
    published = {"past count": 0.640, "active in 13 weeks": 0.508, "BG/NBD": 0.662}
    ours = {"past count": 0.660, "active in 13 weeks": 0.539, "BG/NBD": 0.662}
    rng = np.random.default_rng(0)
    for model, told in published.items():
        p = _predicted(cdnow, model)
        assert round(_gini_in_file_order(y, p) / _gini_in_file_order(y, y), 3) == told
        assert round(normalised_gini(y, p), 3) == ours[model]
        orders = [rng.permutation(len(y)) for _ in range(300)]
        shuffled = [_gini_in_file_order(y[order], p[order]) for order in orders]
        assert np.mean(shuffled) / _gini_in_file_order(y, y) == pytest.approx(ours[model], abs=0.003)


def test_small_cases_by_hand():
    y, p = [0, 1, 3], [1, 1, 1]
    assert rmse(y, p) == pytest.approx(np.sqrt(5 / 3))
    assert mae(y, p) == pytest.approx(1)
    assert msle(y, p) == pytest.approx((np.log(2) ** 2 + np.log(2) ** 2) / 3)
    assert total_error(y, p) == pytest.approx(3 / 4 - 1)
    # Lorenz curve of 0, 1, 3 in order: (1/3, 0), (2/3, 1/4), (1, 1); twice the area is 1/12 + 5/12
    assert normalised_gini(y, [1, 2, 3]) == pytest.approx(1)
    assert normalised_gini(y, [3, 2, 1]) == pytest.approx(-1)
    # 0 alone, then 1 and 3 tied: (1/3, 0), (1, 1); twice the area is 2/3, so 1/3 over 1/2
    assert normalised_gini(y, [1, 2, 2]) == pytest.approx(2 / 3)


def test_gini_is_the_mean_difference_over_pairs():
    """Twice the covariance with the mid-rank, for any ties: another way to the same number."""
    from scipy.stats import rankdata

    rng = np.random.default_rng(0)
    y, p = rng.gamma(0.5, 40, 300) * (rng.random(300) < 0.4), rng.integers(0, 9, 300)
    expected = np.cov(y, rankdata(p))[0, 1] / np.cov(y, rankdata(y))[0, 1]
    assert normalised_gini(y, p) == pytest.approx(expected, abs=1e-12)


def test_a_constant_prediction_finds_nothing():
    y = np.random.default_rng(0).poisson(1, 50)
    assert normalised_gini(y, np.full(50, 3.0)) == pytest.approx(0, abs=1e-12)
    assert top_decile_share(y, np.full(50, 3.0)) == pytest.approx(0.1)


def test_the_top_tenth_takes_the_fitting_fraction_of_a_tied_group():
    y = np.array([8, 4, 2, 2, 2, 2, 0, 0, 0, 0] * 2)
    assert top_decile_share(y, y) == pytest.approx(16 / 40)
    p = np.where(y == 8, 5, 0) + np.where(np.arange(20) < 1, 1, 0)
    assert top_decile_share(y, p) == pytest.approx(16 / 40)
    assert top_decile_share(y, np.where(y >= 2, 1, 0)) == pytest.approx(2 / 12)
    # one customer holds 8 and stands alone above; half of the tenth is left for the 19 others, who hold 32
    assert top_decile_share(y, np.where(np.arange(20) == 0, 1, 0)) == pytest.approx((8 + 32 / 19) / 40)
    # 15 rows: the tenth is one row and a half
    assert top_decile_share([6, 4, *[0] * 13], [3, 2, *[1] * 13]) == pytest.approx((6 + 4 / 2) / 10)


@examples(50)
@given(st.integers(0, 10_000), arrays(np.int64, 30, elements=st.integers(0, 5)))
@pytest.mark.parametrize("metric", METRICS)
def test_row_order_does_not_matter_and_a_weight_of_two_is_two_rows(metric, seed, predicted):
    rng = np.random.default_rng(seed)
    y, weight = np.append(7.5, rng.poisson(0.7, 29)), np.append(1, rng.integers(0, 4, 29))
    judge = getattr(value, metric)
    if np.ptp(y[weight > 0]) == 0:
        return
    order = rng.permutation(30)
    found = judge(y, predicted, weight)
    assert judge(y[order], predicted[order], weight[order]) == pytest.approx(found, abs=1e-9)
    assert judge(np.repeat(y, weight), np.repeat(predicted, weight)) == pytest.approx(found, abs=1e-9)
    assert judge(y, predicted, 2.5 * weight) == pytest.approx(found, abs=1e-9)


@pytest.mark.parametrize("metric", METRICS)
def test_many_weightings_at_once_equal_one_at_a_time(metric):
    rng = np.random.default_rng(0)
    y, p = rng.poisson(1, 60) * 9.99, rng.integers(0, 5, 60)
    weights = rng.integers(0, 3, (25, 60)).astype(float)
    ranking = Ranking.of(y, p, check_values)
    together = METRICS[metric](Weighted(ranking, weights[:, ranking.order]))
    alone = [getattr(value, metric)(y, p, weight) for weight in weights]
    np.testing.assert_allclose(together, alone, atol=1e-12)


@pytest.mark.parametrize("metric", ["total_error", "normalised_gini", "top_decile_share"])
def test_weightings_without_an_outcome_above_zero_are_undefined_without_a_warning(metric):
    ranking = Ranking.of([0, 0, 2], [0.5, 0, 1], check_values)
    found = METRICS[metric](Weighted(ranking, np.array([[1.0, 1, 0], [0, 0, 0], [1, 1, 1]])))
    assert np.isnan(found).tolist() == [True, True, False]


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(
    ("y", "p", "weight", "message"),
    [
        ([0, 1, 1], [0.1, np.nan, np.inf], None, "predicted is NaN or infinite in 2 of 3 rows"),
        ([0, 1, np.nan], [0.1, 0.2, 0.3], None, "y is NaN or infinite in 1 of 3 rows"),
        ([0, -1, -2], [-0.1, 2, 3], None, "y is negative in 2 of 3 rows; predicted is negative in 1 of 3"),
        ([0, 0], [0.1, 0.2], None, "no outcome above zero among 2 rows"),
        ([0, 1], [0.1, 0.2], [1, 0], "no outcome above zero"),
        ([0, 1], [0.1, 0.2], [0, 0], "no outcome above zero"),
        ([0, 1], [0.1, 0.2], [1, -1], "negative in 1 of 2"),
        ([0, 1], [0.1, 0.2], [1, 1, 1], "weight has shape"),
        ([0, 1], [0.1], None, "equal length"),
        ([], [], None, "equal length"),
        ([0, 1], ["a", "b"], None, "predicted holds values that are no numbers"),
    ],
)
def test_unusable_input_is_refused_by_name(metric, y, p, weight, message):
    with pytest.raises(InputError, match=message):
        getattr(value, metric)(y, p, weight)


def test_equal_outcomes_have_no_order_to_find():
    with pytest.raises(InputError, match="normalised_gini: the outcomes of all 3 rows are equal"):
        normalised_gini([2, 2, 2], [1, 2, 3])
    assert rmse([2, 2, 2], [2, 2, 2]) == 0
