"""Arms that were drawn pass, and arms that were not are refused by the columns that tell them."""

import numpy as np
import pandas as pd
import pytest
import scripts

from crm_ml.errors import InputError
from crm_ml.evaluation import arm_redraws, draw_check
from crm_ml.evaluation.arm_columns import arm_columns
from crm_ml.evaluation.detectable_effect import smallest_effect
from crm_ml.evaluation.draw_check import check_draw
from crm_ml.evaluation.randomisation_checks import average_effect, sample_ratio

draws = scripts.plain("009_honest_statistics/broken_draws.py")


def checked(rows):
    return check_draw(rows.X, rows.treated, rows.chance, rows.stratum, rows.customer_id)


@pytest.mark.parametrize("name", sorted(draws.FAIR))
def test_fair_draws_of_every_kind_pass(name):
    checks = [checked(draws.FAIR[name](np.random.default_rng([1, seed]))) for seed in range(2)]
    assert all(check.holds for check in checks)
    assert all(check.redraws < 1_000 for check in checks)  # no more than are needed


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("parity of an id that follows tenure", "tenure_days"),
        ("households of the treated de-duplicated after the draw", "household (spread)"),
        ("better customers treated more, a half declared", "age"),
    ],
)
def test_a_draw_that_was_none_is_refused_by_the_column_that_tells_it(name, column):
    rows = draws.BROKEN[name](np.random.default_rng(2))
    check = checked(rows.where(np.arange(len(rows.X)) < 1_500))
    assert not check.holds
    assert check.differences[0].column == column
    assert str(check).startswith(f"the arm can be told from {column} (")
    assert "leave out what was recorded after the draw" in str(check)


def test_what_only_the_treated_have_is_named_however_few_have_it():
    rows = draws.BROKEN["clicks of the treated joined, else missing"](np.random.default_rng(2))
    assert checked(rows.where(np.arange(len(rows.X)) < 2_500)).constant == ("clicks",)
    rng = np.random.default_rng(0)
    few = np.zeros(1_000)
    few[rng.choice(np.flatnonzero(rows.treated[:1_000]), 25, replace=False)] = 1
    check = check_draw(pd.DataFrame({"opened": few, "age": rng.random(1_000)}), rows.treated[:1_000])
    assert check.constant == ("opened",)
    assert not check.holds


def test_chances_that_are_declared_are_what_arms_are_judged_against():
    rows = draws.FAIR["1,500 customers by declared chances that follow tenure"](np.random.default_rng(5))
    check = check_draw(rows.X, rows.treated, rows.chance)
    assert check.holds
    assert max(check.p_values.values()) < 0.95  # redraws that ignore tenure would all be farther away
    assert not check_draw(rows.X, rows.treated).holds
    assert not check_draw(rows.X, rows.treated, 1 - rows.chance).holds


def test_customers_who_keep_their_arm_are_compared_once():
    """Without that, every row of a customer would be taken for a draw of its own."""
    rows = draws.FAIR["three trials, each customer with one arm"](np.random.default_rng(4))
    check = checked(rows)
    assert check.rows == len(set(rows.customer_id))
    independent = draws.FAIR["three trials of other shares, 900 customers"](np.random.default_rng(4))
    assert checked(independent).rows == len(independent.X)
    rng = np.random.default_rng(5)
    ids, arm = np.repeat(np.arange(60), 20), np.repeat(rng.random(60) < 0.5, 20)
    X = pd.DataFrame({f"x{n}": np.repeat(rng.random(60), 20) for n in range(8)})
    assert check_draw(X, arm, customer_id=ids.astype(str)).p_values["joint"] > 0.01
    assert check_draw(X, arm).p_values["joint"] < 0.002


def test_without_a_column_that_varies_nothing_tells_the_arm():
    check = check_draw(pd.DataFrame({"age": np.ones(50)}), np.arange(50) % 2)
    assert check.holds
    assert (check.columns, check.differences) == (0, ())


def test_redraws_that_are_the_draw_itself_count_whatever_the_order_of_their_sums():
    rng = np.random.default_rng(0)
    for _ in range(20):
        X = pd.DataFrame({"visits": rng.integers(0, 3, 4), "age": rng.normal(size=4)})
        assert check_draw(X, rng.permutation([0, 0, 1, 1])).holds  # one in six redraws is the draw


def test_strata_that_the_sample_leaves_with_one_arm_are_left_out(monkeypatch):
    monkeypatch.setattr(draw_check, "MOST_ROWS", 500)
    age, stratum = np.random.default_rng(0).normal(size=1_000), np.arange(1_000).clip(0, 100) // 2
    treated = np.where(age > 1, 1, np.arange(1_000) % 2)
    assert check_draw(pd.DataFrame({"age": age}), treated, stratum=stratum).differences[0].column == "age"


def test_redraws_keep_the_sizes_of_the_arms_in_each_stratum():
    rng = np.random.default_rng(0)
    treated, stratum = (rng.random(300) < 0.3).astype(np.float32), rng.integers(0, 3, 300)
    draw = arm_redraws.Draw(treated, np.full(300, 0.3), stratum, permuted=True)
    arms = draw.redraws(rng, 50)
    for number in range(3):
        inside = stratum == number
        assert (arms[inside].sum(axis=0) == treated[inside].sum()).all()
    assert len({arms[:, place].tobytes() for place in range(50)}) == 50


def test_the_statistics_are_those_of_their_definitions():
    rng = np.random.default_rng(1)
    X, treated = pd.DataFrame({"a": rng.random(400), "b": rng.random(400)}), rng.random(400) < 0.5
    columns = arm_columns(X)
    draw = arm_redraws.Draw(
        treated.astype(np.float32), np.full(400, treated.mean()), np.zeros(400, int), True
    )
    seen = arm_redraws.ArmComparison(columns, draw, np.arange(400) % 4).observed()
    x = columns.matrix.astype(float) - columns.matrix.mean(axis=0)
    share = treated.mean()
    score = x.T @ (treated - share)
    covariance = share * (1 - share) * x.T @ x
    assert seen.z[:, 0] == pytest.approx(score / np.sqrt(np.diag(covariance)), rel=1e-3)
    assert seen.joint[0] == pytest.approx(score @ np.linalg.solve(covariance, score), rel=1e-3)


def test_columns_are_ranks_gaps_and_levels():
    X = pd.DataFrame(
        {
            "spend": [1e300, 5.0, 7.0, np.nan] * 10,
            "town": ["Ulm", None, "Ulm", "Köln"] * 10,
            "one": 3,
            "rare": [1] * 5 + [0] * 35,
        }
    )
    columns = arm_columns(X)
    assert columns.names == (
        "spend", "spend is missing", "town = Ulm", "town = Köln", "town is missing", "rare",
    )  # fmt: skip
    spend = columns.matrix[:, 0]
    assert spend[:4] == pytest.approx([1 / 3, -1 / 3, 0, 0])
    assert np.isfinite(columns.matrix).all()


@pytest.mark.parametrize(
    ("treated", "options", "words"),
    [
        ([0, 1, 2, 1] * 5, {}, "neither 0 nor 1 in 5"),
        ([0, 1] * 10, {"chance": np.ones(20)}, "chance is not within 0 and 1 in 20 of 20 rows"),
        ([0, 1] * 9, {}, "20 rows of features and treated"),
        ([0] * 10 + [1] * 10, {"stratum": [0] * 10 + [1] * 10}, "no stratum has treated and untreated"),
    ],
)
def test_arms_that_can_not_be_compared_are_refused(treated, options, words):
    with pytest.raises(InputError, match=words):
        check_draw(pd.DataFrame({"a": np.arange(20.0)}), treated, **options)


def test_counts_are_judged_in_each_trial_and_by_the_chance_of_each_row():
    rng = np.random.default_rng(0)
    trial = np.repeat([0, 1], 2_000)
    chance = np.where(trial == 0, 0.2, 0.6)
    arm = rng.random(4_000) < chance
    declared = {"True": chance, "False": 1 - chance}
    ratio = sample_ratio(arm, declared, trial)
    assert ratio.holds
    assert ratio.expected == pytest.approx({"True": 1_600, "False": 2_400})
    # a hundred treated lost in one trial and added in the other leave the sum as it was
    swapped = arm.copy()
    swapped[np.flatnonzero(arm & (trial == 0))[:100]] = False
    swapped[np.flatnonzero(~arm & (trial == 1))[:100]] = True
    assert sample_ratio(swapped, declared).holds
    assert not sample_ratio(swapped, declared, trial).holds


def test_many_small_trials_are_judged_together():
    rng = np.random.default_rng(1)
    trial, declared = np.repeat(np.arange(200), 2), {"control": 0.05, "mail": 0.95}
    drawn = [np.where(rng.random(400) < 0.05, "control", "mail") for _ in range(60)]
    assert all(sample_ratio(arm, declared, trial).holds for arm in drawn)
    assert not sample_ratio(np.where(trial % 5, "mail", "control"), declared, trial).holds


@pytest.mark.parametrize(
    ("a", "stratum"), [([0.5] * 3, None), (0.5, [1, 2])], ids=["probabilities", "strata"]
)
def test_counts_of_other_lengths_are_refused(a, stratum):
    with pytest.raises(InputError, match="10 rows"):
        sample_ratio(["a", "b"] * 5, {"a": a, "b": 0.5}, stratum)


def test_four_of_five_effects_of_the_smallest_size_are_found():
    rng = np.random.default_rng(0)
    treated = (np.arange(2_000) % 2).astype(float)
    effect = smallest_effect(average_effect((rng.random(2_000) < 0.1).astype(float), treated))
    found = 0
    for _ in range(400):
        y = (rng.random(2_000) < 0.1 + effect * treated).astype(float)
        found += average_effect(y, treated).low > 0
    assert 0.72 < found / 400 < 0.86
