"""Decision curves as drawn: the numbers of their table, the rules beside them, and what is refused."""

import numpy as np
import pytest
from plotted_lines import lines

from crm_ml import plots
from crm_ml.errors import InputError
from crm_ml.evaluation import Predictions
from crm_ml.evaluation.decision_curve import decision_curve


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    p = rng.beta(1, 3, 800)
    rows = Predictions(np.arange(800), ["june"] * 800, rng.random(800) < p, {"line": p / 2, "model": p})
    return decision_curve(rows, 10, [6, 1, 3])


def test_lines_and_band_are_those_of_the_table(table):
    axes = plots.decision_curve(table, model="model", unit="EUR").axes[0]
    assert set(lines(axes)) == {"line", "model", "everybody", "nobody"}
    ordered = table[table["model"] == "model"].sort_values("cost")
    np.testing.assert_allclose(lines(axes)["model"].get_xydata(), ordered[["cost", "value"]])
    band = axes.collections[0].get_paths()[0].vertices
    assert {*ordered["low"], *ordered["high"]} <= {*band[:, 1]}
    assert axes.get_xlabel() == "cost of the action (EUR)"
    assert axes.get_ylim()[0] == pytest.approx(-0.25 * table[table["model"] != "everybody"]["high"].max())


def test_what_can_not_be_drawn_is_refused(table):
    with pytest.raises(InputError, match="no model 'tree'; there are line, model"):
        plots.decision_curve(table, model="tree")
    with pytest.raises(InputError, match="low"):
        plots.decision_curve(table.drop(columns="low"))
