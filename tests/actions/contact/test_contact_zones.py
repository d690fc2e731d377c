"""Days of contact rules are days of the tables' zone, also over a change of the clock."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from contact_world import AS_OF_S, on_channel, planned_times, policy, tables

from crm_ml.actions.contact.blocked_actions import blocked
from crm_ml.actions.contact.contact_history import contacts
from crm_ml.snapshots import Snapshot
from crm_ml.tables.bundle import to_pandas

PUSH = on_channel("push", "push")
ZONES = {"America/New_York": "2024-03-12", "Europe/Berlin": "2024-10-29", "Pacific/Auckland": "2024-04-09"}


def touched(zone: str, *times: datetime):
    """Tables of a zone, without the checks of whole ones, and touches of customer a."""
    sent = [("push", "a", int(time.timestamp()), "push") for time in times]
    return replace(tables("duckdb", touches=sent), zone=zone).identified("f")


def is_blocked(zone: str, day: str, at: datetime, **rules) -> bool:
    own, snapshot = touched(zone, at), Snapshot(day, timedelta(days=1), zone=zone)
    content = policy(**rules)
    history = contacts(own, snapshot, [PUSH])
    stopped = blocked(own, snapshot, [PUSH], content, history)
    return stopped is not None and len(to_pandas(stopped)) > 0


@pytest.mark.parametrize(("zone", "day"), ZONES.items())
@pytest.mark.parametrize(
    "rules",
    [
        {"windows": [{"at_most": 1, "days": 7}]},
        {"never_after": [{"action": "push", "after": "push", "days": 7}]},
    ],
    ids=["window", "never after"],
)
def test_a_rule_of_seven_days_begins_at_a_midnight_of_the_zone(zone, day, rules):
    first = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(zone)) - timedelta(days=7)
    begins = first.astimezone(UTC)  # a contact exactly so many days ago no longer counts
    assert not is_blocked(zone, day, begins, **rules)
    assert is_blocked(zone, day, begins + timedelta(seconds=1), **rules)


@pytest.mark.parametrize(("zone", "hour"), [("America/New_York", 13), ("Asia/Kolkata", 3.5), ("UTC", 9)])
def test_quiet_hours_without_a_zone_are_those_of_the_tables(zone, hour):
    own = touched(zone, datetime.fromtimestamp(AS_OF_S - 60, UTC))
    day = Snapshot("2024-06-03", timedelta(days=1), zone=zone)
    planned = planned_times(own, day, policy(quiet_hours={"from": 21, "to": 9}))
    expected = datetime(2024, 6, 3, tzinfo=UTC) + timedelta(hours=hour)
    assert set(planned["send_at_epoch_s"]) == {int(expected.timestamp())}
