"""The section contact_policy: what it may say, how rules are called, and names that the catalogue lacks."""

import pytest
from contact_world import on_channel, policy

from crm_ml.actions.contact.contact_policy import ContactPolicy, QuietHours
from crm_ml.errors import ConfigError

ACTIONS = [on_channel("coupon", "mail"), on_channel("reminder", "push"), on_channel("reminder", "sms")]


def test_an_empty_section_has_no_rule():
    assert policy().rules == ()
    assert policy() == ContactPolicy()


def test_rules_have_stable_names():
    asked = policy(
        windows=[
            {"at_most": 2, "days": 7},
            {"at_most": 1, "days": 2, "per": "channel", "of": "push"},
            {"name": "gently", "at_most": 9, "days": 90},
        ],
        cool_downs=[
            {"after": "ignored", "times": 3, "days": 30, "per": "channel"},
            {"after": "complained", "days": 90, "blocks": "customer", "per": "action", "of": "coupon"},
        ],
        exclusive=[{"actions": ["coupon", "reminder"], "days": 3}],
        never_after=[{"action": "coupon", "after": "reminder"}, {"action": "a", "after": "b", "days": 5}],
    )
    assert asked.rule_names == (
        "at_most_2_in_7d_per_customer",
        "at_most_1_in_2d_per_channel_push",
        "gently",
        "channel_30d_after_ignored_3x_per_channel",
        "customer_90d_after_complained_per_action_coupon",
        "exclusive_coupon_reminder_3d",
        "coupon_never_after_reminder",
        "a_never_after_b_5d",
    )


def test_all_mistakes_come_at_once():
    with pytest.raises(ConfigError) as told:
        policy(
            windows=[{"at_most": 0, "days": 7}, {"at_most": 1, "days": 7, "of": "push"}, {"days": 7.5}],
            cool_downs=[{"after": "slept", "days": 1}],
            exclusive=[{"actions": ["a"], "days": 1}],
            quiet_hours={"from": 9, "to": 9},
            time_zone="Europe/Berlim",
            send_time={"events": False, "orders": False, "prior_strength": 0},
            window=[],
        )
    for part in (
        "windows[0].at_most",
        "windows[1]: of: 'push' needs per",
        "windows[2].at_most: Field required",
        "windows[2].days",
        "cool_downs[0].after",
        "exclusive[0].actions",
        "quiet_hours: from 9 to 9",
        "did you mean 'Europe/Berlin'?",
        "send_time.prior_strength",
        "window: Extra",
    ):
        assert part in str(told.value)


def test_nothing_to_learn_from_is_refused():
    with pytest.raises(ConfigError, match="nothing to learn"):
        policy(send_time={"events": False, "orders": False})


def test_two_rules_need_two_names():
    twice = [{"after": "bought", "days": 3, "within_days": days} for days in (1, 2)]
    with pytest.raises(ConfigError, match="customer_3d_after_bought_per_customer; give them names"):
        policy(cool_downs=twice)
    named = policy(cool_downs=[twice[0], twice[1] | {"name": "slow"}])
    assert named.rule_names == ("customer_3d_after_bought_per_customer", "slow")


def test_all_unknown_names_come_at_once_with_hints():
    asked = policy(
        groups={"money": ["coupn", "coupon"]},
        windows=[
            {"at_most": 1, "days": 7, "per": "channel", "of": "psh"},
            {"at_most": 1, "days": 7, "per": "group", "of": "mony"},
            {"at_most": 1, "days": 7, "per": "action", "of": "reminder"},
        ],
        cool_downs=[{"after": "bought", "days": 1, "per": "channel", "of": "fax"}],
        exclusive=[{"actions": ["coupon", "remind"], "days": 1}],
        never_after=[{"action": "coupons", "after": "coupon"}, {"action": "coupon", "after": "remindr"}],
    )
    with pytest.raises(ConfigError) as told:
        asked.check(ACTIONS)
    assert str(told.value).split("\n") == [
        "contact_policy: 7 names that the catalogue does not have",
        "  groups.money: there is no action 'coupn'; did you mean 'coupon'?",
        "  windows[0].of: there is no channel 'psh'; did you mean 'push'?",
        "  windows[1].of: there is no group 'mony'; did you mean 'money'?",
        "  cool_downs[0].of: there is no channel 'fax'; known are mail, push, sms",
        "  exclusive[0].actions: there is no action 'remind'; did you mean 'reminder'?",
        "  never_after[0].action: there is no action 'coupons'; did you mean 'coupon'?",
        "  never_after[1].after: there is no action 'remindr'; did you mean 'reminder'?",
    ]


def test_rules_about_groups_need_groups():
    asked = policy(
        windows=[{"at_most": 1, "days": 7, "per": "group"}],
        cool_downs=[{"after": "bought", "days": 7, "blocks": "group"}],
    )
    with pytest.raises(
        ConfigError, match=r"(?s)at_most_1_in_7d_per_group: there is no group.*group_7d_after"
    ):
        asked.check(ACTIONS)
    policy(groups={"money": ["coupon"]}, windows=[{"at_most": 1, "days": 7, "per": "group"}]).check(ACTIONS)


@pytest.mark.parametrize(
    ("starts", "ends", "quiet"),
    [(21, 9, {21, 22, 23, *range(9)}), (0, 7, set(range(7))), (22, 24, {22, 23}), (12, 14, {12, 13})],
)
def test_quiet_hours_hold_from_the_first_until_before_the_last(starts, ends, quiet):
    hours = policy(quiet_hours={"from": starts, "to": ends}).quiet_hours
    assert hours == QuietHours(starts=starts, ends=ends)
    assert {hour for hour in range(24) if hours.is_quiet(hour)} == quiet
