"""Published lists in real files, written row by row as their format says, for tests of what reads them."""

from datetime import UTC, datetime, timedelta

import pyarrow as pa

from crm_ml.lists.list_columns import of_list
from crm_ml.storage import manifest, parquet
from crm_ml.storage.identity import identity

MOMENT = pa.timestamp("us", tz="UTC")
OTHERS = pa.schema(
    {
        "list_id": pa.string(), "as_of": MOMENT, "customer_id": pa.string(), "arm": pa.string(),
        "held_out": pa.string(), "action_id": pa.string(), "channel": pa.string(),
        "expected_value_cents": pa.int64(), "cost_cents": pa.int64(), "propensity": pa.float64(),
    }
)  # fmt: skip
LATER = {"priority": pa.float64(), "send_at": MOMENT}


def ingredients(day=1, **changes):
    made_of = {
        "as_of": f"2024-06-{day:02d}T00:00:00+00:00",
        "data": "d" * 64,
        "models": {"churn": "ab" * 32},
        "policy": "e" * 64,
    }
    return made_of | changes


def row(customer_id, action_id="coupon", value=100, **fields):
    """A row of a list; `value` in cents."""
    defaults = {
        "channel": "mail", "slot": 1, "item_ids": [], "item_p": [], "item_reasons": [], "arm": "treat",
        "propensity": 1.0, "cost_cents": 10, "reason_codes": ["rfm_days_since_order=41 (+0.83)"],
        "consent_basis": "consents table", "value_basis": "p_churn x assumed effect",
        "priority": float(value), "p_churn": 0.4,
        "model_versions": ["churn@abababababab"], "policy_version": "eeeeeeeeeeee", "price_paid": 0.0,
        "expires_at": datetime(2024, 6, 30, tzinfo=UTC),
    }  # fmt: skip
    given = {"customer_id": customer_id, "action_id": action_id, "expected_value_cents": value}
    return defaults | given | fields


def other(customer_id, arm="none", **fields):
    """A row of ``others.parquet``."""
    return {"customer_id": customer_id, "arm": arm, "propensity": 1.0} | fields


def write_list(folder, rows, others=(), made_of=None, drop=(), **facts):
    """Write a list as its format says and return its folder; `others` None leaves its file out."""
    made_of = made_of or ingredients()
    shared = {"list_id": identity(made_of), "as_of": datetime.fromisoformat(made_of["as_of"])}
    told = {
        "list_id": shared["list_id"],
        "ingredients": made_of,
        "rows": len(rows),
        "currency": "EUR",
    } | facts
    with manifest.new_folder(folder, **told) as inside:
        fill(inside, rows, others, shared, drop)
    return folder


def fill(folder, rows, others=(), shared=None, drop=()):
    """Write the files of rows into a folder that is there."""
    shared = shared or {"list_id": "f" * 32, "as_of": datetime(2024, 6, 1, tzinfo=UTC)}
    kinds = {field.name: field.type for field in of_list()}
    kinds |= {name: kind for name, kind in LATER.items() if name not in kinds}
    columns = pa.schema({name: kind for name, kind in kinds.items() if name not in drop})
    ordered = sorted(rows, key=lambda one: (one["customer_id"], one["slot"]))
    write(folder / "list.parquet", [shared | one for one in ordered], columns)
    if others is not None:
        ordered = sorted(others, key=lambda one: (one["customer_id"], one["arm"], one.get("action_id") or ""))
        write(folder / "others.parquet", [shared | one for one in ordered], OTHERS)


def write(path, rows, columns):
    given = {field.name: pa.array([one.get(field.name) for one in rows], field.type) for field in columns}
    parquet.write([pa.table(given, schema=columns)], columns, path)


def hours_later(hours):
    return datetime(2024, 6, 1, tzinfo=UTC) + timedelta(hours=hours)
