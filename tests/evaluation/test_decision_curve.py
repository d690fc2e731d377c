"""Decision curves beside dcurves, by hand, by another bootstrap, and what is refused."""

import json
from pathlib import Path

import numpy as np
import pytest

from crm_ml.errors import InputError
from crm_ml.evaluation.decision_curve import decision_curve
from crm_ml.evaluation.predictions import Predictions

GOLDEN = json.loads((Path(__file__).parent / "decision_golden.json").read_text(encoding="utf-8"))


def _made(seed):
    rng = np.random.RandomState(seed)
    p = rng.rand(317) ** 2
    return (rng.rand(317) < 0.8 * p).astype(int), p


@pytest.mark.parametrize("seed", ["0", "1"])
def test_net_benefits_are_those_of_dcurves(seed):
    y, p = _made(int(seed))
    rows = Predictions(np.arange(317), ["june"] * 317, y, {"m": p})
    golden = GOLDEN["net_benefit"][seed]
    table = decision_curve(rows, gain=200, costs=[200 * float(t) for t in golden["m"]])
    for name, values in golden.items():
        found = table[table["model"] == name]
        assert found["net_benefit"].to_numpy() == pytest.approx(list(values.values()), rel=1e-12, abs=1e-15)


def test_four_rows_by_hand():
    """At a cost of 4 of 10 rows from .4 on: 6 + 6 - 0 = two hits; at 9 only the first."""
    rows = Predictions(list("abcd"), ["june"] * 4, [1, 0, 1, 0], {"m": [0.9, 0.3, 0.4, 0.1]})
    table = decision_curve(rows, 10, [4, 9]).set_index(["model", "cost"])
    assert table["value"].to_dict() == {
        ("m", 4): 3.0,
        ("m", 9): 0.25,
        ("everybody", 4): 1.0,
        ("everybody", 9): -4.0,
        ("nobody", 4): 0.0,
        ("nobody", 9): 0.0,
    }
    assert table.loc[("m", 4), "over_rule"] == 2.0  # beside everybody
    assert table.loc[("m", 9), "over_rule"] == 0.25  # beside nobody


def test_intervals_are_over_customers_with_several_rows():
    rng = np.random.default_rng(0)
    customer = np.repeat(np.arange(400), 3)
    own = rng.uniform(0, 0.6, 400)
    y = (rng.random(400) < own)[customer]  # the same answer on each of three days
    rows = Predictions(customer, np.tile(["f", "g", "h"], 400), y, {"m": own[customer]})
    found = decision_curve(rows, 10, [2]).set_index("model").loc["m"]
    each = (own >= 0.2) * (10 * y[::3] - 2.0)
    drawn = [each[rng.integers(0, 400, 400)].mean() for _ in range(4000)]
    assert found["value"] == pytest.approx(each.mean())
    assert found["low"] == pytest.approx(np.percentile(drawn, 2.5), abs=0.04)
    assert found["high"] == pytest.approx(np.percentile(drawn, 97.5), abs=0.04)


@pytest.mark.parametrize(("gain", "costs"), [(0, [1]), (10, []), (10, [2, 10]), (10, [0]), (np.nan, [1])])
def test_costs_that_can_not_pay_are_refused(gain, costs):
    rows = Predictions(list("ab"), ["june"] * 2, [1, 0], {"m": [0.9, 0.3]})
    with pytest.raises(InputError, match="give a gain above 0 and costs between 0 and the gain"):
        decision_curve(rows, gain, costs)
