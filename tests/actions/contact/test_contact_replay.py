"""Many nightly lists on the simulated shop, sent as far as the policy lets them: counted again by hand.

Each list takes everybody who may be contacted. What was sent is reported the next day, days late or never, so
that the policy knows it from the touches or from the earlier lists.
"""

import dataclasses
import zoneinfo
from collections import defaultdict
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from contact_oracle import first_block
from contact_world import DAY_S, blocks, on_channel, planned_times, policy, snapshot, write_list
from soak import SEED, size

from crm_ml.datasets import load

pytestmark = [pytest.mark.xdist_group("replay"), pytest.mark.slow]
START, DAYS, CUSTOMERS = datetime(2023, 9, 20, tzinfo=UTC), size(60, 60, 200), 200
START_S = int(START.timestamp())
ZONES = ("America/New_York", "Europe/Berlin", "Asia/Kolkata", "nowhere", None)  # both clocks change meanwhile
HOME = "America/New_York"
ACTIONS = (
    on_channel("call", "phone"),
    on_channel("coupon", "mail", ("booklet",)),
    on_channel("push", "push"),
    on_channel("push", "sms"),
    on_channel("welcome", "mail"),
)
RULES = {
    "groups": {"money": ["coupon", "call"]},
    "windows": [
        {"at_most": 3, "days": 7},
        {"at_most": 2, "days": 7, "per": "channel"},
        {"at_most": 1, "days": 2, "per": "channel", "of": "push"},
        {"at_most": 1, "days": 5, "per": "group"},
    ],
    "cool_downs": [
        {"after": "bought", "days": 2},
        {"after": "complained", "days": 5, "kind": "cart"},
        {"after": "responded", "days": 6, "per": "action", "blocks": "group"},
        {"after": "ignored", "times": 3, "days": 10, "per": "channel", "within_days": 5},
    ],
    "exclusive": [{"actions": ["coupon", "call"], "days": 10}],
    "never_after": [{"action": "welcome", "after": "coupon"}, {"action": "call", "after": "push", "days": 2}],
}
POLICY = policy(
    **RULES,
    quiet_hours={"from": 21, "to": 9},
    time_zone=HOME,
    time_zone_column="home",
    send_time={"prior_strength": 5},
)


@dataclasses.dataclass
class Replay:
    """What was sent: one tuple a row, (list's as_of, customer, action, sent); and each day's blocks."""

    sent: list
    blocks: list
    zones: dict
    orders: dict
    complaints: dict
    responses: dict
    early_responses: dict
    before: list
    reported: int


@pytest.fixture(scope="module")
def replay(tmp_path_factory):
    """Run the nights."""
    folder, rng = tmp_path_factory.mktemp("replay"), np.random.default_rng(SEED)
    shop = _shop(folder)
    frames = {name: shop.pandas(name) for name in ("customers", "touches", "responses", "campaigns")}
    zones = dict(
        zip(frames["customers"]["customer_id"], [ZONES[i % 5] for i in range(CUSTOMERS)], strict=True)
    )
    shop = dataclasses.replace(shop, customers=_polars(frames["customers"].assign(home=list(zones.values()))))
    early = frames["touches"][frames["touches"]["sent_at_epoch_s"] < START_S]
    touches = list(
        early[["campaign_id", "customer_id", "sent_at_epoch_s", "channel"]].itertuples(index=False)
    )
    responses = frames["responses"][["campaign_id", "customer_id", "responded_at_epoch_s"]]
    responses = [one for one in responses.itertuples(index=False) if one.responded_at_epoch_s < START_S]
    answered = defaultdict(list)
    for one in responses:  # to campaigns of others, which may be an answer to any touch
        answered[one.customer_id].append((None, int(one.responded_at_epoch_s)))
    run = Replay(
        [], [], zones, _times(shop, "orders"), _times(shop, "events"), {}, answered, list(touches), 0
    )
    paths, late = [], []
    for day in range(DAYS):
        as_of = START + timedelta(days=day)
        now = int(as_of.timestamp())
        reported = [one for known_from, one in late if known_from <= now]
        run.reported = len(reported)
        known = dataclasses.replace(
            shop,
            touches=_touches([*touches, *reported]),
            responses=_responses([*responses, *_given(run)]),
            campaigns=_campaigns(frames["campaigns"]),
        )
        found = blocks(known, ACTIONS, POLICY, paths, as_of)
        run.blocks.append(found)
        rows = _choose(known, found, as_of, rng)
        paths.append(_write(folder, rows, as_of))
        for customer, action, sent in rows:
            run.sent.append((now, customer, action, sent))
            late += _report(rng, customer, action, sent)
            if rng.random() < 0.1:
                run.responses.setdefault(customer, []).append(
                    (action.action_id, sent + int(rng.integers(4 * DAY_S)))
                )
    return run


def _shop(folder):
    shop = load(
        "simulated", path=folder, customers=CUSTOMERS, days=270 + DAYS, campaigns=2, lines_per_order=1
    )
    return dataclasses.replace(shop.to("polars"), consents=None, assignments=None, items=None)


def _polars(frame):
    import polars as pl

    return pl.from_pandas(frame)


def _touches(rows):
    names = ["campaign_id", "customer_id", "sent_at_epoch_s", "channel"]
    return _polars(pd.DataFrame([tuple(one) for one in rows], columns=names))


def _responses(rows):
    names = ["campaign_id", "customer_id", "responded_at_epoch_s"]
    return _polars(pd.DataFrame([tuple(one) for one in rows], columns=names))


def _campaigns(given):
    ours = [("call", "phone"), ("coupon", None), ("booklet", "mail"), ("push", None), ("welcome", "mail")]
    span = {"starts_at_epoch_s": START_S, "ends_at_epoch_s": START_S + DAYS * DAY_S}
    ours = pd.DataFrame(ours, columns=["campaign_id", "channel"]).assign(**span)
    return _polars(pd.concat([given[list(ours)], ours]))


def _times(shop, name):
    frame = shop.pandas(name)
    frame = frame[frame["purchase"] == 1] if name == "orders" else frame[frame["kind"] == "cart"]
    at = "ordered_at_epoch_s" if name == "orders" else "occurred_at_epoch_s"
    found = defaultdict(set)
    for customer, moment in zip(frame["customer_id"], frame[at], strict=True):
        found[customer].add(int(moment))
    return found


def _given(run):
    return [(action, customer, at) for customer, own in run.responses.items() for action, at in own]


def _choose(known, found, as_of, rng):
    """Give everybody one of the actions that are free, at the planned time."""
    rows = {}
    for customer in known.pandas("customers")["customer_id"]:
        free = [one for number, one in enumerate(ACTIONS) if (customer, number) not in found]
        if free:
            rows[customer] = free[rng.integers(len(free))]
    chosen = pd.DataFrame({"customer_id": list(rows)}, dtype="str")  # nobody on some days of a long replay
    frame = planned_times(known, snapshot(as_of), POLICY, chosen["customer_id"])
    times = dict(zip(frame["customer_id"], frame["send_at_epoch_s"].astype(int), strict=True))
    return [(customer, action, times[customer]) for customer, action in rows.items()]


def _write(folder, rows, as_of):
    content = [(who, one.action_id, one.channel, sent, 14) for who, one, sent in rows]
    return write_list(folder / f"{as_of:%Y-%m-%d}" / "list.parquet", content, as_of)


def _report(rng, customer, action, sent):
    """Return the touch and since when it is known: after sending, days later, or never."""
    campaign = "booklet" if action.action_id == "coupon" and rng.random() < 0.5 else action.action_id
    channel = None if campaign in ("booklet", "call", "welcome") else action.channel
    lag = [0, int(rng.integers(1, 6)) * DAY_S, None][rng.choice(3, p=[0.6, 0.2, 0.2])]
    return [] if lag is None else [(sent + 1 + lag, (campaign, customer, sent, channel))]


def of_customers(run):
    """All contacts of each customer, in order: (action, channel, sent, as_of of the list or None)."""
    found = defaultdict(list)
    for one in run.before:
        found[one.customer_id].append((None, one.channel, int(one.sent_at_epoch_s), None))
    for now, customer, action, sent in run.sent:
        found[customer].append((action.action_id, action.channel, sent, now))
    return found


def belongs(rule, contact):
    """The scopes of a rule that a contact is in."""
    action, channel = contact[:2]
    names = {
        "customer": ["all"],
        "channel": [channel],
        "action": [action],
        "group": ["money"] if action in RULES["groups"]["money"] else [],
    }[rule.get("per", "customer")]
    return [name for name in names if name is not None and rule.get("of") in (None, name)]


def test_the_worst_case_was_played(replay):
    assert len(replay.sent) > 3000
    assert len(replay.sent) * 0.6 < replay.reported < len(replay.sent) * 0.85
    assert {one[2] for one in replay.sent} == set(ACTIONS)
    assert {name for found in replay.blocks for name in found.values()} == set(POLICY.rule_names)


@pytest.mark.parametrize("rule", RULES["windows"], ids=[rule.rule for rule in POLICY.windows])
def test_no_window_is_ever_overfull(replay, rule):
    length, full = rule["days"] * DAY_S, 0
    for contacts in of_customers(replay).values():
        scopes = defaultdict(list)
        for contact in contacts:
            for scope in belongs(rule, contact):
                scopes[scope].append(contact[2])
        for times in scopes.values():
            for at in times:
                from_here = sum(at <= other < at + length for other in times)
                until_here = sum(at - length < other <= at for other in times)
                assert from_here <= rule["at_most"]
                assert until_here <= rule["at_most"]
                full += from_here == rule["at_most"]
    assert full > 100


def test_actions_that_exclude_each_other_never_meet_and_none_comes_after_what_it_must_not(replay):
    close, later = 0, 0
    for contacts in of_customers(replay).values():
        ours = [one for one in contacts if one[3] is not None]
        for action, _, sent, _ in ours:
            for other, _, before, _ in ours:
                gap = sent - before
                if {action, other} == {"coupon", "call"} and gap >= 0:
                    assert gap >= 10 * DAY_S
                    close += gap < 14 * DAY_S
                if (action, other) == ("call", "push") and gap >= 0:
                    assert gap > DAY_S
                    later += gap < 4 * DAY_S
                assert (action, other) != ("welcome", "coupon") or gap < 0
    assert close > 10
    assert later > 10


def test_nothing_is_sent_in_quiet_hours(replay):
    hours = defaultdict(set)
    for now, customer, _, sent in replay.sent:
        given = replay.zones[customer]
        zone = given if given in ZONES[:3] else HOME
        hours[zone].add(datetime.fromtimestamp(sent, UTC).astimezone(zoneinfo.ZoneInfo(zone)).hour)
        assert now <= sent < now + DAY_S
    assert set(hours) == set(ZONES[:3])
    assert all(min(own) >= 9 and max(own) < 21 and len(own) > 6 for own in hours.values())


@pytest.mark.soak("nightly lists of 200 customers", DAYS)
def test_blocks_are_those_of_a_count_of_all_that_was_sent_and_no_more(replay):
    """So cool-downs hold, and whoever has room is contacted the same day."""
    contacts, contacted = of_customers(replay), defaultdict(set)
    for now, customer, _, _ in replay.sent:
        contacted[now].add(customer)
    for day in range(0, DAYS, 3):
        now, free = START_S + day * DAY_S, set()
        for customer in list(replay.zones)[day % 2 :: 2]:
            past = {
                "contacts": [one[:3] for one in contacts[customer] if one[3] is None or one[3] < now],
                "orders": [at for at in replay.orders[customer] if at < now],
                "complaints": [at for at in replay.complaints[customer] if at < now],
                "responses": [one for one in replay.responses.get(customer, []) if one[1] < now],
            }
            past["responses"] += replay.early_responses[customer]
            for number, action in enumerate(ACTIONS):
                rule = first_block(RULES, POLICY.rule_names, action, past, now)
                assert replay.blocks[day].get((customer, number)) == rule
                if rule is None:
                    free.add(customer)
        assert free == contacted[now] & set(list(replay.zones)[day % 2 :: 2])
