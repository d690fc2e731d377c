"""Qini curves beside their controls, coverage and exposure."""

import numpy as np
import pandas as pd
import pytest
from plotted_lines import lines

from crm_ml import plots
from crm_ml.errors import InputError
from crm_ml.evaluation.uplift_curves import qini_curve
from crm_ml.evaluation.uplift_predictions import UpliftPredictions, random_order


def trial():
    rng = np.random.default_rng(0)
    arm, effect = rng.integers(0, 2, 1200), rng.random(1200)
    return (rng.random(1200) < 0.2 + 0.3 * arm * effect).astype(float), effect, arm


def test_the_qini_plot_has_both_controls_and_the_curves_of_the_evaluation():
    y, effect, arm = trial()
    axes = plots.qini(y, {"model": effect, "response": -effect}, arm).axes[0]
    assert set(lines(axes)) == {"model", "response", "random", "straight line"}
    for name, score in {
        "model": effect,
        "response": -effect,
        "random": random_order(np.arange(1200)),
    }.items():
        _, curve = qini_curve(y, score, arm)
        np.testing.assert_allclose(lines(axes)[name].get_ydata(), curve[0])
    assert lines(axes)["straight line"].get_ydata()[1] == pytest.approx(
        y[arm == 1].mean() - y[arm == 0].mean()
    )
    x, band = axes.collections[0].get_paths()[0].vertices.T
    at_half = band[np.isclose(x, 0.5)]
    assert at_half.min() < lines(axes)["model"].get_ydata()[50] < at_half.max()


def test_the_band_is_of_the_first_model_that_is_no_control():
    y, effect, arm = trial()
    named = plots.qini(y, {"response": -effect, "t_learner": effect}, arm).axes[0]
    assert named.collections[0].get_label() == "t_learner, 95 % band"


def lists():
    several = {"customer_id": ["a", "a", "b", "b"], "rank": [1, 2, 1, 2]}
    return {
        "model": pd.DataFrame(several | {"item_id": ["x", "y", "x", "z"]}),
        "popularity": pd.DataFrame(several | {"item_id": ["x", "y", "x", "y"]}),
    }


def ranked(first):
    return lists()["model"].assign(rank=[first, 2, 1, 2])


def of_trial(y, effect, arm):
    ids = np.arange(len(y))
    scores = {"model": effect, "response": -effect, "random": random_order(ids)}
    return UpliftPredictions(ids, ["f"] * len(y), y, scores, arm)


def test_coverage_counts_items_by_length_beside_lists_at_random():
    drawn = lines(plots.coverage(lists(), list("vwxyz")).axes[0])
    assert drawn["model"].get_ydata().tolist() == pytest.approx([20, 60])
    assert drawn["popularity"].get_ydata().tolist() == pytest.approx([20, 40])
    assert drawn["at random"].get_ydata()[1] == pytest.approx(100 * (1 - (3 / 5) ** 2))


def test_the_lorenz_curve_ends_at_all_and_names_its_gini():
    drawn = lines(plots.exposure(lists(), list("vwxyz")).axes[0])
    assert drawn["model, Gini 0.50"].get_ydata().tolist() == pytest.approx([0, 0, 0, 25, 50, 100])
    even = pd.DataFrame({"customer_id": ["a", "b"], "rank": [1, 1], "item_id": ["x", "y"]})
    assert "model, Gini 0.00" in lines(plots.exposure(even, ["x", "y"]).axes[0])


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda y, e, t: plots.qini(y, {"model": e}, t), "lack the controls response"),
        (lambda y, e, _: plots.qini(y, {"model": e, "response": e}), "treatment="),
        (lambda y, e, t: plots.qini(y, {"model": e, "response": e}, t + 1), "neither 0 nor 1"),
        (lambda *_: plots.coverage(lists()["model"].drop(columns="rank"), ["x"]), "model: no column rank"),
        (lambda *_: plots.exposure(lists()["model"].iloc[:0], ["x"]), "model: no row"),
        (lambda *_: plots.exposure(lists(), ["x", "y"]), "model: 1 of 4 rows have items"),
        (lambda *_: plots.exposure(lists(), list("xyzx")), "items: 1 of 4 repeat an id"),
        (lambda *_: plots.coverage(ranked(0), list("xyz")), "rank is no whole number from 1 on in 1 of 4"),
        (lambda *_: plots.coverage(ranked(1.5), list("xyz")), "rank is no whole number from 1 on in 1 of 4"),
        (lambda y, *_: plots.policies(pd.DataFrame({"policy": y}), "EUR"), "policies: no column treated, "),
        (lambda y, *_: plots.uplift_deciles(pd.DataFrame({"rows": y})), "uplift_deciles: no column tenth"),
        (lambda y, e, t: plots.qini(of_trial(y, e, t), treatment=t), "which holds treatment; leave them out"),
        (lambda y, e, t: plots.gains(of_trial(y, e, t), e, customer_id=t), "which holds p, customer_id; "),
        (lambda y, e, t: plots.calibration(of_trial(y, e, t)), "needs Predictions, not UpliftPredictions"),
    ],
)  # fmt: skip
def test_what_can_not_be_drawn_is_refused(draw, message):
    with pytest.raises(InputError, match=message):
        draw(*trial())
