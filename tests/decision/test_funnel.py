"""The funnel counts each pair once, and each rule of the contact policy with the pairs that it stops."""

from collections import Counter

import narwhals as nw
import pyarrow as pa

from crm_ml.decision.funnel import AFTER, count, funnel
from crm_ml.decision.open_actions import STATUS
from crm_ml.tables.engine import connect


def test_pairs_customers_and_rules_are_counted():
    blocked, opened, refused = (STATUS.index(name) for name in ("contact_policy", "open", "no_consent"))
    weighed = pa.table(
        {
            "customer_id": ["a", "b", "c"],
            "status_0": pa.array([blocked, opened, blocked], pa.int8()),
            "rule_0": ["weekly", None, "monthly"],
            "status_1": pa.array([blocked, refused, opened], pa.int8()),
            "rule_1": ["weekly", "weekly", None],
        }
    )
    frame = nw.from_native(connect().from_arrow(weighed))
    outcomes = {name: [0, 0] for name in AFTER} | {"listed": [1, 1]}
    rules = ("weekly", "never", "monthly")
    steps = funnel(count(frame, 2, rules), ["x", "y"], outcomes, rules)
    assert steps.customers == 3
    assert steps.blocked == {"monthly": 1, "weekly": 2}
    assert {name: n for name, n in steps.by_action_channel["x"].items() if n} == {
        "contact_policy": 2, "listed": 1
    }  # fmt: skip
    assert {name: n for name, n in steps.by_action_channel["y"].items() if n} == {
        "no_consent": 1, "contact_policy": 1, "listed": 1
    }  # fmt: skip
    assert (steps.left["no_consent"], steps.left["contact_policy"]) == (3, 2)
    assert funnel(count(frame, 2), ["x", "y"], outcomes).blocked == {}
    parts = [frame.filter(nw.col("customer_id") == name) for name in ("c", "a", "nobody", "b")]
    summed = sum((count(part, 2, rules) for part in parts), Counter())
    assert funnel(summed, ["x", "y"], outcomes, rules) == steps
