"""Cuts with edges that stay, layers by rules, tiers with hysteresis, and moves with intervals of clusters."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as soft
from hypothesis import strategies as st

from crm_ml.errors import ConfigError, InputError
from crm_ml.layers import (
    Cut,
    LayerSettings,
    Tiers,
    keep_edges,
    layers_of,
    learn_edges,
    moves,
    tiers_of,
    transitions,
)
from crm_ml.layers.cuts import Edges
from crm_ml.layers.tiers import tier_edges
from crm_ml.tables.strict import validate

CUTS = {
    "recency": Cut(column="rfm_days_since_order", edges=(14, 42), best="low"),
    "money": Cut(column="rfm_paid_cents_180d", parts=2, among="rfm_orders > 0"),
}


def _customers(count=100, scale=1):
    ids = [f"c{number:03}" for number in range(count)]
    return pd.DataFrame(
        {
            "rfm_days_since_order": [*np.arange(count - 1.0), np.nan],
            "rfm_paid_cents_180d": np.arange(count) * 100.0 * scale,
            "rfm_orders": [0.0, *np.ones(count - 1)],
            "lifecycle_stage": ["potential", *["active"] * (count - 1)],
        },
        index=pd.Index(ids, name="customer_id"),
    )


def _settings(**changes):
    content = {
        "name": "shop",
        "data": {"name": "simulated"},
        "cuts": {name: cut.model_dump() for name, cut in CUTS.items()},
        "layers": {
            "keep": "layer_recency = 3 and layer_money = 2",
            "win_back": "layer_money = 2 and not is_keep = true",
            "new": "lifecycle_stage = 'potential'",
        },
    }
    return validate(content | changes, LayerSettings, "test")


def test_declared_and_learned_edges_give_levels_and_null_has_none():
    customers = _customers()
    edges = learn_edges(customers, CUTS, "2024-01-01")
    assert edges["recency"] == Edges((14, 42))
    assert edges["money"].since == "2024-01-01"
    assert edges["money"].shares == pytest.approx((0.5, 0.5), abs=0.01)
    found = layers_of(customers, _settings(), edges)
    assert found["layer_recency"].iloc[[0, 13, 14, 41, 42]].tolist() == [3, 3, 2, 2, 1]
    assert np.isnan(found["layer_recency"].iloc[-1])
    assert set(found["layer_money"]) == {1, 2}


def test_the_first_true_rule_names_the_layer_and_rules_may_name_each_other():
    customers = _customers()
    found = layers_of(customers, _settings(), learn_edges(customers, CUTS, "2024-01-01"))["layer_name"]
    assert found["c000"] == "new"
    assert found["c001"] == "others"
    assert found["c060"] == "win_back"
    recent = customers.assign(rfm_days_since_order=1.0)
    found = layers_of(recent, _settings(), learn_edges(recent, CUTS, "2024-01-01"))["layer_name"]
    assert found["c060"] == "keep"


def test_learned_edges_stay_until_a_share_has_moved_further_than_the_tolerance():
    first = learn_edges(_customers(), CUTS, "2024-01-01")
    same, notes = keep_edges(_customers(scale=1.05), CUTS, first, 0.05, "2024-01-08")
    assert same == first
    assert notes == []
    moved, notes = keep_edges(_customers(scale=2), CUTS, first, 0.05, "2024-01-08")
    assert moved["money"].since == "2024-01-08"
    assert moved["recency"] == first["recency"]
    assert "money: the share of a level" in notes[0]


def test_what_can_not_be_cut_is_one_error_with_all_that_is_wrong():
    cuts = {"a": Cut(column="absent", parts=2), "b": Cut(column="lifecycle_stage", parts=2)}
    with pytest.raises(ConfigError, match=r"(?s)cut a: there is no feature 'absent'.*cut b: .* is no number"):
        learn_edges(_customers(), cuts, "2024-01-01")
    tied = _customers().assign(rfm_paid_cents_180d=[0.0] * 98 + [1, 2])
    with pytest.raises(InputError, match=r"can't make 4 levels .* 98 have the value 0"):
        learn_edges(tied, {"m": Cut(column="rfm_paid_cents_180d", parts=4)}, "2024-01-01")


def test_settings_refuse_what_is_no_definition():
    with pytest.raises(ConfigError, match=r"(?s)4 mistakes.*give either edges, or parts"):
        _settings(
            cuts={"m": {"column": "x"}, "n": {"column": "x", "edges": [2.0, 1.0]}},
            layers={"keep": "money >"},
            tiers={"names": ["low", "high"], "shares": [0.5, 0.6]},
        )
    with pytest.raises(ConfigError, match="otherwise: keep is a layer"):
        _settings(otherwise="keep")


@soft(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 3000), min_size=2, max_size=30), st.floats(0, 0.5))
def test_a_tier_moves_only_when_the_value_leaves_the_band(path, width):
    tiers = Tiers(names=("low", "middle", "high"), edges_cents=(1000, 2000), hysteresis=width)
    before, place = None, None
    for value in path:
        now = tiers_of(pd.Series([float(value)], index=["a"]), tiers, (1000, 2000), before)
        if place is None:  # by the edges as they are
            place = sum(value >= edge for edge in (1000, 2000))
        while place < 2 and value >= (1000, 2000)[place] * (1 + width):
            place += 1
        while place > 0 and value < (1000, 2000)[place - 1] * (1 - width):
            place -= 1
        assert now["a"] == tiers.names[place]
        before = now


def test_hysteresis_stops_customers_who_flicker_at_an_edge():
    rng = np.random.default_rng(0)
    ids = [str(number) for number in range(500)]
    worth = rng.uniform(500, 1500, 500)
    changes = {}
    for width in (0.0, 0.2):
        tiers = Tiers(names=("low", "high"), edges_cents=(1000,), hysteresis=width)
        noise, before, changes[width] = np.random.default_rng(1), None, 0
        for _ in range(20):
            value = pd.Series(worth * noise.normal(1, 0.05, 500), index=ids)
            now = tiers_of(value, tiers, (1000,), before)
            changes[width] += 0 if before is None else int((now != before).sum())
            before = now
    assert changes[0.2] < changes[0.0] / 10


def test_tier_edges_by_shares_are_of_customers_with_a_value_and_stay():
    tiers = Tiers(names=("low", "middle", "high"), shares=(0.5, 0.3, 0.2))
    value = pd.Series([0.0] * 50 + [*range(100, 1100, 10)])
    edges, _ = tier_edges(value, tiers, None, 0.05, "2024-01-01")
    assert edges.shares == pytest.approx((0.5, 0.3, 0.2))
    assert tier_edges(value * 1.02, tiers, edges, 0.05, "2024-01-08") == (edges, [])
    again, notes = tier_edges(value * 2, tiers, edges, 0.05, "2024-01-08")
    assert again.since == "2024-01-08"
    assert len(notes) == 1


def test_moves_count_who_came_who_went_and_what_those_were_worth_who_fell():
    order = ("top", "middle", "low")
    before = pd.DataFrame(
        {"layer_name": ["top", "top", "middle", "low"], "layer_value_cents": [10, 30, 20, 5]},
        index=list("abcd"),
    )
    after = pd.DataFrame({"layer_name": ["low", "middle", "top", "low"]}, index=list("abce"))
    found = moves(before, after, order)
    assert found.counts.loc["top"].tolist() == [0, 1, 1]
    assert found.moved == 3
    assert found.down.index.tolist() == ["b", "a"]
    assert found.value_down_cents == 40
    assert found.entered["low"] == 1
    assert found.left["low"] == 1
    with pytest.raises(InputError, match="other is none of top, middle, low"):
        moves(before, after.assign(layer_name="other"), order)


def _chains(rng, customers=200, days=6, keep=0.7):
    """Return layers of customers whose probabilities to move differ, so that their rows hang together."""
    own = rng.beta(keep * 1.2, (1 - keep) * 1.2, customers)
    layers = [np.where(rng.random(customers) < own, "a", "b") for _ in range(days)]
    pairs = []
    for layer in layers:
        pairs.append((pd.Series("a", index=range(customers)), pd.Series(layer, index=range(customers))))
    return pairs


def test_intervals_of_transitions_hold_where_rows_of_a_customer_hang_together():
    rng = np.random.default_rng(3)
    held = naive = 0
    for _ in range(60):
        row = transitions(_chains(rng), ("a", "b")).iloc[0]
        held += row["low"] <= 0.7 <= row["high"]
        error = 1.96 * np.sqrt(row["share"] * (1 - row["share"]) / row["rows"])
        naive += abs(row["share"] - 0.7) <= error
    assert held >= 53  # 95 % of 60 are 57; of independent rows it would be some 40
    assert naive < held - 5


def test_transitions_without_any_move_have_an_interval_of_the_customers():
    layer = pd.Series("a", index=range(30))
    table = transitions([(layer, layer)] * 10, ("a", "b")).set_index(["before", "after"])
    assert table.loc[("a", "b"), "share"] == 0
    assert table.loc[("a", "b"), "high"] == pytest.approx(0.1135, abs=1e-3)  # Wilson, 0 of 30
    assert table.loc[("b", "a"), "rows"] == 0
