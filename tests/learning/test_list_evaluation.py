"""What a list brought: planted effects are found, promises judged, another policy valued, errors told."""

import json
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from score_list_files import ingredients, other, row, write_list

from crm_ml import datasets
from crm_ml.score.evaluate import main
from crm_ml.tables import Tables

AS_OF_S = 1_717_200_000
DAY_S = 86_400
SETTINGS = "name: shop\ndata: {name: generated}\nactions: configs/actions/shop.yaml\nconsent: assumed\n"
ACTIONS = """
currency: EUR
actions:
  - &coupon
    action_id: coupon
    channel: mail
    cost_cents: 10
    margin_cents: 1000
    assumed_effect: 0.5
    assumption: chosen for a test
    expires_after_days: 14
    score: p_response
    answer: {kind: letter, days: 14, by: campaign, names: [spring]}
  - {<<: *coupon, action_id: booklet, answer: {kind: letter, days: 60, by: campaign, names: [autumn]}}
"""
EXPIRES = pd.Timestamp(AS_OF_S + 14 * DAY_S, unit="s", tz="UTC").to_pydatetime()
EFFECT = 400  # cents that a treated customer pays more on average
PROMISED = 90  # expected value of a row; with its cost of 10 the margin of the effect


def listed(customer_id, **fields):
    return row(customer_id, **{"value": PROMISED, "expires_at": EXPIRES, "p_churn": None} | fields)


def held(customer_id, what="universal", **fields):
    given = {"action_id": "coupon", "channel": "mail", "expected_value_cents": PROMISED, "cost_cents": 10}
    return other(customer_id, "control", held_out=what, propensity=0.2, **given | fields)


def order_lines(customer_id, days, paid_cents):
    frame = pd.DataFrame({"customer_id": customer_id, "day": days, "paid_cents": paid_cents})
    frame = frame.assign(order_id=[f"o{n}" for n in range(len(frame))], item_id="i", quantity=1)
    frame["ordered_at_epoch_s"] = (AS_OF_S + frame.pop("day") * DAY_S).astype("int64")
    frame["paid_cents"] = frame["paid_cents"].astype("int64")
    return frame.assign(discount_cents=0, coupon_cents=0)


def shop(n=1500, seed=0, effect=EFFECT, last_day=40):
    """Customers whose spend goes on as before; the first four in five are treated and pay more."""
    rng = np.random.default_rng(seed)
    names = np.array([f"c{i:05d}" for i in range(n)])
    treated = np.arange(n) < n * 4 // 5
    liking = rng.lognormal(8, 1, n)
    before, after = (liking * rng.lognormal(0, 0.4, n) for _ in range(2))
    after = after + np.where(treated, rng.exponential(effect or 1, n) * bool(effect), 0)
    lines = order_lines(
        np.concatenate([names, names, names[:1]]),
        np.concatenate([rng.integers(-80, 0, n), rng.integers(0, 14, n), [last_day - 1]]),
        np.concatenate([before, after, [100]]),
    )
    return pd.DataFrame({"customer_id": names}), lines, names[treated], names[~treated]


class World:
    """A project with a shop whose tables the command loads."""

    def __init__(self, folder, monkeypatch):
        self.folder, self.patch = folder, monkeypatch
        for name, text in (("actions/shop", ACTIONS), ("score/default", SETTINGS)):
            path = folder / "configs" / f"{name}.yaml"
            path.parent.mkdir(parents=True)
            path.write_text(text)
        monkeypatch.chdir(folder)
        monkeypatch.delenv("CRM_ML_DATA", raising=False)
        monkeypatch.setenv("COLUMNS", "300")

    def load(self, customers, lines, **others):
        tables = Tables(customers=customers, order_lines=lines, **others).to("duckdb")
        self.patch.setattr(datasets, "load", lambda _name, _path: tables)

    def list(self, rows, others=(), name="2024-06-01-0123456789abcdef", **facts):
        return write_list(self.folder / "lists" / "shop" / name, rows, others, **facts)

    def kept(self, name="2024-06-01-0123456789abcdef"):
        return json.loads((self.folder / "lists/shop/evaluations" / f"{name}.json").read_text())

    def evaluate(self, folder, *arguments):
        assert main([str(folder), "--json", str(self.folder / "all.json"), *arguments]) == 0
        return json.loads((self.folder / "all.json").read_text())


@pytest.fixture
def world(tmp_path, monkeypatch):
    return World(tmp_path, monkeypatch)


def test_the_planted_effect_is_found_beside_the_promise(world, capsys):
    customers, lines, treated, control = shop()
    world.load(customers, lines)
    folder = world.list([listed(name) for name in treated], [held(name) for name in control])
    found = world.evaluate(folder, "--margin", "0.25")
    coupon = found["actions"]["coupon"]
    assert (coupon["rows"], coupon["controls"]) == (1200, 300)
    truth = 1200 * 0.25 * EFFECT
    assert coupon["low"] < truth < coupon["high"]
    assert coupon["promised_cents"] == 1200 * (PROMISED + 10) == truth
    assert coupon["cost_cents"] == 12_000
    assert coupon["net_cents"] == coupon["realised_cents"] - 12_000
    assert coupon["net_high"] == coupon["high"] - 12_000
    assert coupon["net_cents_a_contact"] == pytest.approx(coupon["net_cents"] / 1200, abs=0.005)
    assert coupon["variance_reduction"] > 0.5
    plain = coupon["unadjusted"]
    assert plain["low"] < truth < plain["high"]
    assert plain["high"] - plain["low"] > 1.4 * (coupon["high"] - coupon["low"])
    assert coupon["note"] is None
    shared = coupon.keys() - {"answers", "beside_next_best"}
    assert {name: found["total"][name] for name in shared} == {name: coupon[name] for name in shared}
    assert found["days"] == 14
    assert world.kept() == found
    shown = capsys.readouterr().out
    ends = [f"{coupon[end] / 100:,.2f}" for end in ("realised_cents", "low", "high")]
    assert f"{ends[0]} [{ends[1]}, {ends[2]}]" in shown
    assert f"{coupon['variance_reduction']:.1%}" in shown
    # 2.8 standard errors, of 3.92 between the ends
    assert coupon["smallest_cents"] == pytest.approx(
        (coupon["high"] - coupon["low"]) * 2.8016 / 3.92, rel=1e-4
    )
    assert f"coupon: an increment from {coupon['smallest_cents'] / 100:,.2f} on would have been" in shown


def test_without_an_effect_the_interval_holds_zero_and_costs_are_lost(world):
    customers, lines, treated, control = shop(seed=1, effect=0)
    world.load(customers, lines)
    folder = world.list([listed(name) for name in treated], [held(name) for name in control])
    coupon = world.evaluate(folder)["actions"]["coupon"]
    assert coupon["low"] < 0 < coupon["high"]
    assert abs(coupon["net_cents"] + 12_000 - coupon["realised_cents"]) == 0


def test_only_orders_of_the_window_count_and_refunds_are_taken_off(world):
    names = ["a", "b", "c", "d"]
    lines = order_lines(
        ["a", "a", "a", "b", "b", "c", "d", "d", "d"],
        [0, 13, 14, 5, -1, 3, 2, 4, 30],
        [100, 10, 5_000, 300, 9_000, 50, 500, -420, 1],
    )
    world.load(pd.DataFrame({"customer_id": names}), lines)
    folder = world.list([listed("a"), listed("b")], [held("c"), held("d")])
    plain = world.evaluate(folder, "--margin", "1")["actions"]["coupon"]["unadjusted"]
    assert plain["realised_cents"] == 2 * ((110 + 300) - (50 + 80)) / 2
    longer = world.evaluate(folder, "--margin", "1", "--days", "15")["actions"]["coupon"]["unadjusted"]
    assert longer["realised_cents"] == 280 + 5_000


def test_each_action_has_its_controls_and_all_are_compared_within_actions(world):
    names = [f"c{n}" for n in range(13)]
    paid = [100, 140, 60, 20, 1_000, 1_400, 1_800, 900, 500, 40, 50, 70, 1]
    world.load(pd.DataFrame({"customer_id": names}), order_lines([*names, "c0"], [1] * 13 + [30], [*paid, 0]))
    rows = [listed(name) for name in names[:2]]
    rows += [listed(name, action_id="booklet", cost_cents=20) for name in names[4:7]]
    rows += [listed("c10", action_id="booklet", arm="explore", propensity=0.1)]
    others = [held(name) for name in names[2:4]]
    others += [held(name, action_id="booklet") for name in names[7:9]]
    others += [held("c9", "action"), held("c11", "action"), other("c12", propensity=1.0)]
    rows += [listed("c9", action_id="push", channel="push", cost_cents=3)]
    found = world.evaluate(world.list(rows, others), "--margin", "1")
    actions, total = found["actions"], found["total"]
    assert {key: (one["rows"], one["controls"]) for key, one in actions.items()} == {
        "booklet": (3, 2), "coupon": (2, 2), "push": (1, 0),
    }  # fmt: skip
    assert actions["coupon"]["unadjusted"]["realised_cents"] == 2 * (120 - 40)
    assert actions["booklet"]["unadjusted"]["realised_cents"] == 3 * (1_400 - 700)
    assert total["unadjusted"]["realised_cents"] == 2 * 80 + 3 * 700
    assert total["left_out"] == ["push"]
    assert (total["rows"], total["controls"]) == (5, 4)
    beside = actions["coupon"]["beside_next_best"]
    assert (beside["rows"], beside["kept_from_it"]) == (2, 2)
    # (120 - 10) of the coupon beside (40 - 3) of who got the push and 70 of who got nothing
    assert abs(beside["net_cents_a_contact"] - (110 - (37 + 70) / 2)) < 60
    assert beside["low"] < beside["net_cents_a_contact"] < beside["high"]
    assert "beside_next_best" not in actions["booklet"]


def test_offerings_of_one_action_are_told_apart(world):
    names = ["a", "b", "c", "d"]
    world.load(
        pd.DataFrame({"customer_id": names}), order_lines([*names, "a"], [1] * 4 + [30], [1, 2, 3, 4, 5])
    )
    folder = world.list([listed("a"), listed("b", channel="push")], [held("c"), held("d", channel="push")])
    assert set(world.evaluate(folder)["actions"]) == {"coupon/mail", "coupon/push"}
    funnel = {"by_offering": {"coupon/mail": {}, "coupon/push": {}}}
    folder = world.list([listed("a")], [held("c")], "2024-06-01-fedcba9876543210", funnel=funnel)
    assert set(world.evaluate(folder)["actions"]) == {"coupon/mail"}


@pytest.mark.parametrize(
    ("paid", "controls", "words"),
    [
        ({"a": 5, "b": 7, "c": 9}, ["c"], "too few controls (1)"),
        ({"a": 5, "b": 7}, [], "too few controls (0)"),
        ({"a": 5, "b": 7}, ["c", "d"], "all 2 controls paid nothing"),
        ({"c": 5, "d": 7}, ["c", "d"], "all 2 treated customers paid nothing"),
        ({"a": 5, "b": 7, "c": 5, "d": 8}, ["c", "d"], "only 2 controls: the interval is rough"),
    ],
)
def test_what_can_not_be_told_is_said_in_words(world, capsys, paid, controls, words):
    lines = order_lines([*paid, "e"], [1] * len(paid) + [30], [*paid.values(), 1])
    world.load(pd.DataFrame({"customer_id": list("abcde")}), lines)
    folder = world.list([listed("a"), listed("b")], [held(name) for name in controls])
    found = world.evaluate(folder)["actions"]["coupon"]
    assert words in found["note"]
    assert f"coupon: {found['note']}" in capsys.readouterr().out
    assert (found["low"] is None) == ("rough" not in words)
    assert "NaN" not in (world.folder / "all.json").read_text()


def answered(customers, campaign="spring", day=1):
    frame = pd.DataFrame(
        {"campaign_id": campaign, "customer_id": customers, "kind": "visit", "offer_id": None}
    )
    return frame.assign(responded_at_epoch_s=AS_OF_S + day * DAY_S)


def test_answers_are_judged_by_what_was_promised(world, capsys):
    customers, lines, treated, control = shop()
    rng = np.random.default_rng(3)
    p = np.round(rng.uniform(0.05, 0.5, len(treated)), 3)
    came = rng.random(len(treated)) < p
    silent = treated[~came][:50]
    late, early, strange = answered(silent, day=14), answered(silent, day=-1), answered(silent, "winter")
    responses = pd.concat([answered(treated[came]), late, early, strange, answered(control)])
    world.load(customers, lines, responses=responses)
    rows = [listed(name, p_response=float(one)) for name, one in zip(treated, p, strict=True)]
    rows += [listed(control[0], action_id="booklet", p_response=0.5)]
    found = world.evaluate(world.list(rows, [held(name) for name in control[1:]]))
    answers, calibration = found["actions"]["coupon"]["answers"], found["calibration"]
    assert answers["realised"] == pytest.approx(came.mean(), abs=1e-6)
    assert answers["promised"] == pytest.approx(p.mean(), abs=1e-6)
    assert answers["low"] < answers["realised"] < answers["high"]
    assert (calibration["of"], calibration["rows"]) == ("p_response", 1200)
    assert len(calibration["bins"]) == 10
    assert sum(one["rows"] for one in calibration["bins"]) == 1200
    assert sum(one["low"] <= one["promised"] <= one["high"] for one in calibration["bins"]) >= 8
    assert 0 < calibration["ece"] < 0.05
    lower, upper = calibration["bins"][0], calibration["bins"][-1]
    assert upper["promised"] - lower["promised"] > 0.35
    (note,) = found["notes"]
    assert note.startswith(
        "answers to booklet are not judged: outcomes of 60 days: labels of the snapshot 2024"
    )
    assert "but the data end on 2024-07-11, the day after the last order; wait for later orders" in note
    assert "answers" not in found["actions"]["booklet"]
    assert f"ECE {calibration['ece']:.4f}" in capsys.readouterr().out


def test_tables_without_responses_say_so(world):
    customers, lines, treated, control = shop(60)
    world.load(customers, lines)
    folder = world.list([listed(name, p_response=0.5) for name in treated], [held(name) for name in control])
    found = world.evaluate(folder)
    assert "answers to coupon are not judged: the tables have no responses" in found["notes"]
    assert found["calibration"]["of"] == "value_cents"
    assert found["calibration"]["bins"] == found["value_bins"]


def test_purchases_of_a_category_are_answers_to_their_own_action_alone(world):
    path = world.folder / "configs/actions/shop.yaml"
    text = path.read_text().replace("by: campaign, names: [spring]", "by: category, names: [tea]")
    path.write_text(text.replace("days: 60", "days: 14"))
    names = list("abcde")
    lines = order_lines(["a", "b", "c", "a", "d", "e"], [1, 1, 20, 30, 2, 1], [5, 6, 7, 8, 9, 10])
    lines["item_id"] = ["i", "j", "i", "j", "i", "i"]
    items = pd.DataFrame({"item_id": ["i", "j"], "category": ["tea", "milk"]})
    responses = answered(["a", "d"], "autumn")
    world.load(pd.DataFrame({"customer_id": names}), lines, items=items, responses=responses)
    rows = [listed(name, p_response=0.5) for name in "abc"]
    rows += [listed("e", action_id="booklet", p_response=0.2)]
    actions = world.evaluate(world.list(rows, [held("d")]))["actions"]
    assert actions["coupon"]["answers"]["realised"] == pytest.approx(1 / 3, abs=1e-6)
    assert actions["booklet"]["answers"]["realised"] == 0


def test_values_are_judged_by_tenths_of_the_promise(world):
    customers, lines, treated, control = shop(4000, seed=5)
    rng = np.random.default_rng(0)
    promised = dict(zip([*treated, *control], rng.integers(0, 400, 4000).tolist(), strict=True))
    extra = order_lines(treated, 2, np.array([20 * promised[name] for name in treated]))
    world.load(customers, pd.concat([lines, extra.assign(order_id="x" + extra["order_id"])]))
    rows = [listed(name, value=promised[name] - 10) for name in treated]
    others = [held(name, expected_value_cents=promised[name] - 10) for name in control]
    bins = world.evaluate(world.list(rows, others))["value_bins"]
    assert len(bins) == 10
    assert sum(one["rows"] for one in bins) == 3200
    assert sum(one["controls"] for one in bins) == 800
    ascending = [one["promised"] for one in bins]
    assert ascending == sorted(ascending)
    # a quarter of 20 times the promise, and of the effect that all have
    held_truth = [one["low"] < 5 * one["promised"] + 0.25 * EFFECT < one["high"] for one in bins]
    assert sum(held_truth) >= 9
    assert bins[-1]["low"] > bins[0]["high"]


def logs(rng, n):
    """Actions drawn by a coin, and what comes of them: coupons bring 300 cents, none 0, more for likers."""
    names = np.array([f"c{i:05d}" for i in range(n)])
    liking, p = rng.lognormal(6, 0.5, n), rng.uniform(0.3, 0.7, n)
    coupon = rng.random(n) < p
    paid = liking * rng.lognormal(0, 0.3, n) + 300 * coupon
    lines = order_lines(np.append(names, names[0]), np.append(rng.integers(0, 14, n), 39), np.append(paid, 1))
    before = order_lines(names, -3, liking)
    lines = pd.concat([lines, before.assign(order_id="b" + before["order_id"])])
    rows = [
        listed(name, arm="explore", propensity=float(q))
        for name, q in zip(names[coupon], p[coupon], strict=True)
    ]
    others = [
        other(name, propensity=float(1 - q)) for name, q in zip(names[~coupon], p[~coupon], strict=True)
    ]
    return names, liking, lines, rows, others


def test_another_policy_is_valued_from_the_draws(world, capsys):
    names, liking, lines, rows, others = logs(np.random.default_rng(4), 2000)
    world.load(pd.DataFrame({"customer_id": names}), lines)
    mine = world.list(rows, others)
    policy = ingredients(policy="f" * 64)
    everybody = world.list(
        [listed(name) for name in names], (), "2024-06-01-aaaaaaaaaaaaaaaa", made_of=policy
    )
    value = world.evaluate(mine, "--against", str(everybody), "--margin", "1")["off_policy"]
    truth = liking.mean() * np.exp(0.3**2 / 2) + 300 - 10
    for name in ("ips", "snips", "dr"):
        assert value[name]["low"] < truth < value[name]["high"], name
    width = {name: value[name]["high"] - value[name]["low"] for name in ("ips", "snips", "dr")}
    assert width["dr"] < width["snips"] < width["ips"]
    assert value["gain"]["low"] > 0
    assert (value["customers"], value["matched"]) == (2000, len(rows))
    assert value["mean_weight"] == pytest.approx(1, abs=0.05)
    assert (value["no_overlap"], value["outside_the_log"], value["warnings"]) == (0, 0, [])
    assert "off_policy" not in world.kept()
    assert "doubly robust" in capsys.readouterr().out


def test_a_log_in_which_nothing_happened_values_no_policy(world, capsys):
    names, _, lines, rows, others = logs(np.random.default_rng(4), 60)
    quiet = [lines[lines["order_id"].str.startswith("b")], order_lines(["x"], [30], [1])]
    world.load(pd.DataFrame({"customer_id": [*names, "x"]}), pd.concat(quiet))
    mine = world.list(rows, others)
    policy = ingredients(policy="f" * 64)
    everybody = world.list(
        [listed(name) for name in names], (), "2024-06-01-aaaaaaaaaaaaaaaa", made_of=policy
    )
    value = world.evaluate(mine, "--against", str(everybody))["off_policy"]
    assert (value["matched"], value["events"], "ips" in value) == (len(rows), 0, False)
    assert "warning: all 60 rewards are the same within each action" in capsys.readouterr().out


def test_what_the_log_can_not_know_is_counted_and_told(world, capsys):
    names, _, lines, rows, others = logs(np.random.default_rng(5), 300)
    rows[:50] = [one | {"propensity": 1.0} for one in rows[:50]]
    rows[50:53] = [
        one | {"arm": "treat", "propensity": 0.9} for one in rows[50:53]
    ]  # else explored, not idle
    certain = {one["customer_id"] for one in rows[:53]}
    more = pd.DataFrame({"customer_id": [*names, "x1", "x2", "h1"]})
    world.load(more, lines)
    mine = world.list(rows, [*others, held("h1")])
    wanted = [listed(name) for name in names if name not in certain]
    wanted[:7] = [listed(one["customer_id"], action_id="never") for one in wanted[:7]]
    wanted += [listed("x1"), listed("x2"), listed("h1")]
    theirs = world.list(wanted, (), "2024-06-01-bbbbbbbbbbbbbbbb", made_of=ingredients(policy="f" * 64))
    value = world.evaluate(mine, "--against", str(theirs))["off_policy"]
    assert value["no_overlap"] == 60
    assert value["no_overlap_share"] == pytest.approx(60 / 300)
    assert value["outside_the_log"] == 2
    shown = capsys.readouterr().out
    assert "warning: no overlap in 60 of 300 rows (20.0%)" in shown
    assert "warning: 2 rows of the other list" in shown


def test_a_policy_that_was_never_tried_has_no_value(world, capsys):
    names, _, lines, rows, others = logs(np.random.default_rng(5), 30)
    world.load(pd.DataFrame({"customer_id": names}), lines)
    mine = world.list(rows, others)
    wanted = [listed(name, action_id="never") for name in names]
    theirs = world.list(wanted, (), "2024-06-01-bbbbbbbbbbbbbbbb", made_of=ingredients(policy="f" * 64))
    value = world.evaluate(mine, "--against", str(theirs))["off_policy"]
    assert value["matched"] == 0
    assert "warning: 0 of 30 customers got what the other policy gives" in capsys.readouterr().out


def test_customers_with_several_rows_have_no_off_policy_value(world, capsys):
    names, _, lines, rows, others = logs(np.random.default_rng(5), 30)
    world.load(pd.DataFrame({"customer_id": names}), lines)
    mine = world.list([*rows, rows[0] | {"slot": 2}], others)
    assert main([str(mine), "--against", str(mine)]) == 2
    assert "1 customers have several rows" in capsys.readouterr().err


def test_a_shorter_window_does_not_replace_a_longer_one(world, capsys):
    customers, lines, treated, control = shop(60)
    world.load(customers, lines)
    folder = world.list([listed(name) for name in treated], [held(name) for name in control])
    assert main([str(folder)]) == 0
    first = (folder.parent / "evaluations" / f"{folder.name}.json").read_bytes()
    assert main([str(folder)]) == 0
    assert (folder.parent / "evaluations" / f"{folder.name}.json").read_bytes() == first
    assert main([str(folder), "--days", "30"]) == 0
    assert world.kept()["days"] == 30
    assert main([str(folder), "--days", "7"]) == 0
    assert world.kept()["days"] == 30
    assert "evaluation of 30 days already" in capsys.readouterr().out
    assert [path.name for path in (folder.parent / "evaluations").iterdir()] == [f"{folder.name}.json"]


def test_tables_that_end_too_early_are_refused_with_both_dates(world, capsys):
    customers, lines, treated, control = shop(60, last_day=14)
    world.load(customers, lines)
    folder = world.list([listed(name) for name in treated], [held(name) for name in control])
    assert main([str(folder)]) == 0
    assert main([str(folder), "--days", "15"]) == 2
    told = capsys.readouterr().err
    assert "end on 2024-06-16" in told
    assert (
        "the data end on 2024-06-15, the day after the last order; wait for later orders, or give fewer"
        in told
    )
    assert world.kept()["days"] == 14


def test_tables_of_other_customers_are_refused(world, capsys):
    customers, lines, treated, control = shop(60)
    world.load(customers, lines)
    folder = world.list([listed(f"x{name}") for name in treated], [held(name) for name in control])
    assert main([str(folder)]) == 2
    assert "48 of 60 rows are of customers that the tables do not know" in capsys.readouterr().err
    assert not (folder.parent / "evaluations").exists()


def test_everything_wrong_is_told_at_once(world, capsys):
    mine = world.list([listed("a")])
    theirs = world.list(
        [listed("a")], (), "2024-06-02-bbbbbbbbbbbbbbbb", made_of=ingredients(2, data="0" * 64)
    )
    arguments = ["--days", "0", "--margin", "25", "--json", "none/all.json", "--config", "score/absent"]
    assert main([str(mine), "--against", str(theirs), *arguments]) == 2
    told = capsys.readouterr().err
    prints = "fingerprint of the tables 0000000000000000000, not ddddddddddddddddddd"
    for words in ("--days is 0", "--margin is 25.0", "--json none/all.json", "there are score/default",
                  "day 2024-06-02", prints):  # fmt: skip
        assert words in told, words
    assert main(["lists/nowhere"]) == 2
    assert "there is no list" in capsys.readouterr().err


def test_a_damaged_list_exits_with_4(world, capsys):
    mine = world.list([listed("a")])
    path = mine / "list.parquet"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    assert main([str(mine), "--margin", "7"]) == 4
    told = capsys.readouterr().err
    assert "list.parquet has changed" in told
    assert "--margin is 7.0" in told
    bare = world.list([listed("a")], None, "2024-06-01-cccccccccccccccc")
    assert main([str(bare)]) == 4
    assert "no others.parquet" in capsys.readouterr().err


def test_a_list_without_rows_has_nothing_to_evaluate(world, capsys):
    assert main([str(world.list([], [held("a")]))]) == 2
    assert "nothing to evaluate" in capsys.readouterr().err


def test_help_needs_no_heavy_library(tmp_path):
    heavy = "{'mlflow', 'lightgbm', 'sklearn', 'matplotlib', 'pandas', 'pyarrow', 'numba', 'scipy'}"
    code = (
        "import sys; from crm_ml.score.evaluate import main\ntry: main(['--help'])\nexcept SystemExit: pass\n"
        f"print(sorted({heavy} & set(sys.modules)))"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, env=environment
    )
    assert done.stdout.splitlines()[-1] == "[]", done.stdout + done.stderr
