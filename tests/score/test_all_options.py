"""The committed example of every option: it scores, and each option does what its comment says."""

from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml
from pydantic import BaseModel
from score_world import AS_OF_S, DAY_S, churn_source, frames

from crm_ml import features
from crm_ml.actions.action_identity import ByChannel
from crm_ml.actions.action_parts import PARTS
from crm_ml.actions.action_value import Answer, Levers, RecommendOf, RetentionValue, SituationWeight, UpliftOf
from crm_ml.actions.catalog import Catalog
from crm_ml.actions.contact.touch_rules import Exclusive, NeverAfter
from crm_ml.config import load
from crm_ml.lists import read_list
from crm_ml.lists.read_list import verify_list
from crm_ml.score import batch
from crm_ml.score.settings import ScoreSettings
from crm_ml.score_tables.champion_set import Champions
from crm_ml.score_tables.clv import ClvSource
from crm_ml.tables import Tables

ROOT = Path(__file__).parents[2]
DAY = date(2018, 1, 1)
DAY_EPOCH_S = int(datetime(2018, 1, 1, tzinfo=UTC).timestamp())
HAD_COUPON = [f"c{number:06d}" for number in range(20)]
OPTIONS = [*PARTS.values(), ByChannel, Answer, Levers, RecommendOf, RetentionValue, SituationWeight, UpliftOf]


def valued(summary):
    """Stand in for a model of lifetime value: forty dollars an order, everybody alive for four fifths."""
    clv = 30.0 + summary["frequency"].to_numpy() * 40.0
    columns = {"clv": clv, "clv_low": clv / 2, "clv_high": clv * 2, "p_alive": 0.8}
    return pd.DataFrame(columns | {"expected_purchases": 2.0, "expected_value": 5.0}, index=summary.index)


@pytest.fixture(scope="module")
def tables():
    content = frames()
    content["order_lines"]["ordered_at_epoch_s"] += DAY_EPOCH_S - AS_OF_S
    sent = {"sent_at_epoch_s": DAY_EPOCH_S - 20 * DAY_S, "channel": "mail"}
    touches = pd.DataFrame({"campaign_id": "spring_coupon", "customer_id": HAD_COUPON, **sent})
    return Tables(**content, touches=touches).to("duckdb").identified("ab" * 32)


@pytest.fixture
def scored(tables, project, monkeypatch):  # noqa: ARG001
    """Score with the committed files; overrides are those of the command line."""
    write = features.write
    monkeypatch.setattr(features, "write", lambda *wanted: write(*wanted[:3], ["rfm"]))
    terms = SimpleNamespace(horizon=12)
    model = SimpleNamespace(time_unit="D", terms=terms, predict=valued, covariates=())
    champions = Champions([churn_source(), ClvSource(name="clv", sums="cd" * 32, model=model)])

    def run(*overrides):
        settings = load(ROOT / "configs/score/all_options.yaml", ScoreSettings, list(overrides))
        catalog = load(ROOT / settings.actions, Catalog)
        published = batch.run(settings, catalog, tables, champions)
        return read_list(published.folder).set_index("customer_id"), published.folder

    return run


def test_every_option_stands_in_a_committed_catalogue():
    used = set()

    def collect(content):
        if isinstance(content, dict):
            used.update(content)
        for part in content.values() if isinstance(content, dict) else content:
            if isinstance(part, dict | list):
                collect(part)

    for path in sorted((ROOT / "configs/actions").glob("*.yaml")):
        collect(yaml.safe_load(path.read_text()))
    options: list[type[BaseModel]] = [*OPTIONS, Exclusive, NeverAfter]
    assert {name for model in options for name in model.model_fields} - used == set()


def test_levers_and_context_weigh_the_priority_and_the_value_stays_money(scored, project):
    rows, _ = scored()
    [path] = (project / "data/scores").glob("features-*/features.parquet")
    orders = pq.read_table(path).to_pandas().set_index("customer_id")["rfm_orders_84d"]
    points = rows[rows["action_id"] == "loyalty_points"]
    weight = np.where(orders[points.index] >= 3, 1.5, 1.0)
    assert set(weight) == {1.0, 1.5}
    assert set(points["expected_value_cents"]) == {55}
    assert points["priority"].tolist() == (np.floor(60 * weight * 1.25 + 0.5) - 5).tolist()


def test_retention_takes_the_lifetime_value_as_it_is(scored):
    rows, _ = scored()
    coupons = rows[rows["action_id"] == "spring_coupon"]
    assert (coupons["channel"] == "mail").sum() >= 3
    assert len(coupons) <= 20
    effect = np.where(coupons["channel"] == "mail", 0.08, 0.04)
    gain = coupons["p_churn"] * effect * np.minimum(0.5 * coupons["clv_cents"], 8_000)
    assert coupons["expected_value_cents"].tolist() == (np.floor(gain + 0.5) - coupons["cost_cents"]).tolist()


def test_minimum_exclusion_and_the_first_day_of_an_offer_hold(scored):
    rows, folder = scored()
    assert (rows["action_id"] == "welcome_letter").sum() >= 10
    assert not set(rows.index[rows["action_id"] == "loyalty_points"]) & set(HAD_COUPON)
    assert verify_list(folder)["contact_policy"]["coupon_or_points"] >= len(HAD_COUPON) - 1
    before, _ = scored("as_of=2017-12-31")
    assert "spring_coupon" in set(rows["action_id"])
    assert "spring_coupon" not in set(before["action_id"])


def test_rows_of_earlier_lists_are_contacts_only_where_the_settings_say_so(scored):
    first, _ = scored()
    without, _ = scored("as_of=2018-01-02")
    assert set(first.index) & set(without.index)
    counted, _ = scored("as_of=2018-01-02", "past_lists=true")
    assert len(counted)
    assert not set(first.index) & set(counted.index)
