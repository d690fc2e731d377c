"""Intervals of what few rows add to: exact counts by hand, weights, signs, and values of rare answers."""

import numpy as np
import pytest
from scipy.stats import chi2

from crm_ml.errors import InputError
from crm_ml.evaluation.direct_outcomes import direct_outcomes
from crm_ml.evaluation.incremental import increment
from crm_ml.evaluation.off_policy import off_policy
from crm_ml.evaluation.policy_value import LoggedExperiment
from crm_ml.evaluation.rare_events import added, deviations, rare_part
from crm_ml.evaluation.significance import Interval


def answers(rows, *hits):
    y = np.zeros(rows)
    y[list(hits)] = 1.0
    return y


@pytest.mark.parametrize("hits", [0, 1, 4])
def test_equal_weights_give_the_exact_interval_of_a_poisson_count(hits):
    """chi2(.025, 2 k) / 2 and chi2(.975, 2 k + 2) / 2 events (Garwood 1936)."""
    low = chi2.ppf(0.025, 2 * hits) / 2 if hits else 0.0
    high = chi2.ppf(0.975, 2 * hits + 2) / 2
    multiplier = np.append(np.full(100, 0.01), np.zeros(100))
    events = answers(200, *range(hits), 150)  # that of row 150 has no say, but tells the size of an event
    sum_ = rare_part(multiplier, events).sum
    assert (sum_.value, sum_.low, sum_.high) == pytest.approx((hits / 100, low / 100, high / 100), rel=1e-9)


def test_unequal_sizes_follow_fay_and_feuer():
    """By hand (1997, equations 5 and 6): sizes 1 and 3, y = 4, v = 10; heaviest weight 3."""
    multiplier = np.repeat([1.0, 3.0], [30, 30])
    sum_ = rare_part(multiplier, answers(60, 0, 30)).sum
    assert sum_.low == pytest.approx(10 / 8 * chi2.ppf(0.025, 2 * 16 / 10), rel=1e-9)
    assert sum_.high == pytest.approx(19 / 14 * chi2.ppf(0.975, 2 * 49 / 19), rel=1e-9)


def test_a_lone_heavy_row_is_no_event_that_could_have_been():
    multiplier = np.append(np.ones(999), 40.0)
    assert rare_part(multiplier, answers(1000, 0)).sum.high == pytest.approx(chi2.ppf(0.975, 4) / 2)
    many = np.append(np.ones(900), np.full(100, 40.0))
    assert rare_part(many, answers(1000, 0)).sum.high > 40


def test_signs_are_counted_apart_and_a_customer_once():
    events = answers(400, 0, 1, 300)
    signed = rare_part(np.repeat([1.0, -1.0], 200), events).sum
    assert signed.value == 1.0
    two, one = (rare_part(np.ones(200), answers(200, *range(hits))).sum for hits in (2, 1))
    assert signed.low == pytest.approx(1 - np.hypot(2 - two.low, one.high - 1))
    assert rare_part(np.ones(200), -answers(200, 3)).sum == Interval(-1.0, -one.high, -one.low)
    twice = rare_part(np.ones(400), np.tile(answers(200, 7), 2), np.tile(np.arange(200), 2)).sum
    assert (twice.value, twice.high) == pytest.approx((2.0, 2 * one.high))


def test_many_or_frequent_events_are_left_to_the_usual_intervals():
    assert rare_part(np.ones(1000), answers(1000, *range(30))) is None
    assert rare_part(np.ones(100), answers(100, *range(11))) is None
    sides = rare_part(np.repeat([1.0, -1.0], 100), answers(200, *range(50)))
    assert sides.rows.tolist() == [False] * 100 + [True] * 100


def test_the_usual_outcome_is_that_of_the_group():
    assert deviations(np.array([-2.0, -2, 5, 0, 0, 1]), list("aaabbb")).tolist() == [0, 0, 7, 0, 0, 1]
    assert added(Interval(1, 0, 3), Interval(2, 2, 2)) == Interval(3, 2, 5)


def test_no_answer_in_the_target_arm_is_no_certainty():
    """Ten answers, none among the 500 rows of the target: the end is 3.69 events of 500."""
    arm, y = np.arange(1000) % 2, np.zeros(1000)
    y[arm == 0] = np.arange(500) % 50 == 0
    half, fold = np.full(1000, 0.5), np.arange(1000) // 2 % 5
    value = off_policy(
        y, arm, half, (arm == 1).astype(float), direct_outcomes(y, arm, arm * 0 + 1, y[:, None] * 0, fold)
    )
    assert value.ips.value == value.snips.value == 0
    assert value.ips.high == value.snips.high == pytest.approx(chi2.ppf(0.975, 2) / 2 / 500)
    assert value.dr.high >= value.ips.high > 0 >= value.ips.low
    assert (value.events, value.matched) == (0, 500)
    assert value.warnings == (
        "0 of 500 matched rows have another reward than is usual for their action, fewer than 5: read the "
        "interval, not the value",
    )
    logged = LoggedExperiment(arm, y, np.full((1000, 2), 0.5), np.zeros((1000, 2)), np.zeros(2))
    assert logged.value(np.ones(1000, dtype=int)).high == pytest.approx(value.ips.high)
    gain = logged.value(np.ones(1000, dtype=int), np.zeros(1000, dtype=int))
    effect = increment(y, arm).plain
    assert (gain.value, gain.low, gain.high) == pytest.approx((effect.value, effect.low, effect.high))
    assert effect.low < -0.02 < effect.high < 0


def test_costs_of_an_action_are_no_events():
    arm, y = np.arange(1000) % 2, answers(1000, 1, 5)
    half, target = np.full(1000, 0.5), (np.arange(1000) % 2).astype(float)
    free, charged = (off_policy(y - cost * arm, arm, half, target) for cost in (0.0, 0.1))
    assert charged.events == free.events == 2
    assert charged.snips.low == pytest.approx(free.snips.low - 0.1)
    assert charged.snips.high == pytest.approx(free.snips.high - 0.1)


def test_without_any_event_nothing_is_said():
    arm, nothing, half = np.arange(100) % 2, np.zeros(100), np.full(100, 0.5)
    value = off_policy(nothing - 0.2 * arm, arm, half, (arm == 1).astype(float))
    assert (value.ips.low, value.ips.high) == (-np.inf, np.inf)
    assert value.warnings[-1].startswith("all 100 rewards are the same within each action")
    logged = LoggedExperiment(arm, nothing, np.full((100, 2), 0.5), np.zeros((100, 2)), np.zeros(2))
    assert not np.isfinite(logged.value(arm).high)
    with pytest.raises(InputError, match="all 50 treated rows have the same outcome"):
        increment(nothing, arm)


@pytest.mark.parametrize(("rows", "rate"), [(300, 0.01), (600, 0.02), (2000, 0.003)])
def test_intervals_hold_rare_rates(rows, rate):
    held = {"ips": [], "snips": [], "policy": []}
    for seed in range(100):
        rng = np.random.default_rng([rows, seed])
        arm, y = (rng.random(rows) < 0.5).astype(int), (rng.random(rows) < rate).astype(float)
        value = off_policy(y, arm, np.full(rows, 0.5), (arm == 1).astype(float))
        logged = LoggedExperiment(arm, y, np.full((rows, 2), 0.5), np.zeros((rows, 2)), np.zeros(2))
        ends = {"ips": value.ips, "snips": value.snips, "policy": logged.value(np.ones(rows, dtype=int))}
        for name, interval in ends.items():
            held[name].append(interval.low <= rate <= interval.high)
    assert min(np.mean(each) for each in held.values()) >= 0.93
