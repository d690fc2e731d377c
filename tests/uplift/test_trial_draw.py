"""Draws of trials: probabilities by row, contaminated controls, and what the reason says."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from crm_ml.snapshots import Snapshot
from crm_ml.tables import Tables
from crm_ml.uplift import trial_draw
from crm_ml.uplift.trial_draw import check_trials
from crm_ml.uplift.trial_rows import CampaignTrial, TrialRows

DAY = 86_400
DRAWN = int(datetime(2024, 3, 1, tzinfo=UTC).timestamp())
TRIALS = [CampaignTrial(name, Snapshot("2024-03-01", timedelta(days=7))) for name in ("m", "k")]


def drawn_rows(n=400, seed=0, arms=("none", "mail"), p=(0.5, 0.5)):
    """Customers who were drawn into both trials; what is known of them says nothing of their arm."""
    rng = np.random.default_rng(seed)
    names = [f"c{number:04}" for number in range(n)]
    index = pd.MultiIndex.from_product(
        [[str(trial) for trial in TRIALS], names], names=["trial", "customer_id"]
    )
    X = pd.DataFrame({"rfm_orders": rng.poisson(2, 2 * n), "rfm_spend": rng.random(2 * n)}, index=index)
    arm = pd.Series(rng.choice(arms, 2 * n, p=p), index=index)
    own = arm.map(dict(zip(arms, p, strict=True))).astype(float)
    return TrialRows(
        X, arm, pd.Series(rng.integers(0, 2, 2 * n) * 1.0, index=index), own, tuple(sorted(arms))
    )


def touched(rows, keep, seconds=9 * 3600):
    """Tables whose touches are those of some of the rows."""
    where = rows.X.index[keep]
    campaign = {str(trial): trial.campaign_id for trial in TRIALS}
    touches = pd.DataFrame(
        {
            "campaign_id": where.get_level_values("trial").map(campaign),
            "customer_id": where.get_level_values("customer_id"),
            "sent_at_epoch_s": DRAWN + seconds,
        }
    )
    return Tables(customers=None, order_lines=None, items=None, touches=touches)


def test_a_fair_draw_holds_and_says_who_was_touched():
    rows = drawn_rows(seed=1)
    mailed = (rows.arm == "mail").to_numpy()
    draw = check_trials(rows, TRIALS, touched(rows, mailed), "none")
    assert draw.holds
    assert draw.ratio.holds
    assert draw.broken == ""
    lost = rows.where(~mailed | (np.arange(len(mailed)) % 2 > 0))
    part = check_trials(lost, TRIALS, touched(rows, mailed), "none")
    assert part.comparable
    assert not part.holds
    assert part.broken.startswith("sizes of the arms: mail ")
    assert (
        f"touched: 0 of {(~mailed).sum()} controls; not touched: 0 of {mailed.sum()} treated" in draw.reason
    )
    assert draw.facts()["touches"]["several"] == 0


@pytest.mark.parametrize(
    ("share", "seconds", "words"),
    [
        (
            0.05,
            DAY,
            r"touches: \d+ of \d+ rows of the control \(\d\.\d%\) were touched by their own campaign",
        ),
        (0.05, -DAY, r"touches: \d+ of 800 rows were touched by their campaign before the day of the draw"),
        (0.05, 7 * DAY, None),  # after the outcome
        (0.005, DAY, None),
    ],
)
def test_controls_that_were_touched_are_no_controls(share, seconds, words):
    rows = drawn_rows()
    control = np.flatnonzero(rows.arm == "none")
    keep = control[: int(share * len(control))]
    draw = check_trials(rows, TRIALS, touched(rows, keep, seconds), "none")
    assert draw.comparable == (words is None)
    if words:
        assert pd.Series([draw.reason]).str.contains(words).all()


def test_of_many_rows_a_sample_of_customers_is_compared(monkeypatch):
    rows = drawn_rows(seed=1)
    monkeypatch.setattr(trial_draw, "MOST_ROWS", 150)
    tables = Tables(customers=None, order_lines=None, items=None)
    draw = check_trials(rows, TRIALS, tables, "none")
    assert 200 < draw.arms["mail"].rows < 400
    assert sum(draw.ratio.counts.values()) == 800


def test_a_feature_of_the_treated_alone_refuses_and_is_named():
    rows = drawn_rows()
    rows.X["rfm_opened"] = (rows.arm == "mail").to_numpy() & (np.arange(800) % 3 == 0)
    draw = check_trials(rows, TRIALS, Tables(customers=None, order_lines=None, items=None), "none")
    assert not draw.holds
    assert draw.touches is None
    assert draw.reason.startswith("mail: the arm can be told from rfm_opened (one value in an arm)")


def test_probabilities_follow_from_the_trial_or_from_the_own_one_of_two():
    rows = drawn_rows(arms=("none", "mail", "push"), p=(0.5, 0.3, 0.2))
    p = rows.probabilities()
    assert list(p.columns) == ["mail", "none", "push"]
    assert (p == [0.3, 0.5, 0.2]).all(axis=None)
    two = drawn_rows()
    own = pd.Series(np.where(np.arange(800) % 2, 0.25, 0.75), index=two.X.index)
    varied = TrialRows(two.X, two.arm, two.y, own, two.drawn_arms)
    p = varied.probabilities()
    assert (p.sum(axis=1) == 1).all()
    assert (p.to_numpy()[np.arange(800), [["mail", "none"].index(arm) for arm in two.arm]] == own).all()
    left = TrialRows(two.X, two.arm, two.y, own, ("mail", "none", "push"))
    assert left.probabilities() is None  # the arm that was left out had its share too
    undeclared = TrialRows(two.X, two.arm, two.y, own.where(own > 0.5), two.drawn_arms)
    assert undeclared.probabilities() is None
    assert not undeclared.declared


def test_arms_of_declared_chances_are_judged_by_them_and_others_ask_for_campaigns():
    rows = drawn_rows(n=1_000)
    rng = np.random.default_rng(1)
    chance = 0.2 + 0.6 * rows.X["rfm_spend"].to_numpy()
    mailed = rng.random(2_000) < chance
    arm = pd.Series(np.where(mailed, "mail", "none"), index=rows.X.index)
    own = pd.Series(np.where(mailed, chance, 1 - chance), index=rows.X.index)
    tables = Tables(customers=None, order_lines=None, items=None)
    varied = TrialRows(rows.X, arm, rows.y, own, ("mail", "none"))
    assert check_trials(varied, TRIALS, tables, "none").holds
    half = TrialRows(rows.X, arm, rows.y, own * 0 + 0.5, ("mail", "none"))
    assert "the arm can be told from rfm_spend" in check_trials(half, TRIALS, tables, "none").reason
    several = TrialRows(rows.X, arm, rows.y, own, ("mail", "none", "push"))
    draw = check_trials(several, TRIALS, tables, "none")
    assert not draw.holds
    assert draw.arms == {}
    assert "give each group of equal probabilities a campaign of its own" in draw.reason
