"""Gains, lift, calibration and segments hold the numbers that they name."""

import numpy as np
import pandas as pd
import pytest
from plotted_lines import lines

from crm_ml import plots
from crm_ml.errors import InputError
from crm_ml.evaluation import Predictions, ValuePredictions
from crm_ml.evaluation.calibration_check import check_calibration
from crm_ml.evaluation.metric_segments import by_segment


def test_calibration_bins_hold_equal_mass_and_true_shares(scored):
    line = plots.calibration(scored).axes[0].containers[0].lines[0]
    predicted, true = line.get_data()
    order = np.argsort(scored.p["model"], kind="stable")[:150]
    assert len(predicted) == 10
    assert predicted[0] == pytest.approx(scored.p["model"][order].mean())
    assert true[0] == pytest.approx(scored.y[order].mean())


def test_the_guard_tells_a_calibrated_model_from_one_of_half_the_probability(scored):
    halved = Predictions(scored.customer_id, scored.fold, scored.y, {"half": scored.p["model"] / 2})
    texts = {name: plots.calibration(*given).axes[0].texts[0].get_text() for name, given in
             {"right": (scored,), "half": (halved,)}.items()}  # fmt: skip
    assert "no error is shown" in texts["right"]
    check = check_calibration(halved, "half", np.random.default_rng(0))
    assert f"ECE {check.ece:.3f}; a calibrated model has {check.expected:.3f}" in texts["half"]
    assert f"at least {check.least:.3f} is shown" in texts["half"]


def test_arrays_and_predictions_give_the_same_lines(scored):
    given = plots.gains(scored.y, scored.p).axes[0], plots.gains(scored).axes[0]
    for name in ("rule", "model", "flat"):
        first, second = (lines(axes)[name].get_xydata() for axes in given)
        np.testing.assert_array_equal(first, second)


def test_gains_end_at_all_and_ties_are_taken_together(scored):
    gains, lift = plots.gains_and_lift(scored).axes
    assert set(lines(gains)) == {"rule", "model", "flat", "at random"}
    np.testing.assert_allclose(lines(gains)["flat"].get_xydata(), [[0, 0], [100, 100]])
    area = {name: np.trapezoid(line.get_ydata(), line.get_xdata()) for name, line in lines(gains).items()}
    assert area["model"] > area["at random"] == pytest.approx(area["flat"])
    taken, gained = lines(gains)["model"].get_data()
    best = np.argsort(-scored.p["model"], kind="stable")[:300]
    assert (taken[300], gained[300]) == pytest.approx((20, 100 * scored.y[best].sum() / scored.y.sum()))
    share, times = lines(lift)["model"].get_data()
    assert share[0] >= 1
    assert times[np.searchsorted(share, 20)] == pytest.approx(gained[300] / 20)
    assert times[-1] == pytest.approx(1)


def test_the_band_holds_the_curve_and_narrows_with_more_customers(scored):
    def width(rows):
        part = scored.where(np.arange(1500) < rows)
        axes = plots.gains(part).axes[0]
        x, y = axes.collections[0].get_paths()[0].vertices.T
        at_20 = y[np.isclose(x, 20)]
        return at_20.min(), at_20.max(), lines(axes)["model"].get_ydata()[rows // 5]

    low, high, curve = width(1500)
    assert low < curve < high
    few_low, few_high, _ = width(150)
    assert few_high - few_low > 2 * (high - low)


def test_rows_of_a_customer_are_drawn_together(scored):
    def width(ids):
        x, y = (
            plots.gains(scored.y, scored.p, customer_id=ids).axes[0].collections[0].get_paths()[0].vertices.T
        )
        return np.ptp(y[np.isclose(x, 20)])

    again = np.repeat(np.arange(15), 100)
    assert width(again) != pytest.approx(width(np.arange(1500)), rel=0.02)


def test_scores_of_any_scale_order_labels_and_money_is_value(scored):
    logits = np.log(scored.p["model"] / (1 - scored.p["model"]))
    of_logits = lines(plots.gains(scored.y, logits).axes[0])["model"].get_xydata()
    np.testing.assert_allclose(of_logits, lines(plots.gains(scored).axes[0])["model"].get_xydata())
    assert "value found" in plots.gains([0, 12.5, 3], [1, 9, 2]).axes[0].get_ylabel()


def test_segments_have_a_row_each_and_small_ones_are_pale(scored):
    segment = np.where(np.arange(1500) < 40, "tiny", "large")
    table = by_segment(scored, segment, "model", np.random.default_rng(0), ["auc"], 50)
    figure = plots.segments(table, "auc", overall=0.7)
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert [name.split()[0] for name in names] == ["tiny", "large"]
    assert {line.get_alpha() for line in figure.axes[0].get_lines()} == {0.35, 1.0, None}
    with pytest.raises(InputError, match="segments: no column metric, value, low"):
        plots.segments(pd.DataFrame({"segment": ["a"]}))
    with pytest.raises(InputError, match="no row of 'ece'; there are auc"):
        plots.segments(table, "ece")


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda s: plots.gains(s, model="x"), "no predictions of x; there are rule, model, flat"),
        (lambda s: plots.lift(s.where(s.y == 0)), "no outcome above zero in 1,"),
        (lambda _: plots.gains([1, 0]), "give y and p"),
        (lambda _: plots.gains([1, 0], [0.5]), "equal length"),
        (lambda _: plots.gains([1, 0], [0.5, np.nan]), "NaN or infinite in 1 of 2"),
        (lambda _: plots.calibration([1, 0], [0.5, 2]), r"outside \[0, 1\] in 1 of 2"),
        (lambda _: plots.calibration([1, 3], [0.5, 0.2]), "neither 0 nor 1 in 1 of 2"),
        (
            lambda _: plots.calibration(ValuePredictions(["a"], ["f"], [2], {"m": [1]})),
            "needs Predictions, not ValuePredictions",
        ),
    ],
)
def test_what_can_not_be_drawn_is_refused(draw, message, scored):
    with pytest.raises(InputError, match=message):
        draw(scored)
