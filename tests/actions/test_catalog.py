"""The catalogue and the settings: strict, and every mistake at once."""

import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from pydantic import ValidationError
from score_world import action, catalog

from crm_ml.actions.action_parts import PARTS
from crm_ml.actions.catalog import Action, Catalog
from crm_ml.config import load
from crm_ml.errors import ConfigError
from crm_ml.score.settings import ScoreSettings

ROOT = Path(__file__).parents[2]
BROKEN = """
currency: eur
action: []
actions:
  - action_id: Win Back
    channel: mail
    cost_cents: 1.5
    margin_cents: -1
    assumed_effect: 1.2
    assumption: none
    expires_after_days: 0
  - action_id: push
    channel: push
    cost_cents: "2"
    margin_cents: 10
    score: P-buy
    assumed_effect: .nan
    assumption: a long enough text
    eligible: orders >> 3
    expires_after_days: 3
"""
PLACES = [
    "currency",
    "action",
    "actions[0].action_id",
    "actions[0].cost_cents",
    "actions[0].margin_cents",
    "actions[0].assumed_effect",
    "actions[0].assumption",
    "actions[0].expires_after_days",
    "actions[1].cost_cents",
    "actions[1].score",
    "actions[1].assumed_effect",
    "actions[1].eligible: at character 9",
]


def test_every_mistake_is_named_at_once(tmp_path):
    path = tmp_path / "actions.yaml"
    path.write_text(BROKEN)
    with pytest.raises(ConfigError) as refusal:
        load(path, Catalog)
    assert [
        place
        for place in PLACES
        if f"  {place}:" not in str(refusal.value) and place not in str(refusal.value)
    ] == []
    assert "12 mistakes" in str(refusal.value)


def test_an_action_stands_once_and_its_window_is_in_order():
    with pytest.raises(ValueError, match="push stands more than once"):
        catalog(action("push"), action("mail"), action("push"))
    with pytest.raises(ValueError, match="valid_until 2024-01-01 lies before valid_from 2024-02-01"):
        action("a", valid_from=date(2024, 2, 1), valid_until=date(2024, 1, 1))


@pytest.mark.parametrize(
    ("day", "offered"),
    [("2024-01-31", False), ("2024-02-01", True), ("2024-02-29", True), ("2024-03-01", False)],
)
def test_an_offer_runs_from_its_first_to_its_last_day(day, offered):
    limits = action("a", valid_from=date(2024, 2, 1), valid_until=date(2024, 2, 29)).limits
    assert limits.offered(datetime.fromisoformat(day).replace(tzinfo=UTC)) is offered


def test_a_row_expires_after_its_days_or_with_the_offer():
    as_of = datetime(2024, 2, 27, tzinfo=UTC)
    assert action("a").limits.expires_at(as_of) == datetime(2024, 3, 5, tzinfo=UTC)
    ends = action("a", valid_until=date(2024, 2, 28)).limits
    assert ends.expires_at(as_of) == datetime(2024, 2, 29, tzinfo=UTC)


def test_a_field_belongs_to_one_part_and_parts_are_accepted_as_they_are():
    names = [name for part in PARTS.values() for name in part.model_fields]
    assert len(names) == len(set(names))
    assert not set(names) & set(PARTS)
    flat = action("a", eligible="x > 1", daily_cap=3)
    assert Action.model_validate(flat.model_dump()) == flat
    parts = {name: getattr(flat, name) for name in PARTS}
    assert Action(**parts) == flat
    with pytest.raises(ValueError, match=r"limits\.daily_cap"):
        Action(**parts | {"limits": {"expires_after_days": 7, "daily_cap": 0}})


def test_a_simple_action_is_made_of_major_units():
    source = "three coupons in twenty brought a visit in May"
    rule = {"eligible": "rfm_orders >= 1", "score": "p_churn"}
    major = {"cost": 0.29, "margin": 3.0, "currency": "EUR"}
    simple = Action.simple("coupon", "mail", **major, effect=0.15, source=source, **rule)
    amounts = {"cost_cents": 29, "margin_cents": 300, "assumed_effect": 0.15, "assumption": source}
    assert simple.in_currency("EUR") == action("coupon", **amounts, expires_after_days=14, **rule)


@pytest.mark.parametrize(
    ("stated", "lines"),
    [
        ({"cost": "x", "margin": None}, ["cost: 'x' is no amount", "margin: give what is earned"]),
        ({"elligible": "a > 1", "cost_cents": 3}, ["elligible: .* mean eligible", "cost_cents: write cost="]),
        ({"effect": 1.5, "eligible": "x >"}, ["effect: Input should be less", "eligible: at character"]),
        ({"retention": True, "margin": None}, ["effect: say how often it works"]),
        ({"at_most": 3}, ["at_most: it belongs to retention=True"]),
    ],
)
def test_mistakes_of_a_simple_action_stand_in_one_error_by_its_own_words(stated, lines):
    with pytest.raises(ConfigError, match=f"action coupon: {len(lines)} mistake") as refusal:
        Action.simple("coupon", "mail", **{"cost": 1, "margin": 2, **stated})
    for line in lines:
        assert re.search(f"(?m)^  {line}", str(refusal.value))


def test_a_simple_action_without_effect_has_the_measured_one_and_retention_its_limit():
    measured = Action.simple("coupon", channel="mail", cost=0.8, margin="40", eligible="x > 14").value
    assert (measured.assumed_effect, measured.uplift.arm, measured.uplift.worth_cents) == (
        None,
        "coupon",
        4000,
    )
    assert Action.simple("a", "mail", cost=1, margin=2, effect=0.1).value.uplift is None
    kept = Action.simple("a", "mail", cost=1, effect=0.1, retention=True).value.retention
    limited = Action.simple("a", "mail", cost=1, effect=0.1, retention=True, at_most=100).value.retention
    assert (kept.if_alive, limited.if_alive, limited.at_most_cents) == (False, True, 10_000)
    items = Action.simple("a", "push", cost=1, margin=0.75, effect=0.1, recommend=5).value
    assert (items.score, items.recommend.items) == ("p_items", 5)


def test_the_committed_configurations_load():
    settings = load(ROOT / "configs/score/default.yaml", ScoreSettings)
    grocer = load(ROOT / settings.actions, Catalog)
    assert [one.action_id for one in grocer.actions] == sorted(one.action_id for one in grocer.actions)
    assert settings.consent == "assumed"


@pytest.mark.parametrize("path", ["../lists", "/tmp/lists", "data/../../lists"])
def test_no_folder_of_the_settings_leaves_the_project(path):
    settings = load(ROOT / "configs/score/default.yaml", ScoreSettings, [f"out={path}", f"work={path}"])
    with pytest.raises(ConfigError, match="outside"):
        settings.out_folder  # noqa: B018
    with pytest.raises(ConfigError, match="outside"):
        settings.work_folder  # noqa: B018


def test_the_policy_hash_follows_what_decides_and_nothing_else():
    settings = load(ROOT / "configs/score/default.yaml", ScoreSettings)
    one, other = catalog(action("a"), action("b")), catalog(action("b"), action("a"))
    same = settings.model_copy(update={"as_of": date(2020, 1, 1), "out": "elsewhere"})
    assert settings.policy_hash(one) == same.policy_hash(other)
    assert settings.policy_hash(one) != settings.policy_hash(catalog(action("a")))
    assert settings.policy_hash(one) != settings.model_copy(update={"daily_cap": 7}).policy_hash(one)
    assert settings.policy_hash(one) != settings.policy_hash(catalog(action("a", cost_cents=11), action("b")))


@pytest.mark.parametrize(("currency", "cents"), [(None, 30), ("JPY", 30), ("EUR", None)])
def test_amounts_of_a_simple_action_are_in_the_currency_of_its_catalogue(currency, cents):
    amounts = {"cost": 30, "margin": 300, "effect": 0.1, "source": "three coupons in May"}
    action = Action.simple("coupon", "mail", **amounts, currency=currency)
    if cents is None:
        with pytest.raises(ValidationError, match="coupon are in EUR and the catalogue in JPY; give"):
            Catalog(currency="JPY", actions=(action,))
    else:
        assert Catalog(currency="JPY", actions=(action,)).actions[0].value.cost_cents == cents
