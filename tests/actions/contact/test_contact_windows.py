"""Boundaries of the counting rules to the second, and that windows are never filled beyond their number."""

from datetime import timedelta

import numpy as np
import pytest
from contact_world import AS_OF, AS_OF_S, DAY_S, ago, blocks, line, on_channel, policy, tables, write_list

from crm_ml.errors import ConfigError

MAIL, PUSH, SMS = on_channel("mail", "mail"), on_channel("push", "push"), on_channel("push", "sms")


def touched(*times, campaign="push", channel="push"):
    return [(campaign, "a", at, channel) for at in times]


def blocked_now(touches, actions=(PUSH,), past_lists=(), **rules):
    return blocks(tables(touches=touches), actions, policy(**rules), past_lists) or {}


ONE_A_WEEK = {"windows": [{"at_most": 1, "days": 7}]}


def test_a_contact_exactly_the_days_ago_no_longer_counts():
    assert blocked_now(touched(ago(7)), **ONE_A_WEEK) == {}
    assert blocked_now(touched(ago(7, -1)), **ONE_A_WEEK) == {("a", 0): "at_most_1_in_7d_per_customer"}


def test_a_window_blocks_from_its_number_on():
    two = {"windows": [{"at_most": 2, "days": 7}]}
    assert blocked_now(touched(ago(1)), **two) == {}
    assert len(blocked_now(touched(ago(1), ago(2)), **two)) == 1
    assert blocked_now(touched(ago(1), ago(2)), **{"windows": [{"at_most": 3, "days": 7}]}) == {}


def test_channels_and_actions_count_on_their_own():
    both = touched(ago(1), channel="push") + touched(ago(2), channel=None)
    per_channel = {"windows": [{"at_most": 1, "days": 7, "per": "channel"}]}
    assert set(blocked_now(both, (MAIL, PUSH, SMS), **per_channel)) == {("a", 1)}
    per_action = {"windows": [{"at_most": 2, "days": 7, "per": "action"}]}
    assert set(blocked_now(both, (MAIL, PUSH, SMS), **per_action)) == {("a", 1), ("a", 2)}
    of_mail = {"windows": [{"at_most": 1, "days": 7, "per": "channel", "of": "mail"}]}
    assert blocked_now(both, (MAIL, PUSH, SMS), **of_mail) == {}
    unknown = touched(ago(1), campaign="x", channel=None)
    assert blocked_now(unknown, (MAIL, PUSH), **per_channel) == {}
    assert set(blocked_now(unknown, (MAIL, PUSH), **ONE_A_WEEK)) == {("a", 0), ("a", 1)}


def test_actions_that_exclude_each_other_do_so_within_their_days():
    either = {"exclusive": [{"actions": ["mail", "push"], "days": 3}]}
    other = on_channel("other", "mail")
    assert set(blocked_now(touched(ago(3, -1)), (MAIL, PUSH, other), **either)) == {("a", 0)}
    assert blocked_now(touched(ago(3)), (MAIL, PUSH, other), **either) == {}


def test_never_after_holds_for_ever_or_for_its_days():
    ever = {"never_after": [{"action": "mail", "after": "push"}]}
    assert blocked_now(touched(ago(3000)), (MAIL, PUSH), **ever) == {("a", 0): "mail_never_after_push"}
    week = {"never_after": [{"action": "mail", "after": "push", "days": 7}]}
    assert blocked_now(touched(ago(7)), (MAIL, PUSH), **week) == {}
    assert set(blocked_now(touched(ago(7, -1)), (MAIL, PUSH), **week)) == {("a", 0)}
    once = {"never_after": [{"action": "push", "after": "push"}]}
    assert set(blocked_now(touched(ago(99)), (MAIL, PUSH), **once)) == {("a", 1)}


def test_what_an_earlier_list_plans_for_later_counts(tmp_path):
    path = write_list(
        tmp_path / "list.parquet", [("a", "push", "push", AS_OF_S + 3600, 9)], AS_OF - timedelta(days=1)
    )
    assert set(blocked_now([], past_lists=[path], **ONE_A_WEEK)) == {("a", 0)}
    ever = {"never_after": [{"action": "mail", "after": "push"}]}
    assert set(blocked_now([], (MAIL,), past_lists=[path], **ever)) == {("a", 0)}


def test_the_first_rule_in_the_order_of_the_policy_is_named():
    rules = {"windows": [{"at_most": 9, "days": 7}, {"at_most": 1, "days": 7, "per": "channel"}]}
    rules["exclusive"] = [{"actions": ["mail", "push"], "days": 7}]
    found = blocked_now(touched(ago(1)), (MAIL, PUSH), **rules)
    assert found == {("a", 0): "exclusive_mail_push_7d", ("a", 1): "at_most_1_in_7d_per_channel"}


def test_without_rules_there_is_nothing_to_block():
    quiet = policy(quiet_hours={"from": 21, "to": 9}, send_time={}, groups={"g": ["push"]})
    assert blocks(tables(touches=touched(ago(1))), (PUSH,), quiet) is None
    assert blocks(tables(touches=touched(ago(1))), (), policy(**ONE_A_WEEK)) is None


def test_a_cool_down_that_could_never_hold_is_refused():
    rules = policy(
        cool_downs=[{"after": after, "days": 3} for after in ("complained", "responded", "bought", "ignored")]
    )
    with pytest.raises(ConfigError) as told:
        blocks(tables(), (PUSH,), rules)
    assert "customer_3d_after_complained_per_customer: after: complained needs the table events" in str(
        told.value
    )
    assert "responded needs the table responses" in str(told.value)
    assert str(told.value).count("\n") == 2


COOL = {"after": "bought", "days": 4, "within_days": 2}


@pytest.mark.parametrize(
    ("sent", "bought", "holds"),
    [
        (ago(3), ago(3), True),  # in the second of the touch
        (ago(3), ago(3, 1), False),  # before it
        (ago(3), ago(1, 1), True),
        (ago(3), ago(1), False),  # when its days are over
        (ago(5), ago(4, -1), True),
        (ago(5), ago(4), False),  # exactly the days ago
    ],
)
def test_a_purchase_cools_down_if_a_touch_was_near(sent, bought, holds):
    given = tables(touches=touched(sent), order_lines=[line("a", bought)])
    assert bool(blocks(given, (PUSH,), policy(cool_downs=[COOL]))) is holds


def test_refunds_are_no_purchases_and_an_order_of_several_times_is_one():
    sent = touched(ago(3))
    refund = tables(touches=sent, order_lines=[line("a", ago(2), refund_of="o1")])
    assert blocks(refund, (PUSH,), policy(cool_downs=[COOL])) == {}
    twice = policy(cool_downs=[COOL | {"times": 2}])
    one_order = tables(touches=sent, order_lines=[line("a", ago(2)), line("a", ago(2, -60))])
    assert blocks(one_order, (PUSH,), twice) == {}
    orders = [line("a", ago(2)), line("a", ago(2, -60), order="p")]
    assert blocks(tables(touches=sent, order_lines=orders), (PUSH,), twice) != {}


IGNORED = {"after": "ignored", "times": 2, "days": 4, "within_days": 2}


@pytest.mark.parametrize(
    ("sent", "answered", "holds"),
    [
        ((ago(3), ago(2)), None, True),
        ((ago(3), ago(2, -1)), None, False),  # the second one may still be answered
        ((ago(4), ago(3), ago(1)), None, True),  # one that may still be answered does not end the row
        ((ago(4), ago(3), ago(1)), ago(0, 5), False),  # unless it is
        ((ago(3),), None, False),
        ((ago(7), ago(6, -1)), None, True),  # ignored since just less than four days ago
        ((ago(7), ago(6)), None, False),
        ((ago(3), ago(2)), ago(2), False),
        ((ago(9), ago(3), ago(2)), ago(8), True),  # only the last two count
    ],
)
def test_touches_ignored_in_a_row_cool_down(sent, answered, holds):
    rules = policy(cool_downs=[IGNORED])
    bought = [] if answered is None else [line("a", answered)]
    assert bool(blocks(tables(touches=touched(*sent), order_lines=bought), (PUSH,), rules)) is holds
    given = [] if answered is None else [("push", "a", answered)]
    with_responses = tables(touches=touched(*sent), responses=given)
    assert bool(blocks(with_responses, (PUSH,), rules)) is holds


def test_a_response_to_another_action_answers_nothing():
    rules = policy(cool_downs=[IGNORED | {"times": 1}, {"after": "responded", "days": 9, "name": "answered"}])
    mine, other, unknown = (
        tables(touches=touched(ago(3)), responses=[(campaign, "a", ago(2))])
        for campaign in ("push", "mail", "x")
    )
    both = (PUSH, MAIL)
    assert set(blocks(mine, both, rules).values()) == {"answered"}
    assert set(blocks(unknown, both, rules).values()) == {"answered"}
    assert "answered" not in blocks(other, both, rules).values()
    assert len(blocks(other, both, rules)) == 2


def test_no_interval_of_the_days_ever_holds_more_than_the_number(tmp_path):
    """Lists at any time, rows sent at any time after: every half-open interval that starts at a contact."""
    rng = np.random.default_rng(0)
    rules = {"windows": [{"at_most": 2, "days": 3}, {"at_most": 1, "days": 2, "per": "channel"}]}
    customers, sent, as_of = [f"k{i}" for i in range(60)], [], AS_OF
    given = tables(customers=customers)
    for _ in range(25):
        as_of += timedelta(seconds=int(rng.integers(1, DAY_S)))
        now = int(as_of.timestamp())
        rows = [(who, action, channel, at, 99) for action, who, at, channel in sent]
        known = [write_list(tmp_path / "list.parquet", rows)]
        found = blocks(given, (MAIL, PUSH), policy(**rules), known, as_of)
        for customer in customers:
            free = [one for i, one in enumerate((MAIL, PUSH)) if (customer, i) not in found]
            if free:
                one, later = free[rng.integers(len(free))], int(rng.integers(0, 2 * DAY_S))
                sent.append((one.action_id, customer, now + later, one.channel))
    assert len(sent) > 300
    for customer in customers:
        mine = [one for one in sent if one[1] == customer]
        for start in (one[2] for one in mine):
            assert sum(start <= one[2] < start + 3 * DAY_S for one in mine) <= 2
            for channel in ("mail", "push"):
                of_channel = [one for one in mine if one[3] == channel]
                assert sum(start <= one[2] < start + 2 * DAY_S for one in of_channel) <= 1
