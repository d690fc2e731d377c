"""Customers weighed and decided, without a model or a table."""

import tempfile
from pathlib import Path

import narwhals as nw
import pyarrow as pa

from crm_ml.actions.consent_check import Consent
from crm_ml.decision import funnel
from crm_ml.decision.allocation_limits import limits_of
from crm_ml.decision.allocator import allocate_list, write_allocated
from crm_ml.decision.open_actions import Conditions, choose, weigh
from crm_ml.tables.bundle import write_parquet
from crm_ml.tables.engine import connect

ASSUMED = Consent("assumed", (("marketing", "mail"),), None)


def decided(people, actions, daily_cap=None, consent=ASSUMED, connection=None, **conditions):
    """Weigh, allocate and choose; return the rows, the funnel and the certificate."""
    connection = connection or connect()
    columns = {
        "customer_id": pa.string(),
        "p_churn": pa.float64(),
        "p_alive": pa.float64(),
        "clv_cents": pa.int64(),
        "x": pa.float64(),
    }
    table = pa.Table.from_pylist(people, schema=pa.schema(columns))
    base = nw.from_native(connection.from_arrow(table))
    weighed = weigh(base, actions, Conditions(consent, **conditions))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "weighed.parquet"
        write_parquet(weighed.sort("customer_id"), path)
        weighed = nw.from_native(connection.read_parquet(str(path)))
        costs = [action.value.cost_cents for action in actions]
        allocation = allocate_list([path], costs, limits_of(actions, daily_cap), None, "2024-06-01")
        write_allocated(path, allocation.of_part(0), path.with_name("allocated.parquet"))
        allocated = nw.from_native(connection.read_parquet(str(path.with_name("allocated.parquet"))))
        rows = choose(weighed, allocated, len(actions)).collect(backend="pyarrow").to_native().to_pylist()
        counts = funnel.count(weighed, len(actions))
        steps = funnel.funnel(counts, [action.key for action in actions], allocation.outcomes)
    certificate = allocation.certificate
    assert certificate.value_cents == sum(row["priority"] for row in rows)
    assert all(sum(pairs.values()) == len(people) for pairs in steps.by_action_channel.values())
    return rows, steps, certificate


def person(name, p=None, x=0.0):
    return {"customer_id": name, "p_churn": p, "x": x}
