"""Deciles, purchases by frequency, and the distribution of lifetime values."""

import numpy as np
import pandas as pd
import pytest
from plotted_lines import lines

from crm_ml import plots
from crm_ml.clv.totals import Total
from crm_ml.errors import InputError
from crm_ml.evaluation import ValuePredictions


def customers():
    rng = np.random.default_rng(0)
    rate = rng.gamma(0.7, 2, 1003)
    return rng.poisson(rate), rng.poisson(rate), rate


@pytest.fixture
def predictions():
    frequency, y, rate = customers()
    return ValuePredictions(
        np.arange(1003), ["f"] * 1003, y, {"count": frequency, "rate": rate, "flat": np.ones(1003)}
    )


def test_frequency_groups_hold_their_means_intervals_and_sizes():
    frequency, y, rate = customers()
    models = {"rate": rate, "count": frequency}
    axes = plots.purchases_by_frequency(frequency, y, models, horizon="39 weeks").axes[0]
    np.testing.assert_array_equal(lines(axes)["rate"].get_xdata(), range(8))
    assert lines(axes)["rate"].get_ydata()[2] == pytest.approx(rate[frequency == 2].mean())
    assert lines(axes)["count"].get_ydata()[:7].tolist() == list(range(7))
    assert lines(axes)["count"].get_ydata()[7] == pytest.approx(frequency[frequency >= 7].mean())
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
    axes = plots.purchases_by_frequency([0, 0, 3], [1, 2, 4], {"m": [1, 1, 1]}, horizon="30 days").axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0\n2", "3\n1"]
    low, high = axes.containers[0].lines[2][0].get_segments()[1][:, 1]
    assert low == high == 4


def test_deciles_hold_their_means_highest_first_and_the_gains_beside(predictions):
    bars, share = plots.deciles(predictions, unit="purchases", model="rate").axes
    order = np.argsort(-predictions.p["rate"], kind="stable")
    actual = [bar.get_height() for bar in bars.patches]
    assert len(actual) == 10
    assert actual[0] == pytest.approx(predictions.y[order[:101]].mean())
    assert actual[9] == pytest.approx(predictions.y[order[-100:]].mean())
    predicted = lines(bars)["predicted by rate"].get_ydata()
    assert predicted[0] == pytest.approx(predictions.p["rate"][order[:101]].mean())
    assert set(lines(share)) == {"count", "rate", "flat", "at random"}
    taken, found = lines(share)["rate"].get_data()
    assert (taken[101], found[101]) == pytest.approx(
        (100 * 101 / 1003, 100 * predictions.y[order[:101]].sum() / predictions.y.sum())
    )


def test_deciles_do_not_depend_on_the_order_of_tied_rows(predictions):
    backwards = predictions.where(np.arange(1003)[::-1])
    heights = [
        [bar.get_height() for bar in plots.deciles(rows, unit="purchases", model="count").axes[0].patches]
        for rows in (predictions, backwards)
    ]
    np.testing.assert_allclose(*heights, rtol=1e-12)


def test_money_below_one_in_all_is_found_to_the_last_cent():
    share = plots.deciles(np.arange(10) / 100, np.arange(10), unit="dollars").axes[1]
    assert lines(share)["model"].get_ydata()[-1] == pytest.approx(100)


def test_the_distribution_counts_every_customer_and_names_total_share_and_interval():
    each = np.append(np.full(90, 1.0), np.full(10, 91.0))
    total = Total(1000, 900, 1100, 850, 1210)
    values = pd.DataFrame({"clv": np.append(each, np.zeros(5))})
    axes = plots.clv_distribution(values, unit="EUR in a year", total=total).axes[0]
    assert sum(bar.get_height() for bar in axes.patches) == 100
    assert "105 customers, 5 of them 0" in axes.get_title("left")
    assert "EUR in a year" in axes.get_xlabel()
    text = axes.get_legend().get_texts()[-1].get_text()
    assert text == "total 1,000\n95 % of what will come: 850 to 1,210\nthe best tenth holds 91%"
    drawn = lines(axes)
    assert drawn["mean 9.52"].get_xdata()[0] == pytest.approx(1000 / 105)
    tiny = plots.clv_distribution(np.append(each, 1e-6), unit="EUR").axes[0]
    assert sum(bar.get_height() for bar in tiny.patches) == 101  # the first bar holds all below
    assert tiny.patches[0].get_x() == pytest.approx(1.0)
    alike = plots.clv_distribution(np.full(3, 2.0), unit="EUR").axes[0]
    assert sum(bar.get_height() for bar in alike.patches) == 3


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda _: plots.purchases_by_frequency([0, 1.5], [1, 2], [1, 1], horizon="w"), "whole numbers"),
        (lambda _: plots.purchases_by_frequency([0, 1], [1, 2], {}, horizon="w"), "needs a model"),
        (lambda _: plots.purchases_by_frequency([0, 1], [1, 2], [1], horizon="w"), "equal length"),
        (lambda p: plots.deciles(p, unit="w", model="x"), "no predictions of x"),
        (lambda p: plots.deciles(p.where(np.arange(1003) < 9), unit="w"), "above zero, not 9 with"),
        (lambda p: plots.deciles(p.where(p.y == 0), unit="w"), "not 505 with sum 0"),
        (lambda _: plots.clv_distribution(pd.DataFrame({"value": [1]}), unit="w"), "no column clv but value"),
        (lambda _: plots.clv_distribution([1, -1], unit="w"), "negative in 1 of 2"),
        (lambda _: plots.clv_distribution([0, 0], unit="w"), "0 for all of 2 customers"),
    ],
)
def test_what_can_not_be_drawn_is_refused(draw, message, predictions):
    with pytest.raises(InputError, match=message):
        draw(predictions)
