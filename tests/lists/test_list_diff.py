"""What changed between two lists: every reason once, random lists against a plain oracle, and the command."""

import json
import random
import shutil
from collections import Counter, defaultdict
from datetime import UTC, datetime

import pandas as pd
import pytest
from score_list_files import ingredients, other, row, write_list

from crm_ml.errors import InputError, IntegrityError
from crm_ml.lists.diff import difference
from crm_ml.lists.diff.change_reasons import REASONS
from crm_ml.score.diff import main

KEYS = ("coupon", "push/app", "push/mail", "gift", "call")


def funnel(*keys):
    return {"by_offering": {key: {"listed": 1} for key in keys}}


def control(customer_id, held_out, action_id="coupon", channel="mail"):
    return other(customer_id, "control", held_out=held_out, action_id=action_id, channel=channel)


def reasons_of(tmp_path, old, new):
    """Return kind and reason of every changed row, by customer."""
    difference(old, new, tmp_path / "changes.parquet")
    found = pd.read_parquet(tmp_path / "changes.parquet")
    assert found["customer_id"].is_monotonic_increasing
    return {
        customer: " ".join(why)
        for customer, *why in found[["customer_id", "kind", "reason"]].itertuples(index=False)
    }


@pytest.fixture(scope="module")
def everything(tmp_path_factory):
    """Two lists with one customer, named after it, for each kind and reason."""
    folder = tmp_path_factory.mktemp("lists")
    gone = datetime(2024, 6, 3, tzinfo=UTC)  # the moment of the new list
    old = [
        row("kept", value=70), row("value", value=100), row("cost"),
        row("rem-offered", "gift"), row("rem-universal"), row("rem-action"), row("rem-capacity", value=50),
        row("rem-capacity-expired", expires_at=gone), row("rem-slots"), row("rem-slots", "call", slot=2),
        row("rem-expired", expires_at=gone), row("rem-gone"),
        row("mov-offered", "gift"), row("mov-action"), row("mov-explored"),
        row("mov-was-explored", arm="explore"), row("mov-newly"), row("mov-was-held"),
        row("mov-rose"), row("mov-fell", "push", channel="app"), row("mov-worth", "push", channel="app"),
        row("add-slots"), row("rem-other"),
    ]  # fmt: skip
    app = {"channel": "app"}
    new = [
        row("kept", value=70, slot=2), row("value", value=250), row("cost", cost_cents=99), row("rem-slots"),
        row("mov-offered"), row("mov-action", "push", **app),
        row("mov-explored", "push", arm="explore", **app), row("mov-was-explored", "push", **app),
        row("mov-newly", "visit"),
        row("mov-was-held", "push", channel="mail", price_paid=2.0), row("mov-rose", "push", value=40, **app),
        row("mov-fell", "push", channel="mail", price_paid=2.0),
        row("mov-worth", "push", channel="sms", price_paid=5.0),
        row("add-newly", "visit"), row("add-universal"), row("add-action"), row("add-new"),
        row("add-explored", arm="explore"), row("add-not-chosen"), row("add-slots"),
        row("add-slots", "push", slot=2, **app), row("add-other"),
    ]  # fmt: skip
    for one in old:
        one["price_paid"] = {"coupon": 10.0, "push": 5.0}.get(one["action_id"], 0.0)
    for one in new:
        if one["action_id"] == "coupon":
            one["price_paid"] = 25.0
        elif one["channel"] == "app":
            one["price_paid"] = 5.0
    before = [
        control("add-universal", "universal"), control("add-action", "action"), other("add-not-chosen"),
        control("mov-was-held", "action", "push", "mail"), control("nobody", "universal"),
        control("add-other", "action", "gift"),
    ]  # fmt: skip
    after = [
        control("rem-universal", "universal"), control("rem-action", "action"), other("rem-capacity"),
        other("rem-capacity-expired"), control("mov-action", "action"),
        control("rem-other", "action", "push", "mail"),
    ]  # fmt: skip
    prices = {"prices_cents": {"action push/mail": 4.0, "the list": 3.0}, "list_price_cents": 3.0}
    offered = ["coupon", "push/app", "push/mail", "push/sms", "gift"]
    first = write_list(
        folder / "grocer/a", old, before, ingredients(1), funnel=funnel(*offered), allocation=prices
    )
    made_of = ingredients(3, models={"churn": "cd" * 32, "clv": "12" * 32})
    second = write_list(
        folder / "grocer/b", new, after, made_of,
        funnel=funnel("coupon", "push/app", "push/mail", "push/sms", "call", "visit"),
    )  # fmt: skip
    return first, second


def test_every_reason_is_told_and_the_first_that_holds(tmp_path, everything):
    told = reasons_of(tmp_path, *everything)
    assert told == {
        "value": "changed value",
        "cost": "changed cost",
        "rem-offered": "removed no_longer_offered",
        "rem-universal": "removed held_out",
        "rem-action": "removed held_out_of_action",
        "rem-capacity": "removed capacity",
        "rem-capacity-expired": "removed capacity",
        "rem-slots": "removed fewer_actions",
        "rem-expired": "removed expired",
        "rem-gone": "removed no_candidate",
        "mov-offered": "moved no_longer_offered",
        "mov-action": "moved held_out_of_action",
        "mov-explored": "moved explored",
        "mov-was-explored": "moved was_explored",
        "mov-newly": "moved newly_offered",
        "mov-was-held": "moved was_held_out",
        "mov-rose": "moved price_rose",
        "mov-fell": "moved price_fell",
        "mov-worth": "moved worth",
        "add-newly": "added newly_offered",
        "add-universal": "added was_held_out",
        "add-action": "added was_held_out",
        "add-explored": "added explored",
        "add-not-chosen": "added was_not_chosen",
        "add-slots": "added more_actions",
        "add-new": "added new_candidate",
        "rem-other": "removed held_out_of_action",
        "add-other": "added was_held_out",
    }


def test_totals_moves_ingredients_and_words(everything):
    found = difference(*everything)
    assert found.rows == {"kept": 3, "added": 8, "removed": 9, "moved": 9, "changed": 2}
    assert found.expired == 2
    assert found.moves["coupon", "coupon"] == 5
    assert found.moves["gift", None] == found.moves["gift", "coupon"] == 1
    assert found.moves[None, "visit"] == found.moves["call", None] == 1
    assert sum(rows for (old, _), rows in found.moves.items() if old) == found.old.rows == 23
    assert sum(rows for (_, new), rows in found.moves.items() if new) == found.new.rows == 22
    assert found.ingredients == [
        "as_of: 2024-06-01T00:00:00+00:00, now 2024-06-03T00:00:00+00:00",
        "model churn: abababababab, now cdcdcdcdcdcd",
        "model clv: newly used, 121212121212",
    ]
    words = {one.customer_id: one.words for one in found.examples}
    assert words["rem-capacity-expired"].endswith(
        "is not chosen now: the price of coupon rose from 0.10 to 0.25"
    )
    assert words["mov-rose"].endswith("the price of coupon rose from 0.10 to 0.25")
    # nobody paid for push by mail before: its price is that of its cap and of the list in the manifest
    assert words["mov-fell"].endswith("the price of push/mail fell from 0.07 to 0.02")
    assert words["value"] == "worth another amount now: value from 1.00 to 2.50"
    capacity = next(one for one in found.groups if one.reason == "capacity")
    assert (capacity.rows, capacity.old_value_cents, capacity.new_value_cents) == (2, 150, 0)


def test_a_list_does_not_differ_from_itself(everything):
    found = difference(everything[0], everything[0])
    assert found.rows == {"kept": 23, "added": 0, "removed": 0, "moved": 0, "changed": 0}
    assert (list(found.ingredients), list(found.groups), list(found.examples)) == ([], [], [])


def test_older_lists_tell_no_more_than_their_files(tmp_path):
    old = write_list(tmp_path / "a", [row("c1"), row("c2", "gift")], None, ingredients(1))
    new = write_list(tmp_path / "b", [row("c1"), row("c3")], None, ingredients(2))
    assert reasons_of(tmp_path, old, new) == {"c2": "removed not_listed", "c3": "added was_not_listed"}


def test_an_action_that_only_changed_its_channel_is_not_offered_on_the_old_one(tmp_path):
    facts = {"funnel": funnel("coupon", "push")}
    old = write_list(tmp_path / "a", [row("c1", "push", channel="app")], (), ingredients(1), **facts)
    new = write_list(tmp_path / "b", [row("c1", "push", channel="sms")], (), ingredients(2), **facts)
    assert reasons_of(tmp_path, old, new) == {"c1": "moved no_longer_offered"}


@pytest.mark.parametrize(("budget", "reason"), [({}, "price_fell"), ({"budget mail": 0.2}, "worth")])
def test_no_price_is_made_up_for_what_nobody_got(tmp_path, budget, reason):
    allocation = {"prices_cents": {"action push": 9.0, **budget}, "list_price_cents": 0.0}
    facts = {"funnel": funnel("coupon", "push"), "allocation": allocation}
    old = write_list(tmp_path / "a", [row("c1")], (), ingredients(1), **facts)
    new = write_list(tmp_path / "b", [row("c1", "push", price_paid=1.0)], (), ingredients(2), **facts)
    assert reasons_of(tmp_path, old, new) == {"c1": f"moved {reason}"}


def random_rows(generator):
    rows = []
    for number in range(60):
        chosen = generator.sample(KEYS, generator.choice((0, 1, 1, 1, 2, 3)))
        for slot, key in enumerate(chosen, start=1):
            action, _, channel = key.partition("/")
            value = generator.randrange(3)
            rows.append(row(f"c{number:03d}", action, value, channel=channel or "mail", slot=slot))
    return rows


def oracle(old, new):
    """Match rows customer by customer in plain Python."""
    sides = defaultdict(lambda: ({}, {}))
    for place, rows in enumerate((old, new)):
        for one in sorted(rows, key=lambda one: one["slot"]):
            offering = (one["action_id"], one["channel"])
            sides[one["customer_id"]][place][offering] = one["expected_value_cents"]
    kinds = Counter()
    for was, now in sides.values():
        gone, come = len(was.keys() - now.keys()), len(now.keys() - was.keys())
        kinds["kept"] += sum(was[one] == now[one] for one in was.keys() & now.keys())
        kinds["changed"] += sum(was[one] != now[one] for one in was.keys() & now.keys())
        kinds["moved"] += min(gone, come)
        kinds["removed"] += max(gone - come, 0)
        kinds["added"] += max(come - gone, 0)
    return dict(kinds)


@pytest.mark.parametrize("seed", range(3))
def test_random_lists_with_several_slots_agree_with_a_plain_oracle(tmp_path, seed):
    generator = random.Random(seed)
    old, new = random_rows(generator), random_rows(generator)
    first = write_list(tmp_path / "a", old, (), ingredients(1))
    second = write_list(tmp_path / "b", new, (), ingredients(2))
    found = difference(first, second)
    assert found.rows == oracle(old, new)
    assert found.unchanged + sum(one.rows for one in found.groups if one.kind != "added") == len(old)
    assert found.unchanged + sum(one.rows for one in found.groups if one.kind != "removed") == len(new)
    before = sum(one["expected_value_cents"] for one in old)
    after = sum(one["expected_value_cents"] for one in new)
    changed = sum(one.new_value_cents - one.old_value_cents for one in found.groups)
    assert changed == after - before


def test_the_same_offering_twice_for_a_customer_is_refused(tmp_path):
    old = write_list(tmp_path / "a", [row("c1"), row("c1", slot=2)], (), ingredients(1))
    for number, rows in enumerate(([row("c1", value=7), row("c1", value=8, slot=2)], [row("c1")])):
        new = write_list(tmp_path / f"b{number}", rows, (), ingredients(2 + number))
        with pytest.raises(InputError, match="the same action and channel twice"):
            difference(old, new)


def test_changes_have_the_same_bytes_on_one_thread_and_replace_the_file_whole(
    tmp_path, everything, monkeypatch
):
    out = tmp_path / "deep/changes.parquet"
    difference(*everything, out)
    first = out.read_bytes()
    monkeypatch.setenv("CRM_ML_THREADS", "1")
    difference(*everything, out)
    assert out.read_bytes() == first
    assert [one.name for one in out.parent.iterdir()] == ["changes.parquet"]


def test_the_command_shows_and_writes_everything(tmp_path, everything, capsys):
    path = tmp_path / "diff.json"
    assert main([*map(str, everything), "--json", str(path), "--out", str(tmp_path / "out.parquet")]) == 0
    shown = capsys.readouterr().out
    assert "3 kept, 8 added, 9 removed, 9 moved, 2 changed" in " ".join(shown.split())
    assert "different names" not in shown
    told = json.loads(path.read_text("utf-8"))
    assert told == json.loads(json.dumps(difference(*everything).plain))
    assert told["rows"]["moved"] == 9
    assert len(pd.read_parquet(tmp_path / "out.parquet")) == 28
    assert {one["reason"] for one in told["groups"]} <= set(REASONS)


def test_lists_of_different_names_are_compared_and_it_is_said(tmp_path, everything, capsys):
    other_list = write_list(tmp_path / "toys/a", [row("kept", value=70)], (), ingredients(2))
    assert main([str(everything[0]), str(other_list)]) == 0
    assert "different names: grocer and toys" in capsys.readouterr().out


def test_what_can_not_be_compared_has_its_exit_code_and_leaves_the_lists(tmp_path, everything, capsys):
    first, second = everything
    assert main([str(tmp_path / "nowhere"), str(second)]) == 2
    for option in ("--out", "--json"):
        assert main([str(first), str(second), option, str(second / "new.file")]) == 2
        assert "inside the list" in capsys.readouterr().err
    (tmp_path / "file").write_text("")
    (tmp_path / "taken").mkdir()
    for option in ("--out", "--json"):
        assert main([str(first), str(second), option, str(tmp_path / "taken")]) == 2
        assert main([str(first), str(second), option, str(tmp_path / "file/new")]) == 2
    assert sorted(one.name for one in tmp_path.iterdir()) == ["file", "taken"]
    assert sorted(one.name for one in second.iterdir()) == [
        "list.parquet", "manifest.json", "others.parquet"
    ]  # fmt: skip
    damaged = shutil.copytree(first, tmp_path / "damaged")
    content = bytearray((damaged / "others.parquet").read_bytes())
    content[20] ^= 1
    (damaged / "others.parquet").write_bytes(bytes(content))
    assert main([str(damaged), str(second)]) == 4
    with pytest.raises(IntegrityError, match=r"others\.parquet has changed"):
        difference(damaged, second)
