"""Customers weighed and decided by the gates, without a model or a table."""

import tempfile
from pathlib import Path

import narwhals as nw
import pyarrow as pa

from crm_ml.actions.consent_gate import Consent
from crm_ml.decision.allocation_limits import limits_of
from crm_ml.decision.allocator import allot, write_allotted
from crm_ml.decision.funnel import count
from crm_ml.decision.gates import Gates, choose, weigh
from crm_ml.tables.bundle import write_parquet
from crm_ml.tables.engine import connect

ASSUMED = Consent("assumed", (("marketing", "mail"),), None)


def decided(people, actions, daily_cap=None, consent=ASSUMED, connection=None, **gates):
    """Weigh, allot and choose; return the rows, the funnel and the certificate."""
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
    weighed = weigh(base, actions, Gates(consent, **gates))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "weighed.parquet"
        write_parquet(weighed.sort("customer_id"), path)
        weighed = nw.from_native(connection.read_parquet(str(path)))
        allotment = allot(path, actions, limits_of(actions, daily_cap), None, "2024-06-01")
        write_allotted(path, allotment, path.with_name("allotted.parquet"))
        allotted = nw.from_native(connection.read_parquet(str(path.with_name("allotted.parquet"))))
        kept = choose(weighed, allotted, len(actions)).collect(backend="pyarrow").to_native().to_pylist()
        funnel = count(weighed, actions, allotment.outcomes)
    certificate = allotment.certificate
    assert certificate.value_cents == sum(row["priority"] for row in kept)
    assert all(sum(found.values()) == len(people) for found in funnel.by_offering.values())
    return kept, funnel, certificate


def person(name, p=None, x=0.0):
    return {"customer_id": name, "p_churn": p, "x": x}
