"""The policy: the best action by value, ties by name, cuts by value, on DuckDB and in plain Python alike."""

import math

import narwhals as nw
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from score_world import action

from crm_ml.errors import ConfigError
from crm_ml.score.consent import Consent
from crm_ml.score.policy import choose, count, cut, weigh
from crm_ml.tables.engine import connect

ASSUMED = Consent("assumed", (("marketing", "mail"),), None)


def decided(people, actions, daily_cap=None, consent=ASSUMED, connection=None):
    connection = connection or connect()
    columns = {
        "customer_id": pa.string(),
        "p_churn": pa.float64(),
        "clv_cents": pa.int64(),
        "x": pa.float64(),
    }
    table = pa.Table.from_pylist(people, schema=pa.schema(columns))
    base = nw.from_native(connection.from_arrow(table))
    weighed = weigh(base, actions, consent)
    kept = cut(choose(weighed, len(actions)), actions, daily_cap)
    return kept.collect(backend="pyarrow").to_native().to_pylist(), count(weighed, len(actions))


def person(name, p=None, x=0.0):
    return {"customer_id": name, "p_churn": p, "x": x}


def by_hand(people, actions, daily_cap):
    """Decide in plain Python, one customer after the other."""
    best = []
    for one in people:
        offers = []
        for number, what in enumerate(actions):
            p = one["p_churn"] if what.score else 1.0
            if p is None or (what.eligible and not one["x"] > 2):
                continue
            gain = what.assumed_effect * what.margin_cents
            value = math.floor((p * gain if what.score else gain) + 0.5) - what.cost_cents
            if value > 0:
                offers.append((-value, number))
        offers.sort()
        if offers:
            runner_up = offers[1][1] if len(offers) > 1 else None
            best.append((offers[0][0], one["customer_id"], offers[0][1], runner_up))
    kept = []
    for number, what in enumerate(actions):
        kept += sorted(row for row in best if row[2] == number)[: what.daily_cap]
    return sorted((name, number, -value, second) for value, name, number, second in sorted(kept)[:daily_cap])


people_of_all_kinds = st.lists(
    st.tuples(st.one_of(st.none(), st.sampled_from([0.0, 0.1, 0.25, 0.5, 1.0])), st.sampled_from([1.0, 3.0])),
    max_size=25,
).map(lambda rows: [person(f"c{i}", p, x) for i, (p, x) in enumerate(rows)])


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    people=people_of_all_kinds,
    caps=st.tuples(*[st.one_of(st.none(), st.integers(1, 6))] * 4),
    effects=st.tuples(*[st.sampled_from([0.1, 0.5])] * 3),
)
def test_it_decides_as_by_hand(people, caps, effects):
    actions = [
        action("a", score="p_churn", assumed_effect=effects[0], daily_cap=caps[0]),
        action("b", eligible="x > 2", cost_cents=30, assumed_effect=effects[1], daily_cap=caps[1]),
        action("c", score="p_churn", cost_cents=5, assumed_effect=effects[2], daily_cap=caps[2]),
    ]
    rows, _ = decided(people, actions, caps[3])
    found = [(r["customer_id"], r["action"], r["expected_value_cents"], r["runner_up"]) for r in rows]
    assert found == by_hand(people, actions, caps[3])


@pytest.mark.parametrize(
    ("p", "margin", "cost", "value"),
    [(0.5, 1_001, 0, 501), (0.5, 1_000, 10, 490), (0.4999, 1_000, 0, 500), (0.25, 10, 0, 3), (0.2, 10, 1, 1)],
)
def test_half_a_cent_is_rounded_up(p, margin, cost, value):
    one = action("a", score="p_churn", assumed_effect=1.0, margin_cents=margin, cost_cents=cost)
    rows, _ = decided([person("c", p)], [one])
    assert [row["expected_value_cents"] for row in rows] == [value]


def test_a_value_of_zero_is_no_value():
    rows, funnel = decided([person("c", 0.02)], [action("a", score="p_churn")])
    assert rows == []
    assert (funnel.eligible, funnel.valued_above_zero) == (1, 0)


def test_ties_go_to_the_first_action_and_the_first_customer():
    actions = [action("a", daily_cap=2), action("b")]
    rows, _ = decided([person(name) for name in ("c3", "c1", "c2")], actions, 2)
    assert [(row["customer_id"], row["action"], row["runner_up"]) for row in rows] == [
        ("c1", 0, 1),
        ("c2", 0, 1),
    ]


def test_the_list_cap_keeps_the_most_valuable():
    rows, _ = decided(
        [person("a", 0.1), person("b", 0.9), person("c", 0.5)], [action("m", score="p_churn")], 2
    )
    assert [row["customer_id"] for row in rows] == ["b", "c"]


def test_the_funnel_counts_customers_at_each_step():
    connection = connect()
    granted = connection.sql("SELECT unnest(['a', 'b']) AS customer_id, unnest([true, false]) AS consent_0")
    consent = Consent("consents table", (("marketing", "mail"),), nw.from_native(granted))
    people = [person("a", 0.9, 3.0), person("b", 0.9, 3.0), person("c", 0.9, 1.0), person("d", None, 3.0)]
    rows, funnel = decided(
        people, [action("m", score="p_churn", eligible="x > 2")], None, consent, connection
    )
    assert [row["customer_id"] for row in rows] == ["a"]
    counts = (funnel.known, funnel.scored, funnel.eligible, funnel.consented, funnel.valued_above_zero)
    assert counts == (4, 3, 3, 1, 1)


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
