"""Who was contacted when: touches, and rows of earlier lists until a touch says what became of them."""

from datetime import timedelta

import pandas as pd
import pytest
from contact_world import AS_OF, ENGINES, ago, history, on_channel, snapshot, tables, write_list

from crm_ml.actions.contact.contact_history import contacts
from crm_ml.actions.contact.past_lists import deal_past_lists, past_lists_of
from crm_ml.errors import ConfigError, IntegrityError
from crm_ml.parts.part_number import part_sql
from crm_ml.tables.engine import connect

ACTIONS = (on_channel("coupon", "mail", ("c1", "c2")), on_channel("push", "push"), on_channel("push", "sms"))


@pytest.mark.parametrize("engine", ENGINES)
def test_a_touch_belongs_to_the_action_of_its_campaign(engine):
    given = tables(
        engine,
        campaigns=[("coupon", "mail"), ("c1", "post"), ("c2", None), ("push", "push"), ("x", None)],
        touches=[
            ("coupon", "a", ago(1), None),
            ("c1", "a", ago(2), None),
            ("c1", "b", ago(2), "mail"),
            ("c2", "b", ago(3), None),
            ("x", "b", ago(4), "sms"),
            ("x", "c", ago(5), None),
        ],
    )
    assert history(given, ACTIONS) == [
        ("a", "coupon", "mail", ago(1)),
        ("a", "coupon", "post", ago(2)),
        ("b", "coupon", "mail", ago(2)),
        ("b", "coupon", None, ago(3)),
        ("b", None, "sms", ago(4)),
        ("c", None, None, ago(5)),
    ]


@pytest.mark.parametrize("engine", ENGINES)
def test_tables_may_lack_channels_campaigns_and_touches(engine):
    touches = pd.DataFrame({"campaign_id": ["push"], "customer_id": ["a"], "sent_at_epoch_s": [ago(1)]})
    campaigns = pd.DataFrame({"campaign_id": ["push"]})
    assert history(tables(engine, touches=touches), ACTIONS) == [("a", "push", None, ago(1))]
    both = tables(engine, touches=touches, campaigns=campaigns)
    assert history(both, ACTIONS) == [("a", "push", None, ago(1))]
    assert history(tables(engine), ACTIONS) == []


def test_a_touch_is_known_from_the_moment_after_it():
    given = tables(touches=[("push", "a", ago(0), "push"), ("push", "b", ago(0, seconds=1), "push")])
    assert history(given, ACTIONS) == [("b", "push", "push", ago(0, seconds=1))]


def test_a_campaign_belongs_to_one_action():
    twice = (on_channel("a", "mail", ("c", "d")), on_channel("b", "mail", ("c", "a", "d")))
    with pytest.raises(ConfigError, match=r"more than one action: a \(a, b\); c \(a, b\); d \(a, b\)"):
        contacts(tables(), snapshot(), twice)


def planned(folder, *rows, day=5):
    """A list of some days ago with rows (customer, action, send_at) that are void after three days."""
    rows = [(who, action, action, at, 3) for who, action, at in rows]
    return write_list(folder / f"{day}" / "list.parquet", rows, AS_OF - timedelta(days=day))


@pytest.mark.parametrize("engine", ENGINES)
def test_a_row_counts_at_its_time_until_a_touch_replaces_it(engine, tmp_path):
    path = planned(
        tmp_path,
        ("a", "push", ago(5, -3600)),
        ("b", "push", None),
        ("c", "push", ago(5, -3600)),
        ("c", "coupon", ago(5, -3600)),
    )
    given = tables(engine, touches=[("push", "c", ago(3), "sms")])
    assert history(given, ACTIONS, [path]) == [
        ("a", "push", "push", ago(5, -3600)),
        ("b", "push", "push", ago(5)),
        ("c", "coupon", "coupon", ago(5, -3600)),
        ("c", "push", "sms", ago(3)),
    ]


@pytest.mark.parametrize(
    ("campaign", "sent", "replaced"),
    [
        ("push", ago(5), True),
        ("push", ago(5, 1), False),  # before the list was made
        ("push", ago(2, 1), True),
        ("push", ago(2), False),  # when the row is void
        ("coupon", ago(4), False),  # another action
        ("x", ago(4), False),
    ],
)
def test_only_a_touch_of_the_action_in_time_replaces_a_row(campaign, sent, replaced, tmp_path):
    path = planned(tmp_path, ("a", "push", ago(5, -7200)))
    found = history(tables(touches=[(campaign, "a", sent, "push")]), ACTIONS, [path])
    assert len(found) == (1 if replaced else 2)
    assert any(row[3] == sent for row in found)
    other = history(tables(touches=[(campaign, "b", sent, "push")]), ACTIONS, [path])
    assert len(other) == 2  # another customer's touch


def test_a_touch_replaces_one_row_the_nearest(tmp_path):
    paths = [planned(tmp_path, ("a", "push", ago(day, -3600)), day=day) for day in (5, 4, 3)]
    found = history(tables(touches=[("push", "a", ago(3, -3600), "push")]), ACTIONS, paths)
    # the sending of the last list is on record; those of the others may have been sent all the same
    assert [row[3] for row in found] == [ago(5, -3600), ago(4, -3600), ago(3, -3600)]
    found = history(tables(touches=[("push", "a", ago(4, -7200), "push")]), ACTIONS, paths)
    assert [row[3] for row in found] == [ago(5, -3600), ago(4, -7200), ago(3, -3600)]
    all_told = [("push", "a", ago(day, -7200), "push") for day in (5, 4, 3)]
    found = history(tables(touches=all_told), ACTIONS, paths)
    assert [row[3] for row in found] == [ago(5, -7200), ago(4, -7200), ago(3, -7200)]


def test_of_two_rows_as_near_the_earlier_is_replaced(tmp_path):
    paths = [planned(tmp_path, ("a", "push", ago(at)), day=day) for day, at in ((6, 5), (5, 3))]
    found = history(tables(touches=[("push", "a", ago(4), "push")]), ACTIONS, paths)
    assert [row[3] for row in found] == [ago(4), ago(3)]


def test_one_action_planned_twice_for_one_second_is_one_contact(tmp_path):
    paths = [planned(tmp_path, ("a", "push", ago(4, -3600)), ("b", "push", ago(4, -7200)), day=4)]
    paths += [planned(tmp_path, ("a", "push", ago(4, -3600)), day=5)]
    assert [row[3] for row in history(tables(), ACTIONS, paths)] == [ago(4, -3600), ago(4, -7200)]


def test_rows_planned_ahead_count_and_later_lists_do_not(tmp_path):
    ahead = planned(tmp_path, ("a", "push", ago(-1)), day=1)
    same_day = planned(tmp_path, ("b", "push", None), day=0)
    assert history(tables(), ACTIONS, [ahead, same_day]) == [("a", "push", "push", ago(-1))]


def test_lists_without_times_of_sending_are_read_beside_others(tmp_path):
    old = planned(tmp_path, ("a", "push", None), day=4)
    pd.read_parquet(old).drop(columns="send_at").to_parquet(old, index=False)
    assert history(tables(), ACTIONS, [old]) == [("a", "push", "push", ago(4))]
    new = planned(tmp_path, ("b", "push", ago(3, -60)), day=3)
    assert history(tables(), ACTIONS, [old, new]) == [
        ("a", "push", "push", ago(4)),
        ("b", "push", "push", ago(3, -60)),
    ]


@pytest.mark.parametrize("count", [1, 8])
def test_contacts_are_those_of_all_parts_together(count, tmp_path):
    names = [f"k{number}" for number in range(40)]
    rows = [[(who, "push", ago(day, -3600)) for who in names[day :: 3 - day]] for day in (1, 2)]
    rows[0].append(("of no table", "coupon", None))
    files = [planned(tmp_path, *own, day=day) for day, own in enumerate(rows, start=1)]
    pd.read_parquet(files[1]).drop(columns="send_at").to_parquet(files[1], index=False)
    touches = [("push", who, ago(1, -7200), "sms") for who in names[::4]]
    expected = history(tables(customers=names, touches=touches), ACTIONS, files)
    dealt, found = tmp_path / "dealt", []
    for _ in range(2):  # the second time it is there
        deal_past_lists(files, count, dealt)
    numbers = connect().execute(f"SELECT {part_sql('unnest(?)', count)}", [names]).fetchall()
    part = dict(zip(names, (number for (number,) in numbers), strict=True))
    for number in range(count):
        own = [who for who in names if part[who] == number]
        given = tables(customers=own, touches=[touch for touch in touches if touch[1] in own])
        found += history(given, ACTIONS, past_lists_of(dealt, number))
    assert sorted(found, key=repr) == expected
    assert any(row[0] == "of no table" for row in found)
    next(dealt.glob("part=*/*.parquet")).write_bytes(b"")
    with pytest.raises(IntegrityError, match="changed"):
        [past_lists_of(dealt, number) for number in range(count)]
