"""Off-policy estimators beside the Open Bandit Pipeline, four rows by hand, and what is refused."""

import json
from pathlib import Path

import numpy as np
import policy_recipes as recipes
import pytest
import scripts

from crm_ml.errors import InputError
from crm_ml.evaluation.amount_value import KERNELS, LoggedAmounts, amount_value, choose_bandwidth
from crm_ml.evaluation.direct_outcomes import Direct
from crm_ml.evaluation.limit_choice import choose_limit, slope_index
from crm_ml.evaluation.off_policy import off_policy
from crm_ml.evaluation.policy_estimators import ESTIMATORS, LIMITED, LoggedRows, estimate
from crm_ml.evaluation.significance import Interval
from crm_ml.evaluation.slate_value import INTERACTIONS, slate_value

GOLDEN = json.loads((Path(__file__).parent / "policy_golden.json").read_text(encoding="utf-8"))
SEEDS = ("0", "1", "2")
HAND = LoggedRows(
    [10.0, 0.0, 5.0, 20.0],
    list("abba"),
    [0.5, 0.25, 0.2, 0.5],
    [1.0, 1.0, 0.0, 0.5],
    Direct(np.array([8.0, 2.0, 5.0, 10.0]), np.array([8.0, 2.0, 6.0, 9.0])),
)  # weights 2 4 0 1


def _log(seed):
    reward, action, logging, target, model = recipes.made_log(int(seed))
    each = np.arange(len(action)), action
    direct = Direct(model[each], (target * model).sum(axis=1))
    return LoggedRows(reward, action, logging[each], target[each], direct)


def _amounts(seed, robust=True):
    reward, amount, density, wanted, model = recipes.made_amounts(int(seed))
    return LoggedAmounts(reward, amount, density, wanted, Direct(model, model) if robust else None)


@pytest.mark.parametrize("seed", SEEDS)
def test_values_are_those_of_the_open_bandit_pipeline(seed):
    rows = _log(seed)
    for name, value in GOLDEN["log"][seed].items():
        estimator, *limit = name.split()
        found = estimate(rows, estimator, *(float(each) for each in limit))
        assert found.value == pytest.approx(value, rel=1e-12), name
        assert found.low < found.value < found.high or estimator == "direct"
    assert {name.split()[0] for name in GOLDEN["log"][seed]} == set(ESTIMATORS)


@pytest.mark.parametrize("seed", SEEDS)
def test_slope_chooses_as_the_open_bandit_pipeline(seed):
    golden = GOLDEN["slope"][seed]
    ends = zip(golden["values"], golden["widths"], strict=True)
    chosen = slope_index([Interval(value, value - width, value + width) for value, width in ends])
    assert recipes.SLOPES[chosen] == golden["chosen"]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("interaction", INTERACTIONS)
def test_lists_of_items_are_those_of_the_open_bandit_pipeline(seed, interaction):
    reward, action, logging, target, model = recipes.made_lists(int(seed))
    where = np.arange(recipes.LISTS)[:, None], np.arange(recipes.PLACES)[None, :], action
    lists, place = np.repeat(np.arange(recipes.LISTS), recipes.PLACES), np.tile([1, 2, 3], recipes.LISTS)
    mixed = np.random.default_rng(0).permutation(len(lists))  # the order of rows does not matter
    columns = [each.ravel()[mixed] for each in (lists, place, reward, logging[where], target[where])]
    golden = GOLDEN["lists"][seed]
    for name, normalised in ((interaction, False), (f"{interaction} normalised", True)):
        found = slate_value(*columns, interaction, self_normalised=normalised)
        assert found.value == pytest.approx(golden[name], rel=1e-12), name
        assert found.low < found.value < found.high
    if interaction == "cascade":
        direct = Direct(model[where].ravel()[mixed], (target * model).sum(axis=2).ravel()[mixed])
        found = slate_value(*columns, "cascade", direct)
        assert found.value == pytest.approx(golden["cascade dr"], rel=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
def test_amounts_are_those_of_the_open_bandit_pipeline(seed):
    for name, golden in GOLDEN["amounts"][seed].items():
        kernel, h = name.split()
        plain = amount_value(_amounts(seed, robust=False), float(h), kernel, self_normalised=False)
        normalised = amount_value(_amounts(seed, robust=False), float(h), kernel)
        robust = amount_value(_amounts(seed), float(h), kernel, self_normalised=False)
        found = {"ips": plain.value, "snips": normalised.value, "dr": robust.value}
        assert found == pytest.approx(golden, rel=1e-12), name


def test_four_rows_by_hand():
    """Weighted gaps to the model 2 (2), 4 (-2), 0, 1 (10) on 8 2 6 9, the direct mean 25 / 4.

    Clipped at 2: 4 - 4 + 10; switched at 2: 4 + 0 + 10; shrunk at 4: weights 1, .8, 0, .8: 2 - 1.6 + 8.
    Self-normalised: (4 - 8 + 10) / 7.
    """
    found = {name: estimate(HAND, name, 2.0).value for name in ("clipped_dr", "switch_dr")}
    assert found == pytest.approx({"clipped_dr": 25 / 4 + 10 / 4, "switch_dr": 25 / 4 + 14 / 4}, rel=1e-12)
    assert estimate(HAND, "shrunk_dr", 4.0).value == pytest.approx(25 / 4 + 8.4 / 4, rel=1e-12)
    assert estimate(HAND, "self_normalised_dr").value == pytest.approx(25 / 4 + 6 / 7, rel=1e-12)
    assert estimate(HAND, "direct").value == 25 / 4


def test_values_without_a_limit_are_those_of_off_policy_with_their_intervals():
    rows = _log("0")
    value = off_policy(rows.reward, rows.action, rows.propensity, rows.target_probability, rows.direct)
    for name, interval in (("ips", value.ips), ("dr", value.dr)):
        assert estimate(rows, name) == interval
    snips = estimate(rows, "snips")
    assert (snips.value, snips.low, snips.high) == pytest.approx(
        (value.snips.value, value.snips.low, value.snips.high)
    )


def test_an_infinite_limit_limits_nothing():
    rows = _log("1")
    for name in LIMITED:
        free = estimate(rows, "ips" if name == "clipped_ips" else "dr")
        assert estimate(rows, name, np.inf) == free
        assert choose_limit(rows, name).candidates[0][1].value == pytest.approx(free.value)


def test_slope_keeps_to_the_log_where_limits_cost_and_limits_where_they_do_not():
    rng = np.random.default_rng(1)
    n = 4000
    p = np.where(rng.random(n) < 0.5, 0.02, 0.9)
    done = rng.random(n) < p
    action, propensity = done.astype(int), np.where(done, p, 1 - p)
    rare = (p < 0.5).astype(float)
    for reward, below in ((10 * done * rare, False), (done + 0.0 * rare, True)):
        rows = LoggedRows(reward + rng.normal(0, 0.1, n), action, propensity, done.astype(float))
        chosen = choose_limit(rows, "clipped_ips", [1, 10, 50], by="slope")
        truth = float((10 * rare).mean() if not below else 1.0)
        if not below:  # clipping loses what rare rows earn
            assert chosen.limit == 50
            assert chosen.value.low < truth < chosen.value.high
        assert estimate(rows, "clipped_ips", 1).value < truth / 1.5
    model = Direct(np.where(done, 1.0, 0.0), np.ones(n))
    robust = LoggedRows(done + rng.normal(0, 0.1, n), action, propensity, done.astype(float), model)
    chosen = choose_limit(
        robust, "clipped_dr", [1, 10, 50], by="slope"
    )  # the model is right: limits cost nothing
    assert chosen.limit == 1
    assert chosen.value.high - chosen.value.low < 0.5 * np.ptp(
        [chosen.candidates[0][1].low, chosen.candidates[0][1].high]
    )


def test_effective_rows_choose_the_least_limit_that_leaves_two_hundred():
    rng = np.random.default_rng(0)
    rows = LoggedRows(rng.random(2000), np.zeros(2000), rng.uniform(0.001, 1, 2000), np.full(2000, 0.5))
    chosen = choose_limit(rows, "clipped_ips", [2, 20, 60, 400])
    effective = {limit: rows_left for limit, _, rows_left in chosen.candidates}
    assert list(effective) == [400, 60, 20, 2]
    assert chosen.effective_rows == effective[chosen.limit] >= 200
    assert all(effective[limit] < 200 for limit in effective if limit > chosen.limit)
    few = LoggedRows(rng.random(50), np.zeros(50), np.full(50, 0.5), np.full(50, 0.5))
    assert choose_limit(few, "clipped_ips", [2, 1]).effective_rows == 50


def test_a_bandwidth_is_chosen_wide_for_a_line_and_narrow_for_a_peak():
    rng = np.random.default_rng(0)
    n = 3000
    amount, wanted = rng.uniform(0, 1, n), np.full(n, 0.5)
    flat, peak = np.ones(n), np.exp(-(((amount - 0.5) / 0.05) ** 2))
    noise = rng.normal(0, 0.3, n)
    chosen = [
        choose_bandwidth(LoggedAmounts(each + noise, amount, np.ones(n), wanted), by="slope")
        for each in (flat, peak)
    ]
    assert chosen[0].limit > 0.4
    assert chosen[1].limit < 0.1
    assert chosen[0].value.low < 1 < chosen[0].value.high
    assert abs(chosen[1].value.value - 1) < 0.15  # some bias is what it pays for less spread
    by_rows = choose_bandwidth(LoggedAmounts(flat, amount, np.ones(n), wanted))
    assert by_rows.effective_rows >= 200
    assert by_rows.limit < 0.2


def test_kernels_integrate_to_one():
    u = np.linspace(-9, 9, 200_001)
    for kernel in KERNELS.values():
        assert np.trapezoid(kernel(u), u) == pytest.approx(1, abs=1e-8)


def test_lists_of_different_length_by_hand():
    """List 1 has two places with ratios 2, 3 and rewards 1, 4; list 2 one place with ratio .5, reward 8."""
    rows = ([1, 1, 2], [1, 2, 1], [1, 4, 8], [0.5, 0.25, 0.5], [1, 0.75, 0.25])
    values = {each: slate_value(*rows, each).value for each in INTERACTIONS}
    assert values == {"independent": (2 + 12 + 4) / 2, "cascade": (2 + 24 + 4) / 2, "whole": (6 + 24 + 4) / 2}


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: estimate(HAND, "mips"), "unknown estimator 'mips'; there are ips, snips"),
        (lambda: estimate(HAND, "switch_dr"), "switch_dr needs a limit; those with one are clipped_ips"),
        (lambda: estimate(HAND, "dr", 2.0), "dr has no limit, but limit is 2.0"),
        (lambda: estimate(HAND, "clipped_dr", 0.0), "limit is 0.0; give a number above 0"),
        (lambda: estimate(LoggedRows([1, 2], [0, 0], [1, 1], [1, 1]), "dr"), "dr needs a direct model"),
        (lambda: LoggedRows([1, 2], [0, 0], [0, 1], [1, 1]), r"propensity is not in \(0, 1\] in 1 of 2 rows"),
        (lambda: choose_limit(HAND, "dr"), "'dr' has no limit to choose"),
        (lambda: choose_limit(HAND, "clipped_dr", by="luck"), "choice by 'luck' of 10 candidates"),
        (
            lambda: slate_value([1, 1, 2], [1, 1, 1], [1, np.nan, 1], [1, 0, 1], [1, 1, 2]),
            "NaN or infinite in 1 of 3 rows; prop.* in 1 of 3 rows; target.* in 1 of 3 rows; 1 rows repeat",
        ),
        (lambda: slate_value([1, 1], [1, 2], [1, 1], [1, 1], [1, 1]), "there is one list; give two"),
        (lambda: slate_value([1], [1, 2], [1, 1], [1, 1], [1, 1]), "columns have shapes"),
        (lambda: slate_value([1, 2], [1, 1], [1, 1], [1, 1], [1, 1], "pairs"), "interaction is 'pairs'"),
        (
            lambda: slate_value(
                [1, 2], [1, 1], [1, 1], [1, 1], [1, 1], "whole", Direct(np.ones(2), np.ones(2))
            ),
            "a direct model is for the interaction cascade, not for whole",
        ),
        (
            lambda: LoggedAmounts([1, np.inf], [1, 2], [0, 1], [1, 2]),
            "reward is NaN or infinite in 1.*; density",
        ),
        (lambda: LoggedAmounts([1], [1, 2], [1, 1], [1, 2]), "columns have shapes"),
        (lambda: amount_value(_amounts("0"), 0), "bandwidth 0 of the kernel 'epanechnikov'"),
        (
            lambda: amount_value(LoggedAmounts([1, 2], [0, 1], [1, 1], [5, 5]), 0.1),
            "none of 2 logged amounts",
        ),
        (
            lambda: choose_bandwidth(LoggedAmounts([1, 2], [1, 1], [1, 1], [1, 1])),
            "all 2 logged amounts are 1",
        ),
    ],
)
def test_what_can_not_be_used_is_refused(call, words):
    with pytest.raises(InputError, match=words):
        call()


def test_the_study_writes_its_tables(monkeypatch, tmp_path, capsys):
    script = scripts.load("006_next_best_action/estimators.py", monkeypatch)
    monkeypatch.setattr(script, "SIZES", (500,))
    (tmp_path / "README.md").write_text("a\n<!-- estimators -->\n<!-- end of estimators -->\nb\n")
    assert script.main(["--draws", "2", "--folder", str(tmp_path)]) == 0
    content = json.loads((tmp_path / "estimators.json").read_text())
    assert len(content["actions"]) == 4
    text = (tmp_path / "README.md").read_text()
    assert text.count("**") >= 2 * (4 + 3 + 1)  # the lowest error of each log
    assert "| switch dr, eff. rows |" in text
    assert "actions" in capsys.readouterr().out
