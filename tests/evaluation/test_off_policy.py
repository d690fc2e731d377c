"""Values of another policy from a log: four rows by hand, what is refused and warned of, and coverage."""

import json

import numpy as np
import pytest
import scripts

from crm_ml.errors import InputError
from crm_ml.evaluation.direct_outcomes import Direct, direct_outcomes
from crm_ml.evaluation.off_policy import off_policy

R, A = [10.0, 0.0, 5.0, 20.0], list("abba")
P, T = [0.5, 0.25, 0.2, 0.5], [1.0, 1.0, 0.0, 0.5]
DIRECT = Direct(np.array([8.0, 2.0, 5.0, 10.0]), np.array([8.0, 2.0, 6.0, 9.0]))


def test_four_rows_by_hand():
    """Weights t / p = 2 4 0 1, weighted rewards 20 0 0 20.

    IPS (Dudík, Langford and Li 2011): (20 + 0 + 0 + 20) / 4 = 10.
    SNIPS (Swaminathan and Joachims 2015): 40 / (2 + 4 + 0 + 1) = 40 / 7.
    DR (Dudík, Erhan, Langford and Li 2014, equation 3.1): rows 8 + 2 (10 - 8) = 12, 2 + 4 (0 - 2) = -6,
    6 + 0 = 6, 9 + 1 (20 - 10) = 19; mean 31 / 4. Gain over the log: 31 / 4 - 35 / 4 = -1.
    Effective rows: 7^2 / (4 + 16 + 0 + 1) = 49 / 21.
    """
    found = off_policy(R, A, P, T, DIRECT)
    assert found.ips.value == pytest.approx(10, rel=1e-12)
    assert found.snips.value == pytest.approx(40 / 7, rel=1e-12)
    assert found.dr.value == pytest.approx(31 / 4, rel=1e-12)
    assert found.logged.value == pytest.approx(35 / 4, rel=1e-12)
    assert found.gain.value == pytest.approx(-1, rel=1e-12)
    assert found.effective_rows == pytest.approx(49 / 21, rel=1e-12)
    assert (found.largest_weight, found.mean_weight, found.rows, found.matched) == (4, 1.75, 4, 3)
    for interval in (found.ips, found.snips, found.dr, found.gain):
        assert interval.low < interval.value < interval.high
    without = off_policy(R, A, P, T)
    assert (without.dr, without.gain) == (None, None)
    assert without.ips == found.ips


def test_the_same_policy_has_the_value_of_the_log():
    rng = np.random.default_rng(0)
    reward, p = rng.lognormal(0, 1, 500), rng.uniform(0.1, 1, 500)
    found = off_policy(reward, np.zeros(500), p, p, Direct(np.ones(500), np.ones(500)))
    for interval in (found.ips, found.snips, found.dr):
        assert interval.value == pytest.approx(reward.mean())
    assert found.ips == found.logged
    assert (found.effective_rows, found.warnings) == (500, ())


def test_snips_does_not_feel_a_constant_and_ips_does():
    reward, shifted = np.array(R), np.array(R) + 100
    before, after = (off_policy(one, A, P, T) for one in (reward, shifted))
    assert after.snips.value - before.snips.value == pytest.approx(100)
    assert after.snips.high - after.snips.low == pytest.approx(before.snips.high - before.snips.low)
    assert after.ips.value - before.ips.value == pytest.approx(175)  # 100 x the mean weight


def test_equal_weights_leave_the_interval_of_snips_that_of_the_mean():
    reward = np.random.default_rng(0).lognormal(0, 1, 50)
    found = off_policy(reward, np.zeros(50), np.full(50, 0.5), np.ones(50))
    ends = (found.snips.value, found.snips.low, found.snips.high)
    assert ends == pytest.approx((found.logged.value, found.logged.low, found.logged.high), rel=1e-12)


def test_what_makes_a_value_doubtful_is_said():
    n = 1000
    reward, one = np.arange(n) % 7.0, np.ones(n)
    calm = off_policy(reward, one, one, one)
    assert calm.warnings == ()
    tried, twice = (
        off_policy(reward, one, one, one * (np.arange(n) > 99)),
        off_policy(reward, one, one / 2, one),
    )
    assert tried.warnings == ("mean weight 0.900, not 1 (error 0.009): part of the target was never tried",)
    assert twice.warnings == ("mean weight 2.000, not 1 (error 0.000): propensities are too small",)
    heavy = off_policy(reward, one, np.where(np.arange(n) == 3, 1e-3, 1), one, no_overlap=np.arange(n) < 250)
    few, weight, overlap = heavy.warnings
    assert few.startswith("effective sample size 4.0 of 1,000 rows")
    assert weight == "one row has more than 10% of all weight (1000.0)"
    assert overlap.startswith("no overlap in 250 of 1,000 rows (25.0%)")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"propensity": [0.5, 0.0, 1.1, 0.5]}, r"propensity is not in \(0, 1\] in 2 of 4 rows"),
        (
            {"reward": [1, np.nan, 2, 3], "target_probability": [2, 1, 0, 0]},
            "NaN .* in 1 .*; target_prob.* in 1",
        ),
        ({"target_probability": [0, 0, 0, 0]}, "none of 4 rows has the action that the target takes"),
        ({"direct": Direct(np.full(4, np.nan), np.ones(4))}, "direct model says NaN or infinite in 4"),
        ({"action": ["a"]}, "shapes"),
        ({"reward": []}, "shapes"),
    ],
)
def test_what_can_not_be_used_is_refused(change, words):
    given = {"reward": R, "action": A, "propensity": P, "target_probability": T} | change
    with pytest.raises(InputError, match=words):
        off_policy(**given)


def test_the_direct_model_has_not_seen_the_row():
    rng = np.random.default_rng(0)
    n = 4000
    x, action, fold = rng.normal(0, 1, (n, 1)), rng.integers(0, 3, n), np.arange(n) % 5
    reward = 2 * x[:, 0] + np.array([0.0, 1.0, -1.0])[action]
    wanted = np.full(n, 1)
    found = direct_outcomes(reward, action, wanted, x, fold)
    np.testing.assert_allclose(found.logged, reward, atol=0.2)
    np.testing.assert_allclose(found.target, 2 * x[:, 0] + 1, atol=0.2)
    poison = reward + 1e6 * (np.arange(n) == 10)
    moved = direct_outcomes(poison, action, wanted, x, fold).target - found.target
    assert np.abs(moved[fold == 0]).max() == 0
    assert np.abs(moved[fold != 0]).min() > 0
    spread = direct_outcomes(reward, action, np.eye(3)[wanted], x, fold)
    np.testing.assert_allclose(spread.target, found.target)


def test_an_offset_is_shrunk_as_by_twenty_rows():
    """By hand: 20 rows earn 0 and one of another action 21; line 1, offset (21 - 1) / (1 + 20)."""
    reward, action, zero = np.append(np.zeros(20), 21.0), np.append(np.zeros(20, dtype=int), 1), np.zeros(21)
    found = direct_outcomes(reward, action, np.ones(21, dtype=int), zero[:, None], zero)
    np.testing.assert_allclose(found.target, 1 + 20 / 21, rtol=1e-12)


def test_an_action_that_was_never_logged_has_the_common_line():
    rng = np.random.default_rng(0)
    x = rng.normal(0, 1, (100, 1))
    found = direct_outcomes(
        3 * x[:, 0], np.zeros(100, dtype=int), np.ones(100, dtype=int), x, np.arange(100) % 5
    )
    np.testing.assert_allclose(found.target, 3 * x[:, 0], atol=1e-9)


def test_intervals_hold_the_truth_for_policies_near_and_far(monkeypatch):
    script = scripts.load("006_next_best_action/coverage.py", monkeypatch)
    draws = [script.off_policy_draw(2_000, np.random.default_rng([2, n])) for n in range(250)]
    for target in ("near", "best action", "worst action"):
        for name in ("IPS", "SNIPS", "DR"):
            assert 0.93 <= np.mean([one[target][name] for one in draws]) < 1, (target, name)
    assert np.mean([one["worst action"]["effective"] for one in draws]) < 300
    assert np.mean([one["near"]["effective"] for one in draws]) > 1_500


def test_the_study_writes_its_tables(monkeypatch, tmp_path, capsys):
    script = scripts.load("006_next_best_action/coverage.py", monkeypatch)
    monkeypatch.setattr(script, "SIZES", (500,))
    monkeypatch.setattr(script, "EXPERIMENTS", ((100, 50),))
    (tmp_path / "README.md").write_text("a\n<!-- coverage -->\n<!-- end of coverage -->\nb\n")
    for _ in range(2):
        assert script.main(["--draws", "2", "--folder", str(tmp_path)]) == 0
    rows = json.loads((tmp_path / "coverage.json").read_text())
    assert [row.get("target") for row in rows] == ["near", "best action", "worst action", None]
    assert {row["draws"] for row in rows} == {2}
    text = (tmp_path / "README.md").read_text()
    assert text.startswith("a\n<!-- coverage -->\nShare of 2 simulated logs")
    assert text.endswith("<!-- end of coverage -->\nb\n")
    assert "| 500 | worst action |" in text
    assert "off-policy values" in capsys.readouterr().out


def test_a_share_below_the_target_is_bold(monkeypatch):
    script = scripts.load("006_next_best_action/coverage.py", monkeypatch)
    assert script._share(0.92, 1000) == "**0.920** [0.902, 0.935]"
    assert script._share(0.93, 1000).startswith("0.930 [")
    assert script.holds(script.Interval(1, 0, 2), 2)
    assert not script.holds(script.Interval(1, 0, 2), 2.1)
