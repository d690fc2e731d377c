"""The index by hand, and what chance alone makes of it."""

import math

import numpy as np
import pytest

from crm_ml.monitoring.psi import by_chance, largest_by_chance, psi


def test_the_index_is_that_of_a_calculation_by_hand():
    # shares (n + 1/2) / (N + 3/2): then 100.5, 300.5, 600.5 of 1001.5, now 30.5, 20.5, 50.5 of 101.5
    expected = (
        (30.5 / 101.5 - 100.5 / 1001.5) * math.log((30.5 / 101.5) / (100.5 / 1001.5))
        + (20.5 / 101.5 - 300.5 / 1001.5) * math.log((20.5 / 101.5) / (300.5 / 1001.5))
        + (50.5 / 101.5 - 600.5 / 1001.5) * math.log((50.5 / 101.5) / (600.5 / 1001.5))
    )
    assert psi([100, 300, 600], [30, 20, 50]) == pytest.approx(expected, abs=1e-12)
    assert expected == pytest.approx(0.2773769, abs=1e-7)


def test_a_shift_by_one_standard_deviation_of_a_normal_is_one():
    # the symmetric divergence of N(0, 1) and N(d, 1) is d squared; ten bins lose a part of it
    draw = np.random.default_rng(0)
    then, now = draw.normal(size=200_000), draw.normal(1, 1, 200_000)
    edges = np.quantile(then, np.arange(1, 200) / 200)
    counts = [np.bincount(np.searchsorted(edges, one), minlength=200) for one in (then, now)]
    assert psi(*counts) == pytest.approx(1.0, abs=0.03)


def test_an_empty_bin_gives_a_large_and_finite_index():
    assert 1 < psi([500, 500, 0], [0, 500, 500]) < 20
    assert psi([0, 0], [0, 0]) == 0
    assert psi([3, 1], [1, 3]) == pytest.approx(psi([1, 3], [3, 1]))


@pytest.mark.parametrize(("n", "m", "bins"), [(300, 300, 11), (2_000, 400, 6)])
def test_without_a_movement_chance_makes_it_as_large_as_chi_square_says(n, m, bins):
    draw = np.random.default_rng(1)
    shares = np.linspace(1, 3, bins)
    shares /= shares.sum()
    found = np.array([psi(draw.multinomial(n, shares), draw.multinomial(m, shares)) for _ in range(8_000)])
    assert found.mean() == pytest.approx(by_chance(n, m, bins), rel=0.04)
    for level in (0.05, 0.01):
        over = (found > largest_by_chance(n, m, bins, level)).mean()
        assert over == pytest.approx(level, abs=4 * math.sqrt(level / 8_000))
