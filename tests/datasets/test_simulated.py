"""The simulator: the same bytes, tables that cleaning accepts, and truth that comes back from the tables."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from crm_ml import datasets
from crm_ml.clv import BetaGeo, GammaGamma, summarize
from crm_ml.datasets import simulated
from crm_ml.datasets._simulation.world import PURCHASES, SPEND, START, World
from crm_ml.errors import InputError, IntegrityError
from crm_ml.evaluation.uplift import qini
from crm_ml.features import matrix
from crm_ml.snapshots import Snapshot
from crm_ml.tables.config_file import load_config
from crm_ml.uplift import TLearner
from crm_ml.uplift.trial_rows import trial_rows, trials

SMALL = {"customers": 600, "campaigns": 2, "days": 364}
PLAIN = {"customers": 30_000, "rhythm": 0.0, "channel_quality": 0.0, "campaigns": 0,
         "events_per_customer": 0.0, "lines_per_order": 1.0}  # fmt: skip
AS_OF = "2024-12-29"


def files(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.rglob("*.parquet"))}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("small")
    return folder, simulated.load(folder, **SMALL), simulated.truth(folder, **SMALL)


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plain")
    tables = simulated.load(folder, **PLAIN)
    return summarize(tables, AS_OF, "W", with_first_value=True), simulated.truth(folder, **PLAIN)


def test_the_same_settings_give_the_same_bytes_and_another_seed_others(world, tmp_path, monkeypatch):
    simulated.load(tmp_path / "again", **SMALL)
    assert files(tmp_path / "again") == files(world[0])
    other = simulated.load(tmp_path / "other", **SMALL, seed=1)
    assert other.fingerprint != world[1].fingerprint
    changed = {name for name, one in files(tmp_path / "other").items() if one != files(world[0])[name]}
    assert changed >= {"customers.parquet", "order_lines.parquet", "assignments.parquet", "consents.parquet"}
    monkeypatch.setenv("CRM_ML_DATA", str(tmp_path / "data"))
    named = datasets.load("simulated", **SMALL)
    assert named.fingerprint == world[1].fingerprint
    assert files(tmp_path / "data") == files(world[0])


def test_a_larger_world_begins_with_the_smaller_one_chunk_by_chunk(tmp_path, monkeypatch):
    monkeypatch.setattr("crm_ml.datasets._simulation.generate.CHUNK", 200)
    monkeypatch.setattr("crm_ml.datasets._simulation.world.CHUNK", 200)
    frames = {}
    for customers in (200, 600):
        tables = simulated.load(tmp_path / str(customers), **SMALL | {"customers": customers})
        frames[customers] = tables.pandas("order_lines").sort_values(["order_id", "line_id"])
    first = frames[600][frames[600]["customer_id"].isin(frames[200]["customer_id"])]
    columns = ["customer_id", "item_id", "ordered_at_epoch_s", "paid_cents"]
    assert frames[600]["customer_id"].nunique() > 550
    pd.testing.assert_frame_equal(
        first[columns].reset_index(drop=True), frames[200][columns].reset_index(drop=True)
    )


def test_a_world_that_was_kept_and_damaged_is_not_read(tmp_path):
    simulated.load(tmp_path, **SMALL)
    path = next(tmp_path.rglob("order_lines.parquet"))
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(IntegrityError, match=r"order_lines\.parquet has changed"):
        simulated.load(tmp_path, **SMALL)


def test_cleaning_accepts_every_row(world, tmp_path, monkeypatch):
    monkeypatch.setenv("CRM_ML_DATA", str(tmp_path / "data"))
    folder, tables, _ = world
    parts = []
    for name in tables.names:
        path = next(folder.rglob(f"{name}.parquet"))
        attributes = (
            "attributes: {acquired_through: acquired_through, invited_by: invited_by, price_band: price_band}"
        )
        more = attributes if name == "customers" else ""
        parts.append(f"  {name}:\n    path: {path}\n    {more}")
    config = tmp_path / "own.yaml"
    head = f"name: own\nknown_until: 2025-01-01\ncurrency: {{code: EUR}}\nroot: {folder}\ntables:\n"
    config.write_text(head + "\n".join(parts) + "\n")
    own = load_config(config)
    for name, one in own.report.tables.items():
        assert (one.accepted, one.quarantined) == (one.read, {}), name
        assert one.read == len(tables.pandas(name))
    lines = ["customer_id", "order_id", "line_id"]
    cleaned, made = (
        each.pandas("order_lines")
        .sort_values(lines)
        .reset_index(drop=True)[[*lines, "paid_cents", "coupon_cents"]]
        for each in (own, tables)
    )
    pd.testing.assert_frame_equal(cleaned, made, check_dtype=False)


def test_purchases_and_dropout_come_back_by_maximum_likelihood(plain):
    summary, _ = plain
    found = BetaGeo().fit(summary).params_
    for name, true in PURCHASES.items():  # orders of a day count once, which takes some from who buys often
        assert found[name] == pytest.approx(true, rel=0.1), name


def test_spend_comes_back_by_maximum_likelihood(plain):
    summary, truth = plain
    model = GammaGamma().fit(summary[summary["frequency"] > 0])
    for name, true in SPEND.items():
        assert model.params_[name] == pytest.approx(true, rel=0.15), name
    guess = (
        model.conditional_expected_value(summary) if hasattr(model, "conditional_expected_value") else None
    )
    often = summary["frequency"] >= 10
    mean = truth.customers["mean_spend_cents"].reindex(summary.index) / 100
    guess = model.expected_value(summary)
    assert guess[often].corr(mean[often]) > 0.9


def test_the_probability_of_having_left_is_calibrated(plain):
    summary, truth = plain
    alive = BetaGeo().fit(summary).probability_alive(summary)
    left_at = truth.customers["dropped_out_at_epoch_s"].reindex(summary.index)
    lives = left_at.isna().to_numpy(dtype=float)
    tenth = pd.qcut(alive.rank(method="first"), 10, labels=False)
    said, true = alive.groupby(tenth).mean(), pd.Series(lives, index=alive.index).groupby(tenth).mean()
    assert np.abs(said - true).max() < 0.03
    assert alive.mean() == pytest.approx(lives.mean(), abs=0.01)


def test_the_effect_of_each_arm_comes_back_from_the_visits(tmp_path):
    settings = {"customers": 12_000, "campaigns": 4}
    tables, truth = simulated.load(tmp_path, **settings), simulated.truth(tmp_path, **settings)
    known = trials(tables, pd.Timedelta(days=14).to_pytimedelta())
    rows = trial_rows(tables, known, "response", "visit", {"rfm": {}, "price": {}, "attributes": {}})
    X = rows.X.drop(columns="attribute_invited_by")
    last = np.asarray(rows.fold == str(known[-1]))
    learner = TLearner(base="logistic", control="control").fit(
        X[~last], rows.y[~last], treatment=rows.arm[~last]
    )
    effects = truth.effects.loc[known[-1].campaign_id].reindex(rows.customer_id[last])
    for arm in ("coupon", "reminder"):
        effect = (effects[f"p_{arm}"] - effects["p_control"]).to_numpy()
        found = learner.predict(X[last], arm)
        assert np.corrcoef(effect, found)[0, 1] > 0.4, arm
        ours = np.asarray(rows.arm[last].isin(["control", arm]))
        treated = (rows.arm[last] == arm)[ours]
        assert qini(rows.y[last][ours], effect[ours], treated) > 0.05
        difference = rows.y[last][ours][treated].mean() - rows.y[last][ours][~treated].mean()
        assert difference == pytest.approx(effect.mean(), abs=0.06)


def test_visits_happen_as_often_as_the_truth_says(world):
    _, tables, truth = world
    drawn = tables.pandas("assignments").set_index(["campaign_id", "customer_id"])
    p = truth.effects.loc[drawn.index]
    own = np.select([drawn["arm"] == "coupon", drawn["arm"] == "reminder"], [p["p_coupon"], p["p_reminder"]],
                    p["p_control"])  # fmt: skip
    visits = (
        tables.pandas("responses").query("kind == 'visit'").groupby(["campaign_id", "customer_id"]).size()
    )
    told = visits.reindex(drawn.index).fillna(0)
    assert told.max() == 1
    assert told.mean() == pytest.approx(own.mean(), abs=3 * np.sqrt((own * (1 - own)).mean() / len(own)))
    assert set(drawn["probability"]) == {0.5, 0.25}
    sent = tables.pandas("touches").set_index(["campaign_id", "customer_id"]).index
    assert set(sent) == set(drawn.index[drawn["arm"] != "control"])


def test_rhythm_channels_and_invitations_are_seen_in_the_tables(tmp_path):
    tables = simulated.load(tmp_path, customers=8000, campaigns=0, events_per_customer=0)
    orders, people = tables.pandas("orders"), tables.pandas("customers").set_index("customer_id")
    weekday = pd.to_datetime(orders["ordered_at_epoch_s"], unit="s").dt.day_of_week.value_counts()
    assert weekday[[4, 5]].min() > 1.2 * weekday[[0, 1, 2]].max()
    each = orders.groupby("customer_id").size().groupby(people["acquired_through"]).mean()
    assert each["referral"] > 1.3 * each["social"]
    invited = people["invited_by"].notna()
    assert set(people.loc[invited, "acquired_through"]) == {"referral"}
    registered = people["registered_at_epoch_s"]
    by = registered.reindex(people.loc[invited, "invited_by"]).to_numpy()
    assert (by <= registered[invited].to_numpy()).all()


def test_nothing_is_known_before_it_happens(world):
    _, tables, _ = world
    snapshot = Snapshot(START.replace(month=7), pd.Timedelta(days=28).to_pytimedelta())
    both = [matrix(one, snapshot) for one in (tables, snapshot.known(tables))]
    pd.testing.assert_frame_equal(*both, check_exact=True)


def test_settings_out_of_range_are_named_together():
    wrong = {"customers": 0, "rhythm": 1.5, "lines_per_order": float("nan"), "days": 10.5}
    with pytest.raises(InputError) as caught:
        simulated.load(**wrong)
    for name, value in wrong.items():
        assert f"{name} is {value!r}; it must lie within" in str(caught.value)
    assert dataclasses.asdict(World())["customers"] == 20_000
