"""What actions are worth: levers, context, retention value and channels."""

import math

import narwhals as nw
import pyarrow as pa
import pytest
from decision_world import decided, person
from pydantic import ValidationError
from score_world import action, catalog

from crm_ml.actions.action_value import Levers, RetentionValue
from crm_ml.decision.expected_value import expected_value


def with_alive(name, p, clv, alive, x=0.0):
    return {"customer_id": name, "p_churn": p, "clv_cents": clv, "p_alive": alive, "x": x}


def test_levers_follow_the_published_rule():
    # Pega Customer Decision Hub 8.6, Arbitration strategy: a total weighting of 55 sets a weight of 1.55
    assert Levers(issue=20, group=25, action=10).factor == pytest.approx(1.55)
    assert Levers(issue=-80, action=-40).factor == 0.0


def test_priority_has_the_levers_and_the_expected_value_has_not():
    one = action("a", score="p_churn", levers={"action": 55.0}, context=({"when": "x > 2", "weight": 100.0},))
    rows, *_ = decided([person("in", 0.4, 3.0), person("out", 0.4, 1.0)], [one])
    told = {row["customer_id"]: (row["expected_value_cents"], row["priority"]) for row in rows}
    gain = 0.4 * 0.5 * 1_000
    assert told == {"in": (190, math.floor(gain * 2 * 1.55 + 0.5) - 10), "out": (190, gain * 1.55 - 10)}


def test_a_lever_moves_customers_from_one_action_to_another_and_not_the_money():
    plain = [action("a", margin_cents=1_000), action("b", margin_cents=900)]
    lifted = [plain[0], action("b", margin_cents=900, levers={"group": 30.0})]
    for actions, chosen, value in ((plain, 0, 490), (lifted, 1, 440)):
        rows, *_ = decided([person("c")], actions)
        assert [(row["action"], row["expected_value_cents"]) for row in rows] == [(chosen, value)]


def test_who_stays_is_worth_a_lifetime():
    one = action(
        "a", score="p_churn", margin_cents=None, retention=RetentionValue(share=0.5, at_most_cents=3_000)
    )
    people = [
        with_alive("alive", 0.5, 4_000, 0.8),  # .5 * 4000 / .8 = 2500; .5 * .5 * 2500 - 10
        with_alive("asleep", 0.5, 4_000, 0.1),  # 20000, at most 3000
        with_alive("gone", 0.5, 4_000, 0.0),
        with_alive("unknown", 0.5, None, None),
    ]
    rows, funnel, _ = decided(people, [one])
    assert {row["customer_id"]: row["expected_value_cents"] for row in rows} == {
        "alive": 615, "asleep": 740, "gone": 740
    }  # fmt: skip
    assert funnel.by_action_channel["a"]["not_applicable"] == 1


def test_a_score_about_one_action_is_read_before_one_about_all():
    value = action("a", score="p_visit").value
    rows = nw.from_native(pa.table({"p_visit": [0.2], "p_visit_1": [0.4]}), eager_only=True)
    for number, cents in ((0, 90), (1, 190)):
        expression = expected_value(number, value, (), rows.columns)
        assert rows.select(cents=expression)["cents"].to_list() == [cents]


def test_an_action_on_two_channels_is_shared_out_on_each_within_one_cap():
    several = action(
        "a",
        daily_cap=3,
        channels=(
            {"channel": "mail", "cost_cents": 100, "daily_cap": 1, "assumed_effect": 0.9},
            {"channel": "push"},
        ),
    )
    channels = catalog(several).actions[0].action_channels
    facts = [(part.key, part.channel, part.value.cost_cents, part.limits.daily_cap) for part in channels]
    assert facts == [("a/mail", "mail", 100, 1), ("a/push", "push", 10, None)]
    rows, funnel, certificate = decided([person(f"c{i}") for i in range(5)], channels)
    assert sorted(row["action"] for row in rows) == [0, 1, 1]
    assert certificate.prices_cents == {"action a/mail": pytest.approx(310), "action a": pytest.approx(490)}
    assert funnel.by_action_channel["a/push"]["another_action"] == 1
    assert funnel.by_action_channel["a/push"]["capacity"] == 2


def test_tags_are_rules_that_rules_may_name():
    actions = [action("a", eligible="tag_much = true and not tag_very_much = true")]
    rows, *_ = decided(
        [person("a", x=1.0), person("b", x=3.0), person("c", x=9.0)],
        actions,
        tags={"much": "x > 2", "very_much": "tag_much = true and x > 5"},
    )
    assert [row["customer_id"] for row in rows] == ["b"]


def test_all_that_is_wrong_with_an_action_is_named_at_once():
    with pytest.raises(ValidationError) as refusal:
        action(
            "a",
            channel="mail",
            channels=({"channel": "push"}, {"channel": "push", "minimum": 5, "daily_cap": 2}),
            retention={"at_most_cents": 10},
            score="p_items",
            minimum=4,
            daily_cap=3,
        )
    for part in (
        "either margin_cents or retention",
        "p_items needs recommend",
        "either channel or channels",
        "channel push stands more than once",
        "a/push: minimum 5 lies above daily_cap 2",
        "minimum 4 lies above daily_cap 3",
    ):
        assert part in str(refusal.value)


def test_a_sold_out_action_does_not_apply():
    rows, funnel, _ = decided([person("c")], [action("a"), action("b")], sold_out={0})
    assert [row["action"] for row in rows] == [1]
    assert funnel.by_action_channel["a"]["not_applicable"] == 1
