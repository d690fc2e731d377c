"""Differences to a hold-out: golden values by hand, what covariates buy, and how often intervals hold."""

import math

import numpy as np
import pytest
import scripts
from scipy.stats import ttest_ind

from crm_ml.errors import InputError
from crm_ml.evaluation.incremental import increment
from crm_ml.evaluation.mean_intervals import interval_of_means

Y = [1, 3, 5, 2, 0, 1]
X = [0, 1, 2, 1, 0, 1]
ARM = [1, 1, 1, 0, 0, 0]


def test_theta_and_values_are_those_of_the_formula():
    """Worked out by hand after Deng, Xu, Kohavi and Walker (2013).

    Deviations from the arms' means: y -2 0 2 | 1 -1 0, x -1 0 1 | 1/3 -2/3 1/3.
    cov ~ 2 + 0 + 2 + 1/3 + 2/3 + 0 = 5, var ~ 1 + 0 + 1 + 1/9 + 4/9 + 1/9 = 8/3, theta = 15/8.
    Means: y 3 and 1, x 1 and 2/3; 2 - 15/8 * 1/3 = 11/8.
    Plain variance: 4/3 + 1/3 = 5/3. Left: -1/8 0 1/8 | 3/8 1/4 -5/8, squares 1/32 | (9 + 4 + 25) / 64;
    (1/32 + 38/64) / 6 = 5/48, times (6 - 2) / (6 - 2 - 1) for theta: 5/36; 1 - (5/36) / (5/3) = 11/12.
    """
    found = increment(Y, ARM, X)
    assert found.theta == pytest.approx((15 / 8,), rel=1e-12)
    assert found.plain.value == pytest.approx(2, rel=1e-12)
    assert found.adjusted.value == pytest.approx(11 / 8, rel=1e-12)
    assert found.variance_reduction == pytest.approx(11 / 12, rel=1e-12)
    assert (found.treated, found.untreated) == (3, 3)


def test_without_skewness_and_kurtosis_the_interval_is_welchs():
    a, b = [1.0, 2.0, 3.0, 4.0, 5.0], [2.0, 6.0, 4.0, 0.0]
    ends = ttest_ind(a, b, equal_var=False).confidence_interval(0.95)
    found = interval_of_means([1, -1], [a, b])
    assert (found.low, found.high) == pytest.approx((ends.low, ends.high), rel=1e-12)


def test_skewness_moves_the_upper_end_by_halls_formula():
    """By hand, nine values 0 and one 10: mean 1, variance of the mean 1, third moment of the mean 72 / 100.

    Kurtosis 657 / 81 = 8.111, so freedom 9 / 3.5556 = 2.53125 and Student's q = 3.5401; skewness g = .72;
    Hall: u = 3 / g ((1 + g (-q - g / 6))^(1/3) - 1) = -9.2406, further than -q; at the other end q = 3.54 is
    further than 3 / g ((1 + g (q - g / 6))^(1/3) - 1) = 2.08.
    """
    from scipy.stats import t

    found = interval_of_means([1], [[0.0] * 9 + [10.0]])
    q = float(t.ppf(0.975, 9 / ((657 / 81 - 1) / 2)))
    moved = 3 / 0.72 * (math.cbrt(1 + 0.72 * (-q - 0.12)) - 1)
    assert moved < -q
    assert found.high == pytest.approx(1 - moved, rel=1e-9)
    assert found.low == pytest.approx(1 - q, rel=1e-9)


def test_strata_count_by_their_treated_rows():
    y = [5, 7, 1, 3, 10, 20, 30, 0, 2]
    arm = [1, 1, 0, 0, 1, 1, 1, 0, 0]
    stratum = list("aaaabbbbb")
    found = increment(y, arm, stratum=stratum)
    assert found.plain.value == pytest.approx((2 * (6 - 2) + 3 * (20 - 1)) / 5)
    alone = [increment(y[part], arm[part]).plain for part in (slice(0, 4), slice(4, 9))]
    assert found.plain.value == pytest.approx((2 * alone[0].value + 3 * alone[1].value) / 5)
    assert found.adjusted == found.plain


def test_covariates_that_say_nothing_change_little_and_constant_ones_nothing():
    rng = np.random.default_rng(0)
    y, arm, x = rng.normal(0, 1, 4000), np.arange(4000) % 2, rng.normal(0, 1, 4000)
    plain, idle = increment(y, arm), increment(y, arm, x)
    assert abs(idle.variance_reduction) < 2e-3
    assert abs(idle.adjusted.value - plain.plain.value) < 2e-3
    constant = increment(y, arm, np.column_stack([np.full(4000, 7.0), np.zeros(4000)]))
    assert constant.theta == (0.0, 0.0)
    assert constant.adjusted == plain.plain


def test_what_was_known_before_takes_its_share_of_the_variance():
    rng = np.random.default_rng(1)
    x = rng.normal(0, 1, 20_000)
    y = 3 * x + rng.normal(0, 3, 20_000)
    found = increment(y, np.arange(20_000) % 10 > 0, x)
    assert found.variance_reduction == pytest.approx(0.5, abs=0.03)  # rho^2 = 9 / 18
    assert found.theta[0] == pytest.approx(3, abs=0.1)
    ratio = (found.adjusted.high - found.adjusted.low) / (found.plain.high - found.plain.low)
    assert ratio == pytest.approx(math.sqrt(1 - found.variance_reduction), rel=0.05)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (([1, 2, 3], [1, 1, 0]), "fewer than two untreated rows in all"),
        (([1, 2, 0, 0], [1, 1, 0, 0]), "all 2 untreated rows have the same outcome"),
        (([1, 1, 0, np.nan], [1, 1, 0, 2]), "y can't be used in 1 places; treatment can't be used in 1"),
        (([1, 2, 0, 1], [1, 1, 0, 0], [1, 2, 3, np.inf]), "covariates can't be used in 1 places"),
        (([1, 2, 0, 1], [1, 1, 0, 0], None, list("abab")), r"untreated rows in a \(1\), b \(1\)"),
        (([1, 2, 0, 1], [1, 1, 0]), "shapes"),
        (([], []), "shapes"),
    ],
)
def test_what_can_not_be_compared_is_refused_in_words(given, words):
    with pytest.raises(InputError, match=words):
        increment(*given)


def test_means_of_nothing_are_refused():
    for given in (([1], [[1.0]]), ([1, -1], [[1.0, 2.0]]), ([1], [[1.0, np.nan]]), ([], [])):
        with pytest.raises(InputError, match="give a weight and two finite values"):
            interval_of_means(*given)


def test_intervals_hold_the_effect_though_few_are_held_out_and_spend_is_skewed(monkeypatch):
    script = scripts.load("006_next_best_action/coverage.py", monkeypatch)
    found = [script.difference_draw((3_000, 150), np.random.default_rng([1, n])) for n in range(250)]
    for name in ("plain", "adjusted"):
        assert 0.93 <= np.mean([one[name] for one in found]) < 1, name
    assert np.mean([one["less"] for one in found]) > 0.15
