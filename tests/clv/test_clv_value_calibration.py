"""The tilt recovers what is known and refuses what it can't mend; the rule of selection, case by case."""

import math
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from soak import examples

from crm_ml.clv import model_selection
from crm_ml.clv.observed_outcomes import Outcomes
from crm_ml.clv.validation_windows import ValidationWindow
from crm_ml.clv.value_calibration import LARGEST_POWER, LEAST_POWER, NO_TILT, Tilt, fit_tilt
from crm_ml.errors import CalibrationRefused, InputError
from crm_ml.evaluation.significance import evaluate
from crm_ml.snapshots import Snapshot

SPREAD = np.random.default_rng(0).gamma(0.7, 20.0, 3_000)


@pytest.mark.parametrize(("power", "level"), [(0.5, 0.8), (0.9, 1.0), (1.3, 2.5)])
def test_a_known_power_and_total_are_recovered(power, level):
    came = level * SPREAD**power
    came *= level * SPREAD.sum() / came.sum()
    found = fit_tilt([(SPREAD, came), (SPREAD, came), (SPREAD, came)])
    assert found.power == pytest.approx(power, abs=1e-6)
    assert found.total == pytest.approx(level)  # all windows agree: nothing is shrunk
    np.testing.assert_allclose(found.apply(SPREAD), came, rtol=1e-5)


def test_the_power_is_found_through_the_noise_of_purchases():
    draw = np.random.default_rng(1)
    windows = [(SPREAD, draw.poisson(2 * SPREAD**0.7)) for _ in range(3)]
    assert fit_tilt(windows).power == pytest.approx(0.7, abs=0.02)


@pytest.mark.parametrize(
    ("totals", "wanted"),
    [
        ([1.5], math.exp(math.log(1.5) / 2)),  # one window alone counts half
        ([1.5, 1.5], 1.5),
        ([1.2, 1 / 1.2], 1.0),
        ([1.0, 1.0], 1.0),
        # logs 0.2 and 0.4: mean 0.3, variance 0.02, so 0.3 * 0.09 / 0.11
        ([math.exp(0.2), math.exp(0.4)], math.exp(0.3 * 0.09 / 0.11)),
    ],
)
def test_the_total_is_shrunk_by_how_far_the_windows_differ(totals, wanted):
    assert fit_tilt([(SPREAD, total * SPREAD) for total in totals]).total == pytest.approx(wanted)


def test_the_sum_becomes_the_total_and_a_scale_that_is_given_is_kept():
    tilt = Tilt(0.6, 1.3)
    assert tilt.apply(SPREAD).sum() == pytest.approx(1.3 * SPREAD.sum())
    np.testing.assert_array_equal(tilt.apply(SPREAD[:7], tilt.scale_for(SPREAD)), tilt.apply(SPREAD)[:7])
    np.testing.assert_array_equal(NO_TILT.apply(SPREAD), SPREAD)
    assert Tilt(0.6).apply(np.array([0.0, 2.0, 4.0]))[0] == 0


@examples(20)
@given(st.floats(0.4, 1.4), st.floats(0.1, 9), st.sampled_from([0.01, 100.0, 12_345.6]))
def test_in_other_money_the_same_tilt_gives_the_same_values_in_it(power, level, rate):
    came = level * SPREAD[:300] ** power
    one, other = fit_tilt([(SPREAD[:300], came)]), fit_tilt([(SPREAD[:300] * rate, came * rate)])
    assert other.power == pytest.approx(one.power, abs=1e-6)
    assert other.total == pytest.approx(one.total)
    np.testing.assert_allclose(other.apply(SPREAD * rate), rate * one.apply(SPREAD), rtol=1e-5)


def test_zeros_of_predictions_and_outcomes_are_no_obstacle():
    p, came = np.append(SPREAD, [0.0] * 50), np.append(SPREAD**0.8, [0.0] * 50)
    came[::3] = 0
    found = fit_tilt([(p, came)])
    assert math.isfinite(found.power)
    assert math.isfinite(found.total)
    assert (found.apply(p)[-50:] == 0).all()


def test_predictions_that_do_not_rank_are_refused():
    draw = np.random.default_rng(2)
    for came in (draw.permutation(SPREAD), 1 / (1 + SPREAD), SPREAD**1.8, SPREAD**0.2):
        with pytest.raises(CalibrationRefused, match=rf"at the edge of \[{LEAST_POWER}, {LARGEST_POWER}\]"):
            fit_tilt([(SPREAD, came)])


@pytest.mark.parametrize(
    ("windows", "words"),
    [
        ([], "no window to calibrate on"),
        ([([1.0, 2.0], [1.0])], r"predictions \(2,\) and outcomes \(1,\)"),
        ([([1.0, np.nan], [1.0, 1.0])], "must be equal and finite"),
        ([([1.0, 2.0], [1.0, np.inf])], "must be equal and finite"),
        ([([1.0, -2.0], [1.0, 1.0])], "must not be negative"),
        ([([1.0, 2.0], [0.0, 0.0])], "some prediction and outcome above zero"),
        ([([0.0, 0.0], [1.0, 0.0])], "some prediction and outcome above zero"),
        ([([], [])], "some prediction and outcome above zero"),
    ],
)
def test_unusable_windows_are_named(windows, words):
    with pytest.raises(InputError, match=words):
        fit_tilt(windows)


def window(came, week):
    """A window of customers who paid what is given."""
    names = pd.Index([f"c{number}" for number in range(len(came))])
    known = pd.DataFrame({"purchases": 1, "value": came}, index=names)
    snapshot = Snapshot(date(2024, 1, 1) + timedelta(weeks=week), timedelta(weeks=1))
    return ValidationWindow(snapshot, pd.DataFrame(index=names), Outcomes(known, 0, 0, 0.0))


def noisy(sizes, seed=0, customers=400):
    """Windows whose customers pay about as much as a model says, and what models of some error say."""
    draw = np.random.default_rng(seed)
    truth = [draw.gamma(0.6, 30, customers) for _ in range(2)]
    windows = [window(value * draw.gamma(2, 0.5, customers), week) for week, value in enumerate(truth)]
    said = {
        name: [value * np.exp(draw.normal(0, size, customers)) for value in truth]
        for name, size in sizes.items()
    }
    return said, windows


def chosen(said, windows, base=None):
    draw = np.random.default_rng(0)
    base = base or model_selection.best_candidate(
        {name: values for name, values in said.items() if name != model_selection.CHALLENGER},
        windows,
        draw,
        200,
    )
    return model_selection.choose(model_selection.judge(said, windows, draw, 200), base)


def test_the_candidate_of_highest_gini_is_taken_and_the_first_of_equals():
    said, windows = noisy({"far": 1.5, "near": 0.1, "middle": 0.7})
    assert chosen(said, windows).base == "near"
    twins = {"one": said["near"], "two": said["near"], "far": said["far"]}
    assert chosen(twins, windows).base == "one"
    assert chosen(dict(reversed(twins.items())), windows).base == "two"
    judged = evaluate(
        model_selection.predictions(said, windows), np.random.default_rng(0), ("normalised_gini",), 200
    )
    told = judged.interval("near", "normalised_gini", "folds").value
    assert f"near: Gini {told:.4f} [" in chosen(said, windows).reason


def test_the_challenger_wins_only_when_it_is_clearly_better():
    said, windows = noisy({"base": 0.8, model_selection.CHALLENGER: 0.1})
    found = chosen(said, windows)
    assert (found.base, found.challenger) == ("base", True)
    said, windows = noisy({"base": 0.4, model_selection.CHALLENGER: 0.38}, seed=6)
    judged = model_selection.judge(said, windows, np.random.default_rng(0), 200)
    paired = judged.difference(model_selection.CHALLENGER, "base", "normalised_gini", "folds")
    assert paired.value > 0 > paired.low
    found = model_selection.choose(judged, "base")
    assert (found.base, found.challenger) == ("base", False)
    assert f"challenger {paired} from it" in found.reason


def test_the_challenger_must_not_pay_for_the_order_with_a_larger_error():
    said, windows = noisy({"base": 0.8, model_selection.CHALLENGER: 0.1})
    loud = said | {model_selection.CHALLENGER: [4 * value for value in said[model_selection.CHALLENGER]]}
    judged = model_selection.judge(loud, windows, np.random.default_rng(0), 200)
    assert judged.difference(model_selection.CHALLENGER, "base", "normalised_gini", "folds").low > 0
    assert not model_selection.choose(judged, "base").challenger


def test_a_tilt_is_taken_only_where_it_lowers_the_error():
    said, windows = noisy({"base": 0.1})
    wide = {"base": [0.5 * value**1.35 for value in said["base"]]}
    found = chosen(wide, windows)
    assert found.tilted
    assert "the tilt changes RMSE by -" in found.reason
    tilt = model_selection.tilt_of(wide["base"], windows)
    assert tilt.power == pytest.approx(1 / 1.35, abs=0.1)
    other = [windows[0], window(windows[1].outcomes.known["value"].to_numpy() * 4, 1)]
    assert not chosen({"base": [said["base"][0], said["base"][1] * 4]}, other).tilted


def test_each_window_is_tilted_by_the_others():
    said, windows = noisy({"base": 0.2})
    judged = model_selection.judge(said, windows, np.random.default_rng(0), 100)
    pairs = [
        (p, one.outcomes.known["value"].to_numpy()) for p, one in zip(said["base"], windows, strict=True)
    ]
    swapped = [fit_tilt([pairs[1]]).apply(pairs[0][0]), fit_tilt([pairs[0]]).apply(pairs[1][0])]
    wanted = np.mean([np.sqrt(np.mean((p - y) ** 2)) for p, (_, y) in zip(swapped, pairs, strict=True)])
    assert judged.interval(model_selection.tilted("base"), "rmse", "folds").value == pytest.approx(wanted)


@pytest.mark.parametrize("case", ["one window", "a tilt that is refused"])
def test_no_tilt_where_none_can_be_learned(case):
    said, windows = noisy({"base": 0.2})
    if case == "one window":
        said, windows = {"base": said["base"][:1]}, windows[:1]
    else:
        said = {"base": [said["base"][0], said["base"][1][::-1]]}
    judged = model_selection.judge(said, windows, np.random.default_rng(0), 100)
    assert judged.models == ("base",)
    found = model_selection.choose(judged, "base")
    assert not found.tilted
    assert "tilt" not in found.reason
