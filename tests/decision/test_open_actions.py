"""The policy: what actions are worth, and who gets which within the caps, beside a solver."""

import math

import narwhals as nw
import numpy as np
import pytest
from decision_world import decided, person
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp
from score_world import action
from soak import examples

from crm_ml.actions.consent_check import Consent
from crm_ml.errors import ConfigError, InputError
from crm_ml.tables.engine import connect


def worth(one, what):
    """Return the value of an action to a customer in plain Python; 0 where it may not be done."""
    value = what.value
    p = one["p_churn"] if value.score else 1.0
    if p is None or (what.audience.eligible and not one["x"] > 2):
        return 0
    gain = value.assumed_effect * value.margin_cents
    return max(0, math.floor((p * gain if value.score else gain) + 0.5) - value.cost_cents)


def best_total(people, actions, daily_cap):
    """Return the greatest sum of values within the caps, by an integer program over all pairs."""
    n, m = len(people), len(actions)
    values = np.array([[worth(one, what) for what in actions] for one in people], dtype=float).reshape(n, m)
    rows = [np.repeat(np.eye(n)[i], m) for i in range(n)]
    b = [1.0] * n
    for j, what in enumerate(actions):
        rows.append(np.tile(np.eye(m)[j], n))
        b.append(n if what.limits.daily_cap is None else what.limits.daily_cap)
    rows.append(np.ones(n * m))
    b.append(n if daily_cap is None else daily_cap)
    found = milp(
        -values.ravel(),
        integrality=np.ones(n * m),
        bounds=Bounds(0, 1),
        constraints=LinearConstraint(np.array(rows), ub=np.array(b)),
    )
    return round(-found.fun)


people_of_all_kinds = st.lists(
    st.tuples(st.one_of(st.none(), st.sampled_from([0.0, 0.1, 0.25, 0.5, 1.0])), st.sampled_from([1.0, 3.0])),
    max_size=25,
).map(lambda rows: [person(f"c{i}", p, x) for i, (p, x) in enumerate(rows)])


@examples(40)
@given(
    people=people_of_all_kinds,
    caps=st.tuples(*[st.one_of(st.none(), st.integers(1, 6))] * 4),
    effects=st.tuples(*[st.sampled_from([0.1, 0.5])] * 3),
)
def test_it_earns_as_much_as_can_be_earned_within_the_caps(people, caps, effects):
    actions = [
        action("a", score="p_churn", assumed_effect=effects[0], daily_cap=caps[0]),
        action("b", eligible="x > 2", cost_cents=30, assumed_effect=effects[1], daily_cap=caps[1]),
        action("c", score="p_churn", cost_cents=5, assumed_effect=effects[2], daily_cap=caps[2]),
    ]
    rows, _, certificate = decided(people, actions, caps[3])
    ids = [row["customer_id"] for row in rows]
    assert ids == sorted(set(ids))
    assert caps[3] is None or len(rows) <= caps[3]
    known = {one["customer_id"]: one for one in people}
    for row in rows:
        values = [worth(known[row["customer_id"]], what) for what in actions]
        assert row["expected_value_cents"] == values[row["action"]] > 0
        others = [
            (-value, number) for number, value in enumerate(values) if number != row["action"] and value
        ]
        assert row["runner_up"] == (min(others)[1] if others else None)
    for number, what in enumerate(actions):
        assert sum(row["action"] == number for row in rows) <= (what.limits.daily_cap or len(rows))
    total = best_total(people, actions, caps[3]) if people else 0
    assert certificate.value_cents == total
    assert all(value <= total for value in certificate.compared_cents.values())


@pytest.mark.parametrize(
    ("p", "margin", "cost", "value"),
    [(0.5, 1_001, 0, 501), (0.5, 1_000, 10, 490), (0.4999, 1_000, 0, 500), (0.25, 10, 0, 3), (0.2, 10, 1, 1)],
)
def test_half_a_cent_is_rounded_up(p, margin, cost, value):
    one = action("a", score="p_churn", assumed_effect=1.0, margin_cents=margin, cost_cents=cost)
    rows, *_ = decided([person("c", p)], [one])
    assert [row["expected_value_cents"] for row in rows] == [value]


def test_a_value_of_zero_is_no_value():
    rows, funnel, _ = decided([person("c", 0.02)], [action("a", score="p_churn")])
    assert rows == []
    assert (funnel.left["not_eligible"], funnel.left["not_worth_it"]) == (1, 0)


def test_ties_go_to_the_first_action():
    rows, *_ = decided([person(name) for name in ("c3", "c1", "c2")], [action("a"), action("b")])
    assert [(row["customer_id"], row["action"], row["runner_up"]) for row in rows] == [
        ("c1", 0, 1), ("c2", 0, 1), ("c3", 0, 1)
    ]  # fmt: skip


def test_a_scarce_action_goes_to_whom_nothing_else_helps_and_prices_say_what_it_is_worth():
    actions = [
        action("a", score="p_churn", assumed_effect=1.0, daily_cap=1),
        action("b", eligible="x > 2", assumed_effect=0.8),
    ]
    people = [person("only", 0.85, 0.0), person("both", 0.9, 3.0)]
    rows, _, certificate = decided(people, actions)
    assert [(row["customer_id"], row["action"], row["expected_value_cents"]) for row in rows] == [
        ("both", 1, 790), ("only", 0, 840)
    ]  # fmt: skip
    assert certificate.compared_cents == {
        "in file order": 890, "best action, then cut": 890, "greedy by value": 890,
        "greedy by value per cost": 890,
    }  # fmt: skip
    assert certificate.gap == 0.0
    price = certificate.prices_cents["action a"]
    assert 100 <= price <= 840  # another one brings 890 in place of 790, and this one 840 in place of nothing
    assert [row["price_paid"] for row in rows] == [0.0, price]


def test_the_list_cap_keeps_the_most_valuable():
    rows, *_ = decided(
        [person("a", 0.1), person("b", 0.9), person("c", 0.5)], [action("m", score="p_churn")], 2
    )
    assert [row["customer_id"] for row in rows] == ["b", "c"]


def test_the_funnel_counts_customers_at_each_step():
    connection = connect()
    granted = connection.sql("SELECT unnest(['a', 'b']) AS customer_id, unnest([true, false]) AS consent_0")
    consent = Consent("consents table", (("marketing", "mail"),), nw.from_native(granted))
    people = [person("a", 0.9, 3.0), person("b", 0.9, 3.0), person("c", 0.9, 1.0), person("d", None, 3.0)]
    rows, funnel, _ = decided(
        people, [action("m", score="p_churn", eligible="x > 2")], None, consent, connection
    )
    assert [row["customer_id"] for row in rows] == ["a"]
    assert funnel.customers == 4
    assert [funnel.left[one] for one in ("not_eligible", "not_applicable", "no_consent", "not_worth_it")] == [
        3, 2, 1, 1
    ]  # fmt: skip
    found = funnel.by_action_channel["m"]
    assert {reason: n for reason, n in found.items() if n} == {
        "not_eligible": 1, "not_applicable": 1, "no_consent": 1, "listed": 1
    }  # fmt: skip


def test_minimums_are_met_even_at_a_price_and_refused_by_name_where_they_can_not_be():
    people = [person("a", 0.9), person("b", 0.8), person("c", 0.1)]
    actions = [action("m", score="p_churn"), action("n", margin_cents=60, minimum=2)]
    rows, _, certificate = decided(people, actions)
    assert [(row["customer_id"], row["action"]) for row in rows] == [("a", 0), ("b", 1), ("c", 1)]
    assert certificate.prices_cents["minimum of action n"] == pytest.approx(370)  # 390 of m and not 20 of n
    with pytest.raises(InputError, match="action n: 4 are wanted, 3 customers are open"):
        decided(people, [actions[0], action("n", margin_cents=60, minimum=4)])


def test_rules_that_do_not_fit_are_named_together():
    actions = [
        action("a", eligible="y > 1"),
        action("b", eligible="x = 'much'"),
        action("c", eligible="x > 1"),
    ]
    with pytest.raises(ConfigError) as refusal:
        decided([person("c")], actions)
    assert "action a, eligible: at character 1: there is no column 'y'" in str(refusal.value)
    assert "action b, eligible: at character 1: column 'x' is number" in str(refusal.value)
    assert "action c" not in str(refusal.value)
