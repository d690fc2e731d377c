"""Rank-weighted effects: closed forms, coverage of the interval on simulated trials, ties, refusals."""

import numpy as np
import pytest

from crm_ml.errors import InputError
from crm_ml.evaluation.rank_weighted_effect import effect_scores, rate, toc_curve


def trial(seed, n=1_500, noise=1.0):
    """A trial in which the effect is the score itself, uniform from 0 to 1, and a third is treated."""
    rng = np.random.default_rng(seed)
    score, t = rng.random(n), (rng.random(n) < 1 / 3).astype(int)
    return rng.normal(3 * score, noise) + score * t, score, t


def test_a_uniform_effect_has_the_closed_forms_of_the_paper():
    """TOC(u) = (1 - u) / 2, whose mean is 1/4 and whose mean weighted by u is 1/12."""
    effect = np.linspace(0, 1, 20_001)
    share, toc = toc_curve(effect, effect)
    np.testing.assert_allclose(toc[1:], (1 - share[1:]) / 2, atol=1e-4)
    assert np.isnan(toc[0])
    assert rate(effect, effect).value == pytest.approx(1 / 4, abs=1e-3)
    assert rate(effect, effect, "qini").value == pytest.approx(1 / 12, abs=1e-3)
    assert rate(effect, -effect, "qini").value == pytest.approx(-1 / 12, abs=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize(("weighting", "truth"), [("autoc", 1 / 4), ("qini", 1 / 12)])
def test_the_interval_covers_the_truth_and_that_of_no_order_covers_zero(weighting, truth):
    covered, missed = [], []
    for seed in range(60):
        y, score, t = trial(seed, 800)
        effects = effect_scores(y, t, 1 / 3, 3 * score, 3.5 * score)
        found = rate(effects, score, weighting)
        covered.append(found.low <= truth <= found.high)
        none = rate(effects, np.random.default_rng(1_000 + seed).random(len(y)), weighting)
        missed.append(not none.low <= 0 <= none.high)
    assert np.mean(covered) >= 0.86  # three standard errors below .95
    assert np.mean(missed) <= 0.14


def test_scores_of_effects_have_the_effect_as_mean_and_less_variance_with_a_model():
    y, score, t = trial(0, 200_000)
    plain, helped = effect_scores(y, t), effect_scores(y, t, 1 / 3, 3 * score, 4 * score)
    assert plain.mean() == pytest.approx(y[t == 1].mean() - y[t == 0].mean(), abs=1e-9)
    assert helped.mean() == pytest.approx(0.5, abs=0.02)
    assert helped.var() < 0.5 * plain.var()
    wrong = effect_scores(y, t, 1 / 3, 7.0, -2.0)
    assert wrong.mean() == pytest.approx(0.5, abs=0.1), "a wrong model moves no mean"


def test_ties_share_their_mean_and_rows_of_a_customer_are_drawn_together():
    y, score, t = trial(3, 600)
    effects, tied = effect_scores(y, t), np.round(score, 1)
    turned = np.random.default_rng(0).permutation(len(y))
    assert rate(effects[turned], tied[turned]).value == pytest.approx(rate(effects, tied).value, abs=1e-12)
    broken = [rate(effects, tied + 1e-6 * np.random.default_rng(k).random(len(y))).value for k in range(60)]
    assert np.mean(broken) == pytest.approx(rate(effects, tied).value, abs=0.03)
    twice = [np.repeat(each, 2) for each in (effects, score)]
    apart = rate(*twice)
    together = rate(*twice, customer_id=np.repeat(np.arange(len(y)), 2))
    assert together.high - together.low > 1.2 * (apart.high - apart.low)
    assert rate(effects, np.zeros(len(y))).value == pytest.approx(0, abs=1e-12)


def test_wrong_input_is_one_error():
    y, score, t = trial(1, 50)
    with pytest.raises(
        InputError, match=r"share is not between 0 and 1 in 50 of 50 rows.*; what is expected is NaN"
    ):
        effect_scores(y, t, 1.0, np.nan)
    with pytest.raises(InputError, match="share is not between 0 and 1"):
        effect_scores(y, np.ones(50))
    with pytest.raises(InputError, match="one value or one for each of 50 rows"):
        effect_scores(y, t, np.full(3, 0.5))
    with pytest.raises(InputError, match="there are autoc and qini"):
        rate(y, score, "area")
    with pytest.raises(InputError, match="interval of 3 customers"):
        rate(y[:3], score[:3])
    with pytest.raises(InputError, match="customer_id has shape"):
        rate(y, score, customer_id=["a"])
    with pytest.raises(InputError, match="uplift is NaN or infinite in 1 of 50 rows"):
        toc_curve(y, np.append(score[1:], np.nan))
