"""P(alive) over time and by history, expected purchases, and the tracking plot."""

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from plotted_lines import buyer, lines

from crm_ml import clv, plots
from crm_ml.clv.cumulative_purchases import cumulative
from crm_ml.clv.totals import total_purchases
from crm_ml.errors import InputError
from crm_ml.snapshots import Snapshot


def test_the_path_knows_on_each_day_only_what_was_bought_before(shop):
    customer = buyer(shop.summary)
    figure = plots.p_alive_path(shop.purchases, shop.tables, customer, shop.day.as_of, days_ahead=60)
    drawn = lines(figure.axes[0])
    day, alive = drawn["P(alive)"].get_data()
    for at in (40, 200, len(day) - 1):
        known = clv.summarize(shop.tables, pd.Timestamp(day[at]) + timedelta(days=1), "W")
        expected = shop.purchases.probability_alive(known)[customer]
        assert alive[at] == pytest.approx(expected, rel=1e-12)
    assert str(day[-1]) == "2024-08-31"
    ahead, later = drawn["if no purchase comes"].get_data()
    assert len(ahead) == 61
    assert (np.diff(later) < 0).all()
    marks = figure.axes[0].collections[1].get_segments()
    assert len(marks) == shop.summary.loc[customer, "frequency"] + 1


def test_the_band_of_the_path_holds_it_and_is_as_wide_as_the_parameters_are_unsure(shop):
    axes = plots.p_alive_path(shop.purchases, shop.tables, buyer(shop.summary), shop.day.as_of).axes[0]
    x, y = axes.collections[0].get_paths()[0].vertices.T
    _, alive = lines(axes)["P(alive)"].get_data()
    last = y[np.isclose(x, x.max())]
    assert last.min() < alive[-1] < last.max()
    # the same by drawing the parameters
    rng = np.random.default_rng(0)
    theta = rng.multivariate_normal(shop.purchases.theta_, shop.purchases.covariance_, 2000)
    from crm_ml.clv.purchase_histories import Histories

    history = Histories.of(shop.summary.loc[[buyer(shop.summary)]])
    drawn = [float(shop.purchases.alive_with_slopes(each, history)[0][0]) for each in theta]
    assert last.max() - last.min() == pytest.approx(np.ptp(np.quantile(drawn, (0.025, 0.975))), rel=0.3)


def test_matrices_hold_what_the_model_says_of_each_history(shop):
    age = shop.summary["T"].max()
    for draw, of_model in (
        (plots.p_alive_matrix, shop.purchases.probability_alive),
        (lambda *args: plots.purchases_matrix(*args, 12), lambda s: shop.purchases.expected_purchases(s, 12)),
    ):
        axes, bar = draw(shop.purchases, shop.summary).axes
        mesh = axes.collections[0]
        values = mesh.get_array()
        cell = pd.DataFrame({"frequency": [3], "recency": [age], "T": [age]})
        cell.attrs["time_unit"] = "W"
        assert values[-1, 3] == pytest.approx(of_model(cell)[0])
        assert mesh.get_clim()[0] == 0
        assert bar.get_ylabel()
        assert "weeks" in axes.get_ylabel()
        contours = np.vstack([path.vertices for path in axes.collections[1].get_paths()])
        assert contours[:, 0].min() >= 1  # without customers who have no recency


def test_the_tracking_plot_holds_actual_expected_rule_and_interval(shop):
    rng = np.random.default_rng(0)
    figure = plots.cumulative_purchases(shop.tables, shop.day, shop.summary, {"BG": shop.purchases}, rng=rng)
    axes, drawn = figure.axes[0], lines(figure.axes[0])
    course = cumulative(shop.tables, shop.day, shop.summary, {"BG": shop.purchases})
    np.testing.assert_array_equal(drawn["actual"].get_ydata(), course.actual)
    np.testing.assert_array_equal(drawn["BG"].get_ydata(), course.expected["BG"])
    assert course.actual[-1] > np.interp(course.cut, course.times, course.actual)
    rule = drawn["at the past rate"].get_data()
    assert rule[0].tolist() == pytest.approx([course.cut, course.cut + 12])
    assert [text.get_text() for text in axes.texts] == ["fit ends, hold-out begins"]
    total = total_purchases(shop.purchases, shop.summary, shop.day.horizon, np.random.default_rng(0))
    low, high = axes.containers[0].lines[2][0].get_segments()[0][:, 1] - rule[1][0]
    assert (low, high) == pytest.approx((total.prediction_low, total.prediction_high))


def ahead(shop, days):
    customer = buyer(shop.summary)
    return plots.p_alive_path(shop.purchases, shop.tables, customer, shop.day.as_of, days_ahead=days)


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (
            lambda s: plots.p_alive_path(s.purchases, s.tables, "nobody", s.day.as_of),
            "'nobody' has no purchase before 2024-09-01",
        ),
        (
            lambda s: plots.p_alive_path(
                clv.BetaGeo().fit(pd.DataFrame(s.summary.to_dict())), s.tables, buyer(s.summary), s.day.as_of
            ),
            "no unit of time",
        ),
        (lambda s: plots.p_alive_matrix(clv.BetaGeo(), s.summary), "not fitted"),
        (lambda s: plots.p_alive_matrix(s.purchases, s.summary.drop(columns="T")), "T is missing"),
        (lambda s: plots.purchases_matrix(s.purchases, s.summary, -1), "horizon is -1"),
        (lambda s: ahead(s, 1.5), "days_ahead is 1.5; it must be a whole number of days"),
        (lambda s: ahead(s, -300), "days_ahead is -300; it must be a whole number of days"),
        (
            lambda s: plots.cumulative_purchases(
                s.tables, Snapshot("2024-12-01", timedelta(weeks=9)), s.summary, s.purchases
            ),
            "but the data end on",
        ),
    ],
)
def test_what_can_not_be_drawn_is_refused(draw, message, shop):
    with pytest.raises(InputError, match=message):
        draw(shop)


def test_summaries_of_a_calibration_period_of_lifetimes_are_drawn_alike(shop):
    theirs = shop.summary.rename(columns=lambda name: f"{name}_cal")
    theirs.attrs["time_unit"] = "W"
    model = shop.purchases
    for draw in (lambda s: plots.p_alive_matrix(model, s), lambda s: plots.purchases_matrix(model, s, 12)):
        wanted, drawn = (draw(each).axes[0].collections[0].get_array() for each in (shop.summary, theirs))
        np.testing.assert_array_equal(drawn, wanted)
    ours, again = (
        lines(plots.cumulative_purchases(shop.tables, shop.day, each, model).axes[0])
        for each in (shop.summary, theirs)
    )
    for name in ("actual", "BetaGeo", "at the past rate"):
        np.testing.assert_array_equal(again[name].get_ydata(), ours[name].get_ydata())
