"""The layers of a day as files: whole, of the past alone, kept to by the next day, read by rules."""

import json
import shutil
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
import score_world
from score_world import AS_OF, action, catalog, churn_source

from crm_ml.errors import ConfigError, InputError, IntegrityError
from crm_ml.layers.__main__ import main
from crm_ml.layers.layer_days import snapshot_of
from crm_ml.layers.layer_folder import DOWN_FILE, LAYERS_FILE, LayerFolder
from crm_ml.layers.layer_run import layers_of_day, publish_layers
from crm_ml.layers.settings import LayerSettings
from crm_ml.layers.tiers import tiers_of
from crm_ml.lists import read_list
from crm_ml.score import batch
from crm_ml.score_tables.champion_set import Champions
from crm_ml.score_tables.layer_table import layer_source
from crm_ml.tables.strict import validate

WEEK = timedelta(days=7)
SHOP = {
    "name": "shop",
    "data": {"name": "simulated", "options": {"customers": 300}},
    "features": {"rfm": {}},
    "cuts": {
        "recency": {"column": "rfm_days_since_order", "edges": [28], "best": "low"},
        "money": {"column": "rfm_paid_cents_84d", "parts": 2, "among": "rfm_orders_84d > 0"},
    },
    "layers": {
        "best": "layer_money = 2 and layer_recency = 2",
        "good": "layer_money = 2 or layer_recency = 2",
    },
    "otherwise": "low",
    "tolerance": 0.1,
    "value": {"column": "rfm_paid_cents_180d"},
    "tiers": {"names": ["basic", "gold"], "shares": [0.8, 0.2]},
    "moves": {"train_days": 2, "test_days": 1, "model": "logistic", "replicates": 100},
}


def shop(**changes):
    return validate(SHOP | changes, LayerSettings, "shop")


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    return score_world.tables(tmp_path_factory.mktemp("tables"))


@pytest.fixture(scope="module")
def days(tables, tmp_path_factory):
    """Layers of a day and of the one a week later that builds on it, with their folder."""
    out = tmp_path_factory.mktemp("layers")
    first, _ = publish_layers(tables, AS_OF - WEEK, shop(), out)
    second, result = publish_layers(tables, AS_OF, shop(), out, LayerFolder.read(first))
    return out, first, second, result


def test_the_next_day_keeps_edges_and_counts_moves_from_what_was_published(days):
    out, first, second, result = days
    before, after = LayerFolder.read(first), LayerFolder.read(second)
    assert LayerFolder.read(out).path == second
    assert after.edges["money"] == before.edges["money"]
    assert after.edges["money"].since == str(AS_OF - WEEK)
    then = before.frame()["layer_name"].rename("layer_name_then")
    joined = after.frame().join(then, how="inner")
    moved = joined["layer_name"] != joined["layer_name_then"]
    assert after.facts["moves"]["moved"] == int(moved.sum()) > 0
    assert (joined["layer_before"] == joined["layer_name_then"]).all()
    down = pd.read_parquet(second / DOWN_FILE)
    order = {name: place for place, name in enumerate(shop().order)}
    falls = joined["layer_name"].map(order) > joined["layer_name_then"].map(order)
    assert sorted(down["customer_id"]) == sorted(joined.index[falls])
    worth = before.frame()["layer_value_cents"].loc[down["customer_id"]]
    assert down["value_cents"].tolist() == worth.tolist()
    assert after.facts["moves"]["value_down_cents"] == int(worth.sum())
    assert set(result.frame.columns) == set(after.columns)


def test_layers_have_the_same_bytes_again_and_follow_from_the_past_alone(days, tables, tmp_path):
    _, first, _, _ = days
    snapshot = snapshot_of(tables, AS_OF - WEEK, shop())
    known = snapshot.known(tables).identified(tables.fingerprint)
    again, _ = publish_layers(known, AS_OF - WEEK, shop(), tmp_path)
    assert sorted(file.name for file in again.iterdir()) == sorted(file.name for file in first.iterdir())
    for file in first.iterdir():
        assert (again / file.name).read_bytes() == file.read_bytes(), file.name


def test_a_previous_day_must_be_earlier_whole_and_of_the_same_definition(days, tables, tmp_path):
    _, first, second, _ = days
    later = LayerFolder.read(second)
    with pytest.raises(InputError, match=r"not before 2024-05-25; they were made by another definition"):
        layers_of_day(tables, AS_OF - WEEK, shop(otherwise="rest"), later)
    with pytest.raises(InputError, match="there are no layers"):
        LayerFolder.read(tmp_path)
    copy = tmp_path / "copy"
    copy.mkdir()
    for file in first.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    (copy / LAYERS_FILE).write_bytes(b"PAR1")
    with pytest.raises(IntegrityError, match=r"layers\.parquet has changed"):
        LayerFolder.read(copy)


def test_probabilities_are_of_each_customer_and_the_verdict_says_what_they_rest_on(days):
    _, _, second, result = days
    published = LayerFolder.read(second)
    for verdict in published.facts["verdicts"]:
        column = published.frame()[f"layer_p_{verdict['target']}"]
        assert column.between(0, 1).all()
        by_layer = column.groupby(published.frame()["layer_name"]).nunique()
        assert (by_layer.max() > 1) == verdict["uses_model"]
    assert "P(move)" in str(result.forecast.verdicts[0])


def test_the_page_draws_the_flow_without_scripts_and_names_every_layer(days):
    page = (days[2] / "page.html").read_text("utf-8")
    assert "<script" not in page
    assert page.count("<path ") >= 4
    assert all(name in page for name in shop().order)
    assert "best to good: " in page or "good to low: " in page


def test_rules_of_actions_read_layers_and_a_list_says_which(days, tables, project):  # noqa: ARG001
    out, _, second, _ = days
    layers = layer_source(out, AS_OF, 0)
    models = Champions([churn_source(), layers])
    chosen = action("coupon", score="p_churn", eligible="layer_name = 'good' and layer_tier = 'basic'")
    published = batch.run(score_world.settings(), catalog(chosen), tables, models)
    frame = LayerFolder.read(second).frame()
    meant = frame.index[(frame["layer_name"] == "good") & (frame["layer_tier"] == "basic")]
    listed = set(read_list(published.folder)["customer_id"])
    assert listed
    assert listed <= set(meant)
    made_of = json.loads((published.folder / "manifest.json").read_text("utf-8"))["ingredients"]["models"]
    assert made_of["layers_shop"] == layers.sums
    wrong = action("coupon", score="p_churn", eligible="layer_nam = 'good'")
    with pytest.raises(ConfigError, match="did you mean 'layer_name'"):
        batch.run(score_world.settings(), catalog(wrong), tables, models)


def test_settings_of_a_list_name_the_folder_of_its_layers(days, project):
    shutil.copytree(days[0], project / "layers")
    chosen = score_world.settings(layers={"folder": "layers"})
    [source] = chosen.with_published(Champions()).sources
    assert "layer_tier" in source.columns
    assert source.file.parent.name == days[2].name
    assert not score_world.settings().with_published(Champions()).sources
    with pytest.raises(ConfigError, match="outside"):
        score_world.settings(layers={"folder": "../layers"}).with_published(Champions())


def test_tiers_hold_back_from_those_that_were_published(days):
    _, first, second, _ = days
    before, after = LayerFolder.read(first).frame()["layer_tier"], LayerFolder.read(second)
    value, tiers = after.frame()["layer_value_cents"], shop().tiers
    edge = after.tier_edges.values  # noqa: PD011
    assert after.frame()["layer_tier"].tolist() == tiers_of(value, tiers, edge, before).tolist()
    assert after.frame()["layer_tier"].tolist() != tiers_of(value, tiers, edge).tolist()


def test_a_list_refuses_layers_that_are_too_old_or_of_a_later_day(days):
    _, first, second, _ = days
    assert layer_source(first, AS_OF, 7).names
    with pytest.raises(
        InputError, match="are of 2024-05-25, and the list of 2024-06-01 takes those of at most 6"
    ):
        layer_source(first, AS_OF, 6)
    with pytest.raises(InputError, match="the layers are of 2024-06-01"):
        layer_source(second, AS_OF - WEEK, 30)


def test_the_command_publishes_once_and_tells_what_is_wrong(project, capsys):
    (project / "configs/layers").mkdir()
    content = SHOP | {
        "value": {"horizon_days": 180},
        "data": {"name": "simulated", "options": {"customers": 600}},
    }
    (project / "configs/layers/shop.yaml").write_text(json.dumps(content), "utf-8")
    day = date(2024, 12, 1)
    assert main(["shop", "--as-of", str(day - WEEK)]) == 0
    assert main(["shop", "--as-of", str(day), "--previous", "data/layers/shop"]) == 0
    told = capsys.readouterr().out
    assert "customers moved down; together they were worth" in told
    assert f"layers of {day}," in told
    frame = LayerFolder.read(project / "data/layers/shop").frame()
    assert frame["layer_value_cents"].gt(0).any()  # of a model of lifetime value
    assert np.isfinite(frame["layer_p_move"]).all()
    assert (
        main(
            [
                "shop",
                "--as-of",
                str(day),
                "--previous",
                str(next((project / "data/layers/shop").glob("*11-24*"))),
            ]
        )
        == 3
    )
    assert main(["shops", "--as-of", str(day)]) == 2
    assert "there are shop" in capsys.readouterr().err
