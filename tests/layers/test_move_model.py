"""The model of moves is used where it beats the table on later days, and the table where it does not."""

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from crm_ml.errors import InputError
from crm_ml.layers import LayerSettings
from crm_ml.layers.layer_days import LayerDay
from crm_ml.layers.move_model import MoveTable, judged, split
from crm_ml.layers.move_rows import MoveRows, inputs_of
from crm_ml.models.labelled_rows import LabelledRows
from crm_ml.snapshots import Snapshot
from crm_ml.tables.strict import validate

ORDER = ("high", "low")
CUSTOMERS = 300


def settings(**moves):
    content = {
        "name": "shop",
        "data": {"name": "simulated"},
        "layers": {"high": "x > 0"},
        "otherwise": "low",
        "moves": {"train_days": 4, "test_days": 3, "model": "logistic", "replicates": 200} | moves,
    }
    return validate(content, LayerSettings, "test")


def made_up(days, strength, seed=0):
    """Return rows in which a feature moves the odds to change the layer by a strength; others are noise."""
    rng, X, later = np.random.default_rng(seed), {}, {}
    ids = pd.Index([f"c{number:03}" for number in range(CUSTOMERS)], name="customer_id")
    for day in days:
        layer = rng.choice(ORDER, CUSTOMERS)
        noise = rng.normal(size=(CUSTOMERS, 8))
        odds = strength * noise[:, 0] + np.where(layer == "high", -0.5, -1.5)
        moves = rng.random(CUSTOMERS) < 1 / (1 + np.exp(-odds))
        names = [f"x{number}" for number in range(8)]
        X[str(day)] = pd.DataFrame(noise, columns=names, index=ids).assign(layer_name=layer)
        other = np.where(layer == "high", "low", "high")
        later[str(day)] = pd.Series(np.where(moves, other, layer), index=ids)
    names = ["as_of", "customer_id"]
    return MoveRows(pd.concat(X, names=names), pd.concat(later, names=names), ORDER)


def verdict(strength, target="move", **moves):
    chosen = settings(**moves)
    train, test = split(Snapshot("2024-06-01", timedelta(days=28)), chosen)
    return judged(made_up([*train, *test], strength), target, train, test, chosen)


@pytest.mark.parametrize("target", ["move", "down"])
def test_a_model_that_knows_more_than_the_layer_is_used(target):
    found = verdict(1.5, target)
    assert found.uses_model
    assert found.difference["log_loss"].high < 0
    assert found.rows == 3 * CUSTOMERS
    assert "the model is used" in str(found)


def test_the_table_is_used_and_told_where_the_model_knows_no_more():
    found = verdict(0.0)
    assert not found.uses_model
    assert found.difference["log_loss"].value > -0.01
    assert "the table of past moves is used" in str(found)
    assert found.facts()["uses_model"] is False


def test_days_that_train_have_their_outcome_before_any_day_that_judges():
    train, test = split(Snapshot("2024-06-01", timedelta(days=28)), settings())
    assert max(day.label_ends_at for day in train) <= min(day.as_of for day in test)
    assert max(day.label_ends_at for day in test) <= Snapshot("2024-06-01", timedelta(days=1)).as_of
    assert [str(day) for day in test] == ["2024-04-20", "2024-04-27", "2024-05-04"]


def test_the_table_is_the_share_of_the_layer_and_of_all_where_a_layer_is_new():
    X = pd.DataFrame({"layer_name": ["a"] * 4 + ["b"] * 4})
    table = MoveTable.of(LabelledRows(X, pd.Series([1, 1, 1, 0, 0, 0, 0, 0])))
    assert table.probabilities(pd.Series(["a", "b", "new"])) == pytest.approx(
        [(3 + 0.375) / 5, 0.375 / 5, 0.375]
    )


def test_too_few_moves_are_refused_with_what_to_change():
    with pytest.raises(InputError, match=r"moves \(move\) from .* take more days"):
        chosen = settings()
        train, test = split(Snapshot("2024-06-01", timedelta(days=28)), chosen)
        rows = made_up([*train, *test], 0.0)
        judged(MoveRows(rows.X, rows.X["layer_name"], ORDER), "move", train, test, chosen)


def test_inputs_are_features_and_layers_together():
    ids = pd.Index(["a"], name="customer_id")
    day = LayerDay(
        "2024-01-01", pd.DataFrame({"x": [1.0]}, index=ids), pd.DataFrame({"layer_name": ["a"]}, ids)
    )
    assert list(inputs_of(day)) == ["x", "layer_name"]
