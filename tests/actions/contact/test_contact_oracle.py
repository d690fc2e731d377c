"""All rules at once, on random histories, on every engine, against a count in plain Python."""

import numpy as np
import pytest
from contact_oracle import first_block
from contact_world import AS_OF_S, DAY_S, ENGINES, blocks, line, on_channel, policy, tables

ACTIONS = (
    on_channel("coupon", "mail", ("c1", "c2")),
    on_channel("push", "push"),
    on_channel("push", "sms"),
    on_channel("call", "phone", ("c3",)),
)
GROUPS = {"money": ["coupon", "call"], "soft": ["push", "call"]}
CAMPAIGNS = {"coupon": "coupon", "c1": "coupon", "c2": "coupon", "push": "push", "c3": "call", "other": None}
CHANNELS = {"coupon": "mail", "c1": "mail", "push": "push", "c3": "phone", "c2": None, "other": None}
CASES = {
    "windows": {
        "windows": [
            {"at_most": 3, "days": 7},
            {"at_most": 2, "days": 5, "per": "channel"},
            {"at_most": 1, "days": 3, "per": "channel", "of": "sms"},
            {"at_most": 2, "days": 9, "per": "group"},
            {"at_most": 1, "days": 4, "per": "group", "of": "soft"},
            {"at_most": 1, "days": 6, "per": "action"},
            {"at_most": 1, "days": 11, "per": "action", "of": "call"},
        ]
    },
    "exclusion": {
        "exclusive": [{"actions": ["coupon", "call"], "days": 6}],
        "never_after": [{"action": "push", "after": "call"}, {"action": "call", "after": "call", "days": 9}],
    },
}
PER = ("customer", "channel", "group", "action")
CASES |= {
    f"{after} per {per}": {
        "cool_downs": [
            {
                "after": after,
                "days": days,
                "times": times,
                "per": per,
                "blocks": blocked,
                "within_days": within,
            }
            for days, times, within, all_blocks in ((5, 1, 2, PER), (9, 2, 3, (per,)))
            for blocked in all_blocks
        ]
    }
    for after in ("bought", "responded", "complained", "ignored")
    for per in PER
}
CASES["cool-downs of one"] = {
    "cool_downs": [
        {"after": "ignored", "days": 9, "within_days": 2, "per": "channel", "of": "sms", "blocks": "action"},
        {"after": "bought", "days": 9, "per": "group", "of": "soft", "blocks": "channel"},
        {"after": "responded", "days": 9, "per": "action", "of": "coupon", "blocks": "group"},
    ]
}


def world(seed, n_customers=80):
    """Random rows on a grid of half days, so that times often fall on the boundaries."""
    rng = np.random.default_rng(seed)
    rows = {"touches": set(), "orders": [], "responses": set(), "events": []}
    customers = [f"k{i}" for i in range(n_customers)]
    for customer in customers:

        def moment():
            return AS_OF_S - int(rng.integers(1, 26)) * DAY_S // 2

        for _ in range(rng.integers(0, 7)):
            campaign = str(rng.choice(list(CAMPAIGNS)))
            own = [None, "sms", "push"][rng.integers(0, 3)]
            rows["touches"].add((campaign, customer, moment(), own))
        rows["orders"] += [(customer, moment()) for _ in range(rng.integers(0, 3))]
        for _ in range(rng.integers(0, 3)):
            rows["responses"].add((str(rng.choice(list(CAMPAIGNS))), customer, moment()))
        rows["events"] += [(customer, "complaint", moment()) for _ in range(rng.integers(0, 2))]
        rows["events"] += [(customer, "visit", moment())]
    return customers, rows


def expected(customers, rows, rules, names):
    found = {}
    for customer in customers:
        past = {
            "contacts": [
                (CAMPAIGNS[campaign], own or CHANNELS[campaign], sent)
                for campaign, who, sent, own in rows["touches"]
                if who == customer
            ],
            "orders": [at for who, at in rows["orders"] if who == customer],
            "responses": [(CAMPAIGNS[c], at) for c, who, at in rows["responses"] if who == customer],
            "complaints": [
                at
                for at in {at for who, kind, at in rows["events"] if who == customer and kind == "complaint"}
            ],
        }
        for number, action in enumerate(ACTIONS):
            rule = first_block(rules, names, action, past, AS_OF_S)
            if rule is not None:
                found[customer, number] = rule
    return found


@pytest.fixture(scope="module")
def worlds():
    """The same two random worlds on every engine."""
    made = [world(seed) for seed in (0, 1)]
    return {engine: [(*one, _tables(engine, *one)) for one in made] for engine in ENGINES}


@pytest.mark.parametrize("case", CASES)
def test_each_rule_alone_blocks_as_a_count_by_hand(case, worlds):
    found = 0
    for number, part in enumerate(_alone(CASES[case])):
        customers, rows, given = worlds["polars"][number % 2]
        asked = policy(groups=GROUPS, **part)
        wanted = expected(customers, rows, part | {"groups": GROUPS}, asked.rule_names)
        assert blocks(given, ACTIONS, asked) == wanted, part
        found += len(wanted)
    assert found > 20


@pytest.mark.parametrize("engine", ENGINES)
def test_all_rules_together_block_the_same_on_every_engine(engine, worlds):
    rules = {
        "groups": GROUPS,
        "windows": CASES["windows"]["windows"][2:4],
        "exclusive": CASES["exclusion"]["exclusive"],
        "never_after": CASES["exclusion"]["never_after"][:1],
        "cool_downs": [
            CASES["bought per group"]["cool_downs"][1],
            CASES["responded per action"]["cool_downs"][1],
            CASES["complained per customer"]["cool_downs"][2],
            CASES["ignored per channel"]["cool_downs"][3],
        ],
    }
    asked = policy(**rules)
    customers, rows, given = worlds[engine][0]
    wanted = expected(customers, rows, rules, asked.rule_names)
    assert blocks(given, ACTIONS, asked) == wanted
    assert len(set(wanted.values())) >= 7


def _alone(case):
    return [{section: [rule]} for section, rules in case.items() for rule in rules]


def _tables(engine, customers, rows):
    return tables(
        engine,
        customers=customers,
        order_lines=[line(who, at, order=f"o{i}") for i, (who, at) in enumerate(rows["orders"])],
        campaigns=list(CHANNELS.items()),
        touches=sorted(rows["touches"], key=repr),
        responses=sorted(rows["responses"]),
        events=rows["events"],
    )
