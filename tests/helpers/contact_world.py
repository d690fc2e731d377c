"""Small tables for the contact policy, and its rules once more in plain Python."""

import json
import tempfile
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import narwhals as nw
import pandas as pd
import pyarrow as pa

from crm_ml.actions.action_identity import ActionIdentity
from crm_ml.actions.contact.blocked_actions import blocked
from crm_ml.actions.contact.contact_history import contacts
from crm_ml.actions.contact.contact_policy import ContactPolicy
from crm_ml.actions.contact.customer_hours import HabitSums, expected_hours, write_hours
from crm_ml.actions.contact.send_time import send_times
from crm_ml.snapshots import Snapshot
from crm_ml.tables import Tables
from crm_ml.tables.bundle import to_pandas
from crm_ml.tables.engine import connect_for_frames
from crm_ml.tables.strict import validate

AS_OF = datetime(2024, 6, 1, tzinfo=UTC)
AS_OF_S = 1_717_200_000
DAY_S = 86_400
ENGINES = ("duckdb", "pandas", "polars")
KINDS = {
    "customers": {"customer_id": "str"},
    "order_lines": {
        "customer_id": "str",
        "order_id": "str",
        "item_id": "str",
        "ordered_at_epoch_s": "int64",
        "quantity": "int64",
        "paid_cents": "int64",
        "discount_cents": "int64",
        "coupon_cents": "int64",
        "refund_of": "str",
    },
    "campaigns": {"campaign_id": "str", "channel": "str"},
    "touches": {"campaign_id": "str", "customer_id": "str", "sent_at_epoch_s": "int64", "channel": "str"},
    "responses": {"campaign_id": "str", "customer_id": "str", "responded_at_epoch_s": "int64"},
    "events": {"customer_id": "str", "kind": "str", "occurred_at_epoch_s": "int64"},
}


def on_channel(action_id, channel, campaigns=()):
    return ActionIdentity(action_id=action_id, channel=channel, campaigns=campaigns)


def policy(**content):
    """Read a policy as it stands in YAML."""
    return validate(json.loads(json.dumps(content)), ContactPolicy, "test")


def snapshot(as_of=AS_OF):
    return Snapshot(as_of, timedelta(days=1))


def ago(days=0, seconds=0):
    """Epoch seconds of a moment before `AS_OF`."""
    return AS_OF_S - days * DAY_S - seconds


def line(customer, at, order="o", refund_of=None):
    return (customer, order, "i", at, 1, 100, 0, 0, refund_of)


def tables(engine="polars", customers=("a", "b", "c"), **rows):
    """Make tables of rows; customers, and order lines, always stand in them."""
    if not isinstance(customers, pd.DataFrame):
        customers = [(one,) for one in customers]
    content = {"customers": customers, "order_lines": []} | rows
    frames = {name: _frame(name, given) for name, given in content.items()}
    return (
        Tables(**frames).identified(uuid.uuid4().hex).to(engine)
    )  # not checked: they are as small as can be


def _frame(name, given):
    if isinstance(given, pd.DataFrame):
        return given
    return pd.DataFrame(given, columns=list(KINDS[name])).astype(KINDS[name])


def history(given, actions, past_lists=(), as_of=AS_OF):
    """Return the contacts, sorted, as tuples with None."""
    frame = to_pandas(contacts(given, snapshot(as_of), actions, past_lists))
    assert list(frame.columns) == ["customer_id", "action_id", "channel", "sent_at_epoch_s"]
    rows = [tuple(None if pd.isna(cell) else cell for cell in row) for row in frame.itertuples(index=False)]
    return sorted(rows, key=repr)


def blocks(given, actions, rules, past_lists=(), as_of=AS_OF):
    """Return the rule that forbids each action: {(customer, number of the action): name}."""
    found = contacts(given, snapshot(as_of), actions, past_lists)
    frame = blocked(given, snapshot(as_of), actions, rules, found)
    if frame is None:
        return None
    frame = to_pandas(frame)
    assert list(frame.columns) == ["customer_id", *(f"blocked_{i}" for i in range(len(actions)))]
    assert frame["customer_id"].is_unique
    assert frame.drop(columns="customer_id").notna().any(axis=1).all()
    told = frame.melt(id_vars="customer_id").dropna()
    return {
        (row.customer_id, int(row.variable.removeprefix("blocked_"))): row.value
        for row in told.itertuples(index=False)
    }


def planned_times(given, day, rules, customers=None, segments=None, parts=None):
    """Return when each customer is sent to, chosen part by part: a frame, or None without a rule."""
    ids = given.pandas("customers")["customer_id"] if customers is None else customers
    parts = [given] if parts is None else parts
    with tempfile.TemporaryDirectory() as made, connect_for_frames() as connection:
        folders = [Path(made) / str(number) for number in range(len(parts))]
        sums = HabitSums()
        for part, folder in zip(parts, folders, strict=True):
            folder.mkdir()
            sums += write_hours(part, day, rules, folder, segments)
        expected = expected_hours(sums, rules, given.zone)
        frames = []
        for part, folder in zip(parts, folders, strict=True):
            own = ids if len(parts) == 1 else part.pandas("customers")["customer_id"]
            who = nw.from_native(connection.from_arrow(pa.table({"customer_id": pa.array(own, pa.string())})))
            planned = send_times(folder, day, rules, given.zone, who, expected)
            frames += [] if planned is None else [to_pandas(planned)]
    return pd.concat(frames, ignore_index=True) if frames else None


def write_list(path, rows, as_of=AS_OF):
    """Write what the policy reads of a list: customer, action, channel, send_at and days until it is void."""
    path.parent.mkdir(parents=True, exist_ok=True)
    frame = pd.DataFrame(rows, columns=["customer_id", "action_id", "channel", "send_at", "void"])
    frame["send_at"] = pd.to_datetime(frame["send_at"], unit="s", utc=True).astype("datetime64[us, UTC]")
    frame["as_of"] = pd.Series([as_of] * len(frame), dtype="datetime64[us, UTC]")
    frame["expires_at"] = frame["as_of"] + pd.to_timedelta(frame.pop("void"), unit="D")
    frame.to_parquet(path, index=False)
    return path
