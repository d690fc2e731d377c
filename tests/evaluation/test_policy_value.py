"""The value of rules from a logged experiment: unbiased where it must be, and what is refused."""

import numpy as np
import pytest

from crm_ml.errors import InputError
from crm_ml.evaluation.policy_value import LoggedExperiment, targeted_rates, value_table

COST = np.array([0.0, 1.0, 2.0])


def world(n, seed):
    """Three arms with probabilities that follow x, and the mean outcome of each arm."""
    rng = np.random.default_rng(seed)
    x = rng.random(n)
    mean = np.column_stack([2 + x, 2 + 4 * x, 6 - 2 * x])
    weight = np.column_stack([np.ones(n), 0.5 + x, 1.5 - x])
    p = weight / weight.sum(axis=1, keepdims=True)
    arm = (rng.random((n, 1)) > p.cumsum(axis=1)).sum(axis=1)
    y = mean[np.arange(n), arm] + rng.normal(0, 2, n)
    return x, mean, p, arm, y


def rule(x):
    return np.where(x > 0.6, 1, np.where(x < 0.2, 2, 0))


@pytest.mark.parametrize("wrong", ["nothing", "outcomes", "probabilities"])
def test_the_value_is_right_where_one_of_the_two_models_is(wrong):
    x, mean, p, arm, y = world(200_000, 0)
    outcome = mean * 0 + 3 if wrong == "outcomes" else mean
    probability = np.full_like(p, 1 / 3) if wrong == "probabilities" else p
    logged = LoggedExperiment(arm, y, probability, outcome, COST)
    true = float((mean[np.arange(len(x)), rule(x)] - COST[rule(x)]).mean())
    found = logged.value(rule(x))
    assert found.low < true < found.high
    assert found.high - found.low < 0.12


def test_naive_means_would_be_wrong_where_both_models_are():
    x, mean, p, arm, y = world(200_000, 0)
    logged = LoggedExperiment(arm, y, np.full_like(p, 1 / 3), mean * 0 + 3, COST)
    true = float((mean[np.arange(len(x)), rule(x)] - COST[rule(x)]).mean())
    assert abs(logged.value(rule(x)).value - true) > 0.1


def test_intervals_hold_the_truth_in_nineteen_of_twenty_draws():
    held, better = 0, 0
    for seed in range(200):
        x, mean, p, arm, y = world(500, seed)
        logged = LoggedExperiment(arm, y, p, mean + 0.5, COST)
        # the value over all customers there could be, not over the drawn x alone
        true = 0.4 * (2 + 0.4) + 0.4 * (2 + 4 * 0.8 - 1) + 0.2 * (6 - 2 * 0.1 - 2)
        found = logged.value(rule(x))
        held += found.low <= true <= found.high
        better += logged.value(rule(x), np.zeros(500, dtype=int)).low > 0
    assert 0.91 <= held / 200 <= 0.99
    assert better > 150


def test_a_customer_in_two_splits_counts_as_one():
    _, mean, p, arm, y = world(1000, 1)
    ids = np.array([f"c{i}" for i in range(1000)])
    once = LoggedExperiment(arm, y, p, mean, COST, ids)
    both = [np.concatenate([one, one]) for one in (arm, y, p, mean)]
    twice = LoggedExperiment(*both, COST, np.concatenate([ids, ids]))
    policy = np.ones(1000, dtype=int)
    a, b = once.value(policy), twice.value(np.tile(policy, 2))
    assert (a.value, a.low, a.high) == pytest.approx((b.value, b.low, b.high))


def test_the_table_compares_with_its_base():
    _, mean, p, arm, y = world(1000, 2)
    logged = LoggedExperiment(arm, y, p, mean, COST)
    nobody = np.zeros(1000, dtype=int)
    table = value_table(logged, {"none": nobody, "second": nobody + 1}, "none").set_index("policy")
    assert table.loc["none", ["treated", "difference", "difference_high"]].tolist() == [0, 0, 0]
    assert table.loc["second", "treated"] == 1
    assert table.loc["second", "difference"] == pytest.approx(table["value"].diff().iloc[-1])


def test_rate_and_revenue_of_targeted_rows_are_counted():
    y, t = np.array([1, 0, 1, 0, 1, 1]), np.array([1, 1, 0, 0, 1, 0])
    targeted = np.array([True, True, True, True, False, False])
    rate, revenue = targeted_rates(y, t, targeted, 10, 0.15)
    assert rate == pytest.approx(1 / 2 - 1 / 2)
    assert revenue == pytest.approx(10 * 1 - 0.15 * 2 - 10 * 1)
    with pytest.raises(InputError, match="1 treated and 0 untreated; both are needed"):
        targeted_rates(y, t, np.arange(6) == 0, 10, 0.15)


def test_everything_that_is_wrong_with_a_log_is_said_at_once():
    _, mean, p, arm, y = world(10, 3)
    y[0], p[1], arm[2] = np.nan, [0.5, 0.5, 0.5], 7
    with pytest.raises(InputError) as caught:
        LoggedExperiment(arm, y, p, mean, COST)
    for words in ("y is NaN or infinite in 1", "does not sum to 1 in 1 of 10", "arm is none of 0 to 2 in 1"):
        assert words in str(caught.value)
    with pytest.raises(InputError, match=r"outcome has shape \(10, 2\), not \(10, 3\)"):
        LoggedExperiment(arm, y, p, mean[:, :2], COST)
    _, mean, p, arm, y = world(10, 3)
    with pytest.raises(InputError, match="one arm from 0 to 2 for each of 10 rows"):
        LoggedExperiment(arm, y, p, mean, COST).value(np.full(10, 3))
