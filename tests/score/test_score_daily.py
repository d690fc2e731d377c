"""A month of daily lists: hold-outs, contact policy, stock, caps and certificate hold in every one."""

from collections import Counter
from datetime import timedelta

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import score_world
from score_world import AS_OF, DAY_S, action, catalog, churn_source, settings
from soak import size

from crm_ml import features
from crm_ml.actions.contact.contact_policy import ContactPolicy
from crm_ml.decision.allocation_limits import Budget
from crm_ml.decision.exploration import Explore
from crm_ml.decision.holdouts import HoldOut, held
from crm_ml.lists.read_list import read_list, verify_list
from crm_ml.score import batch
from crm_ml.score_tables import data_age
from crm_ml.score_tables.champion_set import Champions

pytestmark = pytest.mark.xdist_group("daily")
DAYS = size(12, 20, 30)
HOLD_OUT = HoldOut(salt="thirty days", universal=0.1, actions={"coupon": 0.2})
POLICY = ContactPolicy.model_validate(
    {
        "windows": [{"at_most": 2, "days": 7}, {"at_most": 1, "days": 10, "per": "channel", "of": "mail"}],
        "never_after": [{"action": "push", "after": "coupon", "days": 5}],
        "quiet_hours": {"from": 21, "to": 9},
        "time_zone": "Asia/Kolkata",
    }
)
WANTED = {
    "daily_cap": 45,
    "channel_caps": {"push": 20},
    "budgets": (Budget(name="mail", cents=300, channels=("mail",)),),
    "hold_out": HOLD_OUT,
    "explore": Explore(share=0.2, salt="thirty days"),
}


def actions():
    """Return a catalogue with two channels and a stock."""
    return catalog(
        action(
            "coupon",
            score="p_churn",
            channels=({"channel": "mail", "daily_cap": 12}, {"channel": "push", "assumed_effect": 0.3}),
            daily_cap=18,
            stock=200,
        ),
        action("push", channel="push", score="p_churn", cost_cents=1, assumed_effect=0.4),
        action("booklet", cost_cents=60, assumed_effect=0.2),
    ).model_copy(update={"contact_policy": POLICY})


@pytest.fixture(scope="module")
def lists(tmp_path_factory):
    """Rows, others and manifests of all days; the features are the few that are read, of the first day."""
    root = tmp_path_factory.mktemp("daily")
    (root / "configs").mkdir()
    tables = score_world.tables(root / "tables")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        patch.delenv("CRM_ML_DATA", raising=False)
        first = []

        def write(given, snapshot, path, _groups=None, _constants=None, real=features.write):
            if not first:
                real(given, snapshot, path, ["rfm"])
                first.append(path.read_bytes())
            path.write_bytes(first[0])

        patch.setattr(features, "write", write)
        patch.setattr(data_age, "_OLDEST_DAYS", DAYS)  # the tables stay those of the first day
        found = []
        for number in range(DAYS):
            wanted = settings(as_of=AS_OF + timedelta(days=number), **WANTED)
            outcome = batch.run(wanted, actions(), tables, Champions([churn_source()]))
            others = pq.read_table(outcome.folder / "others.parquet").to_pandas()
            found.append((read_list(outcome.folder), others, verify_list(outcome.folder)))
    return found


def test_no_control_ever_stands_in_a_list(lists):
    ids = [f"c{i:06d}" for i in range(120)]
    never = set(np.array(ids)[held(ids, HOLD_OUT)])
    no_coupon = set(np.array(ids)[held(ids, HOLD_OUT, "coupon")])
    kept = Counter()
    assert never
    assert no_coupon
    for rows, others, _ in lists:
        assert not set(rows["customer_id"]) & never
        assert not set(rows.loc[rows["action_id"] == "coupon", "customer_id"]) & no_coupon
        control = others[others["arm"] == "control"]
        kept.update(control["held_out"])
        assert set(control.loc[control["held_out"] == "universal", "customer_id"]) <= never
        assert set(control.loc[control["held_out"] == "action", "customer_id"]) <= no_coupon - never
        idle = others[others["arm"] == "none"]
        assert not set(idle["customer_id"]) & (set(rows["customer_id"]) | never)
    assert kept["universal"] > 30
    assert kept["action"] > 30


def test_no_window_is_ever_over_its_cap(lists):
    contacts = pd.concat([rows for rows, *_ in lists])
    sent = contacts["send_at"].astype("int64") // 10**6
    local = contacts["send_at"].dt.tz_convert("Asia/Kolkata").dt.hour
    assert ((local >= 9) & (local < 21)).all()
    sent, channel, of = sent.to_numpy(), contacts["channel"].to_numpy(), contacts["action_id"].to_numpy()
    twice = 0
    for customer in contacts["customer_id"].unique():
        mine = np.flatnonzero(contacts["customer_id"].to_numpy() == customer)
        ages = sent[mine][None, :] - sent[mine][:, None]  # how long after each contact the others were
        within = ((ages >= 0) & (ages < 7 * DAY_S)).sum(axis=1)
        assert within.max() <= 2
        twice += int((within == 2).sum())
        mail = channel[mine] == "mail"
        assert ((ages >= 0) & (ages < 10 * DAY_S))[np.ix_(mail, mail)].sum(axis=1).max(initial=0) <= 1
        coupon, push = of[mine] == "coupon", of[mine] == "push"
        assert not ((ages > 0) & (ages < 5 * DAY_S))[np.ix_(coupon, push)].any()
    assert twice > 20


def test_every_limit_holds_and_the_stock_runs_out(lists):
    used = 0
    for rows, _, manifest in lists:
        by_action, by_channel = rows["action_id"].value_counts(), rows["channel"].value_counts()
        assert len(rows) <= 45
        assert by_channel.get("push", 0) <= 20
        assert by_action.get("coupon", 0) <= min(18, 200 - used)
        mail = rows[rows["channel"] == "mail"]
        assert (mail["action_id"] == "coupon").sum() <= 12
        assert mail["cost_cents"].sum() <= 300
        used += by_action.get("coupon", 0)
        facts = manifest["funnel"]
        for counts in facts["by_offering"].values():
            assert sum(counts.values()) == facts["customers"] == 119  # of 120 one has never bought
        listed = {key: counts["listed"] for key, counts in facts["by_offering"].items()}
        assert sum(listed.values()) == len(rows) == manifest["rows"]
        allocation = manifest["allocation"]
        assert allocation["value_cents"] == rows["priority"].sum() <= allocation["upper_bound_cents"] + 1e-6
        assert max(allocation["compared_cents"].values()) <= allocation["upper_bound_cents"]
    assert used > 50
    assert sum(sum(manifest["contact_policy"].values()) for *_, manifest in lists) > 100


def test_some_rows_are_explored_with_a_small_propensity(lists):
    rows = pd.concat([rows for rows, *_ in lists])
    explored = rows[rows["arm"] == "explore"]
    treated = rows[rows["arm"] == "treat"]
    assert 20 < len(explored) < 0.3 * len(rows)
    assert explored["propensity"].between(0.001, 1.0).all()
    assert treated["propensity"].between(0.001, 1.0).all()  # small for who ties with many others at a cap
    assert treated["propensity"].median() > 0.9
    idle = pd.concat([others[others["arm"] == "none"] for _, others, _ in lists])
    everybody = pd.concat([rows["propensity"], idle["propensity"]])
    assert (1 / everybody).sum() / len(everybody) > 0.9
    controls = pd.concat([others[others["arm"] == "control"] for _, others, _ in lists])
    assert "booklet" in set(
        controls["action_id"]
    )  # worth the same to everybody, so that its price leaves nothing


@pytest.mark.soak("nightly lists", DAYS)
def test_earlier_lists_are_ingredients(lists):
    ids = [manifest["list_id"] for *_, manifest in lists]
    assert [manifest["ingredients"]["earlier"] for *_, manifest in lists] == [
        ids[:number] for number in range(DAYS)
    ]
