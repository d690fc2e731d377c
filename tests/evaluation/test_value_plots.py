"""Figures of value hold the numbers they name, label their axes and leave global state alone."""

import io
import sys

import numpy as np
import pytest

from crm_ml.errors import InputError
from crm_ml.evaluation.value_plots import alive_heat_map, cumulative_plot, decile_plot, frequency_plot
from crm_ml.evaluation.value_predictions import ValuePredictions


def _customers():
    rng = np.random.default_rng(0)
    rate = rng.gamma(0.7, 2, 1003)
    return rng.poisson(rate), rng.poisson(rate), rate


@pytest.fixture
def predictions():
    frequency, y, rate = _customers()
    return ValuePredictions(
        np.arange(1003), ["f"] * 1003, y, {"count": frequency, "rate": rate, "flat": np.ones(1003)}
    )


def _frequency():
    frequency, y, rate = _customers()
    return frequency_plot(frequency, y, {"rate": rate, "count": frequency}, "39 weeks")


def _cumulative():
    return cumulative_plot(
        [1, 2, 3, 4], [10, 18, 24, 29], {"m": [9, 18, 27, 36], "n": [1, 2, 3, 4]}, 2, "weeks"
    )


def _alive():
    frequency, recency = np.arange(8), np.linspace(0, 30, 12)
    alive = np.exp(-frequency[None, :] * (30 - recency[:, None]) / 90)
    return alive_heat_map(frequency, recency, alive, "weeks", 30)


def _decile():
    frequency, y, rate = _customers()
    models = {"rate": rate, "count": frequency}
    return decile_plot(
        ValuePredictions(np.arange(1003), ["f"] * 1003, y, models), "rate", "purchases in 39 weeks"
    )


@pytest.mark.parametrize("draw", [_frequency, _cumulative, _alive, _decile])
def test_figures_render_with_labelled_axes_and_leave_pyplot_alone(draw):
    before = "matplotlib.pyplot" in sys.modules
    figure = draw()
    file = io.BytesIO()
    figure.savefig(file, format="png")
    assert len(file.getvalue()) > 10_000
    assert all(axes.get_xlabel() and axes.get_ylabel() and axes.get_title("left") for axes in figure.axes[:1])
    assert all(axes.get_ylabel() for axes in figure.axes)
    assert ("matplotlib.pyplot" in sys.modules) == before


def _lines(axes):
    return {line.get_label(): line for line in axes.get_lines()}


def test_frequency_groups_hold_their_means_intervals_and_sizes():
    frequency, y, rate = _customers()
    axes = _frequency().axes[0]
    lines = _lines(axes)
    np.testing.assert_array_equal(lines["rate"].get_xdata(), range(8))
    assert lines["rate"].get_ydata()[2] == pytest.approx(rate[frequency == 2].mean())
    assert lines["count"].get_ydata()[:7].tolist() == list(range(7))
    assert lines["count"].get_ydata()[7] == pytest.approx(frequency[frequency >= 7].mean())
    bars = axes.containers[0]
    assert bars.lines[0].get_ydata()[7] == pytest.approx(y[frequency >= 7].mean())
    low, high = bars.lines[2][0].get_segments()[3][:, 1]
    inside = y[frequency == 3]
    margin = 1.96 * inside.std() / np.sqrt(len(inside))
    assert (low, high) == pytest.approx((inside.mean() - margin, inside.mean() + margin), abs=0.1 * margin)
    names = [label.get_text().split("\n") for label in axes.get_xticklabels()]
    assert [name for name, _ in names] == ["0", "1", "2", "3", "4", "5", "6", "7+"]
    assert [int(count) for _, count in names] == np.bincount(np.minimum(frequency, 7)).tolist()
    assert "39 weeks" in axes.get_ylabel()


def test_frequency_groups_without_customers_are_left_out_and_single_ones_have_no_bar():
    axes = frequency_plot([0, 0, 3], [1, 2, 4], {"m": [1, 1, 1]}, "30 days").axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0\n2", "3\n1"]
    low, high = axes.containers[0].lines[2][0].get_segments()[1][:, 1]
    assert low == high == 4


def test_cumulative_lines_hold_what_was_given_and_the_cut_is_named():
    axes = _cumulative().axes[0]
    lines = _lines(axes)
    assert lines["actual"].get_xydata().tolist() == [[1, 10], [2, 18], [3, 24], [4, 29]]
    assert lines["m"].get_ydata().tolist() == [9, 18, 27, 36]
    assert lines["actual"].get_linewidth() > lines["m"].get_linewidth()
    assert [text.get_text() for text in axes.texts] == ["fit ends"]
    assert axes.get_lines()[-1].get_xdata() == [2, 2]
    assert "weeks" in axes.get_xlabel()


def test_the_heat_map_has_a_scale_from_0_to_1_and_labelled_contours():
    figure = _alive()
    axes, bar = figure.axes
    mesh = axes.collections[0]
    assert mesh.get_clim() == (0, 1)
    assert mesh.get_array().shape == (12, 8)
    assert mesh.get_array()[-1, 0] == 1
    assert "T = 30 weeks" in axes.get_title("left")
    labels = {text.get_text() for text in axes.texts}
    assert {"0.5", "0.75"} <= labels <= {"0.1", "0.25", "0.5", "0.75", "0.9"}
    assert "alive" in bar.get_ylabel()
    drawn = np.vstack([path.vertices for path in axes.collections[1].get_paths()])
    assert drawn[:, 0].min() == 1


def test_a_heat_map_of_one_value_or_with_gaps_is_drawn_without_a_warning():
    flat = alive_heat_map([0, 1, 2], [0, 5], np.full((2, 3), 0.4), "days", 5)
    assert not flat.axes[0].texts
    gaps = alive_heat_map([0, 1, 2], [0, 5], [[1, 0.2, 0.1], [np.nan, 0.8, 0.9]], "days", 5)
    assert np.ma.count_masked(gaps.axes[0].collections[0].get_array()) == 1


def test_tenths_hold_their_means_highest_first(predictions):
    bars, share = decile_plot(predictions, "rate", "purchases").axes
    order = np.argsort(-predictions.p["rate"], kind="stable")
    actual = [bar.get_height() for bar in bars.patches]
    assert len(actual) == 10
    assert actual[0] == pytest.approx(predictions.y[order[:101]].mean())
    assert actual[9] == pytest.approx(predictions.y[order[-100:]].mean())
    said = _lines(bars)["predicted by rate"].get_ydata()
    assert said[0] == pytest.approx(predictions.p["rate"][order[:101]].mean())
    lines = _lines(share)
    assert set(lines) == {"count", "rate", "flat", "at random"}
    taken, found = lines["rate"].get_data()
    assert (taken[101], found[101]) == pytest.approx(
        (100 * 101 / 1003, 100 * predictions.y[order[:101]].sum() / predictions.y.sum())
    )
    np.testing.assert_allclose(lines["flat"].get_xydata(), [[0, 0], [100, 100]])
    assert lines["rate"].get_linewidth() > lines["count"].get_linewidth()


def test_tenths_do_not_depend_on_the_order_of_tied_rows(predictions):
    backwards = predictions.where(np.arange(1003)[::-1])
    heights = [
        [bar.get_height() for bar in decile_plot(one, "count", "purchases").axes[0].patches]
        for one in (predictions, backwards)
    ]
    np.testing.assert_allclose(*heights, rtol=1e-12)


def test_money_below_one_in_all_is_found_to_the_last_cent():
    money = ValuePredictions(np.arange(10), ["f"] * 10, np.arange(10) / 100, {"m": np.arange(10)})
    share = decile_plot(money, "m", "dollars").axes[1]
    assert _lines(share)["m"].get_ydata()[-1] == pytest.approx(100)


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda _: frequency_plot([0, 1.5], [1, 2], {"m": [1, 1]}, "w"), "whole numbers"),
        (lambda _: frequency_plot([0, 1], [1, 2], {}, "w"), "needs a model"),
        (lambda _: frequency_plot([0, 1], [1, 2], {"m": [1]}, "w"), "equal length"),
        (lambda _: cumulative_plot([2, 1], [1, 2], {}, 1, "w"), "times must ascend"),
        (lambda _: cumulative_plot([1, 2], [1, 2], {"m": [1, -2]}, 1, "w"), "negative in 1 of 2"),
        (
            lambda _: alive_heat_map([0, 1], [0, 1, 2], np.ones((2, 3)), "w", 1),
            r"shape \(2, 3\).*3 recencies",
        ),
        (lambda _: alive_heat_map([1, 0], [0, 1], np.ones((2, 2)), "w", 1), "must ascend"),
        (
            lambda _: alive_heat_map([0, 1], [0, 1], np.full((2, 2), 2), "w", 1),
            r"p_alive is outside \[0, 1\]",
        ),
        (lambda given: decile_plot(given, "x", "w"), "no predictions of x"),
        (lambda given: decile_plot(given.where(np.arange(1003) < 9), "rate", "w"), "above zero, not 9 with"),
        (lambda given: decile_plot(given.where(given.y == 0), "rate", "w"), "not 505 with sum 0"),
    ],
)
def test_what_can_not_be_drawn_is_refused(draw, message, predictions):
    with pytest.raises(InputError, match=message):
        draw(predictions)
