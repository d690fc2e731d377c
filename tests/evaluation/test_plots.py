"""Figures are drawn without global state and say what they show."""

import io
import sys

import numpy as np
import pytest

from crm_ml.errors import InputError
from crm_ml.evaluation.metric_segments import by_segment
from crm_ml.evaluation.plots import calibration_plot, gains_plot, segment_plot
from crm_ml.evaluation.predictions import Predictions


@pytest.fixture
def predictions():
    rng = np.random.default_rng(0)
    truth = rng.beta(1, 5, 1500)
    scores = {"rule": np.round(truth, 1), "model": truth, "flat": np.full(1500, 0.2)}
    return Predictions(np.arange(1500), ["f"] * 1500, rng.random(1500) < truth, scores)


def _texts(figure):
    return [text for axes in figure.axes for text in (axes.get_xlabel(), axes.get_ylabel())]


def _png(figure):
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return file.getvalue()


@pytest.mark.parametrize("draw", [calibration_plot, gains_plot])
def test_figures_render_with_labelled_axes_and_leave_pyplot_alone(draw, predictions):
    before = "matplotlib.pyplot" in sys.modules
    figure = draw(predictions, "model")
    assert len(_png(figure)) > 10_000
    assert all(_texts(figure)[1:])
    assert ("matplotlib.pyplot" in sys.modules) == before
    with pytest.raises(InputError, match="no predictions of x"):
        draw(predictions, "x")


def test_calibration_bins_hold_equal_mass_and_true_shares(predictions):
    line = calibration_plot(predictions, "model").axes[0].containers[0].lines[0]
    said, true = line.get_data()
    order = np.argsort(predictions.p["model"], kind="stable")[:150]
    assert len(said) == 10
    assert said[0] == pytest.approx(predictions.p["model"][order].mean())
    assert true[0] == pytest.approx(predictions.y[order].mean())


def test_gains_end_at_all_and_ties_are_taken_together(predictions):
    gains, lift = gains_plot(predictions, "model").axes
    lines = {line.get_label(): line for line in gains.get_lines()}
    assert set(lines) == {"rule", "model", "flat", "at random"}
    np.testing.assert_allclose(lines["flat"].get_xydata(), [[0, 0], [100, 100]])
    area = {name: np.trapezoid(line.get_ydata(), line.get_xdata()) for name, line in lines.items()}
    assert area["model"] > area["at random"] == pytest.approx(area["flat"])
    assert {line.get_label(): line for line in lift.get_lines()}["model"].get_ydata()[-1] == pytest.approx(1)


def test_segments_have_a_row_each_and_small_ones_are_pale(predictions):
    segment = np.where(np.arange(1500) < 40, "tiny", "large")
    table = by_segment(predictions, segment, "model", np.random.default_rng(0), ["auc"], 50)
    figure = segment_plot(table, "auc", overall=0.7)
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert [name.split()[0] for name in names] == ["tiny", "large"]
    assert {line.get_alpha() for line in figure.axes[0].get_lines()} == {0.35, 1.0, None}
    assert len(_png(figure)) > 5_000
