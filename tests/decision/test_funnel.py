"""The funnel counts each pair once, and each rule of the contact policy with the pairs that it stops."""

import narwhals as nw
import pyarrow as pa

from crm_ml.decision.funnel import AFTER, count
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
    funnel = count(frame, ["x", "y"], outcomes, ("weekly", "never", "monthly"))
    assert funnel.customers == 3
    assert funnel.blocked == {"monthly": 1, "weekly": 2}
    assert {name: n for name, n in funnel.by_action_channel["x"].items() if n} == {
        "contact_policy": 2, "listed": 1
    }  # fmt: skip
    assert {name: n for name, n in funnel.by_action_channel["y"].items() if n} == {
        "no_consent": 1, "contact_policy": 1, "listed": 1
    }  # fmt: skip
    assert (funnel.left["no_consent"], funnel.left["contact_policy"]) == (3, 2)
    assert count(frame, ["x", "y"], outcomes).blocked == {}
