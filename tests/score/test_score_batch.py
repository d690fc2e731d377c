"""From tables in files to a list: its rows, its identity, its stages and what it refuses."""

import json
import logging
from datetime import date, timedelta

import narwhals as nw
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import score_world
from changed_code import changed_modules
from score_world import (
    AS_OF,
    AS_OF_S,
    DAY_S,
    action,
    catalog,
    churn_source,
    contents,
    settings,
    usual_catalog,
)

from crm_ml import features
from crm_ml.errors import AlreadyPublished, ConfigError, InputError, IntegrityError
from crm_ml.features import matrix_cache
from crm_ml.lists import read_list
from crm_ml.lists.read_list import locate, verify_list
from crm_ml.score import batch
from crm_ml.score_tables.champion_set import Champions
from crm_ml.score_tables.feature_table import features_of
from crm_ml.score_tables.joined import score_day
from crm_ml.score_tables.source import Output, ScoringDay
from crm_ml.snapshots import Snapshot, as_utc

COLUMNS = """
    list_id as_of customer_id action_id channel slot item_ids item_p item_reasons arm propensity
    expected_value_cents cost_cents priority p_response uplift clv_cents p_churn reason_codes runner_up_action
    price_paid consent_basis value_basis model_versions policy_version expires_at send_at
""".split()  # noqa: SIM905
BAD = {"sums": "ef" * 32}
REAL_WRITE = features.write
written = {}


def write_once(tables, snapshot, path, groups=None, constants=None):
    """Compute the features of the same tables and day once for all tests."""
    key = (tables.fingerprint, snapshot.as_of)
    if key not in written:
        REAL_WRITE(tables, snapshot, path, groups, constants)
        written[key] = path.read_bytes()
    path.write_bytes(written[key])


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    return score_world.tables(tmp_path_factory.mktemp("tables"))


@pytest.fixture(autouse=True)
def _features_once(monkeypatch):
    monkeypatch.setattr(features, "write", write_once)


def run(tables, **fields):
    used = fields.pop("churn", churn_source())
    actions = fields.pop("catalog", usual_catalog())
    return batch.run(settings(**fields), actions, tables, Champions([used]))


def predicting(predict):
    return churn_source(**BAD, predict=predict)


def test_each_row_says_what_why_and_at_what_value(project, tables, caplog):
    caplog.set_level(logging.INFO)
    outcome = run(tables)
    rows = read_list(project / "data/lists/test")
    known = features.matrix(tables, Snapshot(as_utc(AS_OF), timedelta(days=1)))
    assert list(rows.columns) == COLUMNS
    assert rows["customer_id"].is_monotonic_increasing
    assert rows["customer_id"].is_unique
    assert len(rows) == outcome.rows == 100
    assert (rows["action_id"] == "coupon").sum() <= 40
    days = known.loc[rows["customer_id"], "rfm_days_since_order"].to_numpy()
    scored = days < 56
    np.testing.assert_array_equal(rows["p_churn"].notna(), scored)
    np.testing.assert_allclose(rows["p_churn"][scored], days[scored] / 90)
    facts = {one.action_id: one for one in usual_catalog().actions}
    for row, since in zip(rows.itertuples(), days, strict=True):
        value = facts[row.action_id].value
        gain = value.assumed_effect * value.margin_cents * (since / 90 if value.score else 1)
        assert abs(row.expected_value_cents + value.cost_cents - gain) <= 0.5 + 1e-9
        assert row.cost_cents == value.cost_cents
        reason = f"rfm_days_since_order={since:g} (+0.50)" if value.score else "no rule: for everyone"
        assert list(row.reason_codes) == [reason]
        assert list(row.item_ids) == list(facts[row.action_id].identity.item_ids)
        assert row.value_basis == ("p_churn x assumed effect" if value.score else "assumed rate")
        assert row.runner_up_action != row.action_id
    constants = (
        rows[["arm", "slot", "propensity", "consent_basis", "list_id"]].drop_duplicates().iloc[0].tolist()
    )
    assert constants == ["treat", 1, 1.0, "assumed", outcome.list_id]
    assert set(rows["expires_at"]) == {pd.Timestamp("2024-06-08", tz="UTC")}
    assert rows["priority"].tolist() == rows["expected_value_cents"].tolist()
    assert rows[["p_response", "uplift", "clv_cents", "send_at"]].isna().all().all()
    allocation = verify_list(outcome.folder)["allocation"]
    assert allocation["value_cents"] == rows["expected_value_cents"].sum() <= allocation["upper_bound_cents"]
    assert allocation["gap"] < 1e-3
    prices = allocation["prices_cents"]
    paid = rows["action_id"].map(
        lambda one: prices.get(f"action {one}", 0.0) + allocation["list_price_cents"]
    )
    np.testing.assert_allclose(rows["price_paid"], paid)
    assert paid.max() > 0
    assert max(allocation["compared_cents"].values()) <= allocation["value_cents"]
    assert outcome.expected_value_cents == rows["expected_value_cents"].sum()
    assert outcome.cost_cents == rows["cost_cents"].sum()
    assert "'not_eligible': " in caplog.text
    assert not any(name in caplog.text for name in rows["customer_id"])


def test_the_manifest_tells_rows_schema_sums_and_ingredients(project, tables):
    outcome = run(tables)
    manifest = verify_list(outcome.folder)
    assert manifest["rows"] == 100
    assert manifest["list_id"] == outcome.list_id
    assert [column["name"] for column in manifest["schema"]] == COLUMNS
    assert set(manifest["ingredients"]) == {"as_of", "data", "earlier", "models", "policy"}
    assert manifest["ingredients"]["data"] == tables.fingerprint
    assert pq.read_schema(outcome.folder / "list.parquet").names == COLUMNS
    assert locate(project / "data/lists/test") == project / "data/lists/test" / outcome.folder.name
    assert json.loads((project / "data/lists/test/latest.json").read_text())["list_id"] == outcome.list_id


@pytest.mark.usefixtures("project")
def test_the_same_inputs_give_the_same_bytes_anywhere_on_any_engine(tables, monkeypatch):
    monkeypatch.setattr(features, "write", REAL_WRITE)
    monkeypatch.setenv(matrix_cache.SWITCH, "off")  # so that each run computes its features
    first = run(tables)
    second = run(tables, out="elsewhere", work="elsewhere/work")
    monkeypatch.setenv("CRM_ML_THREADS", "1")
    third = run(tables.to("polars"), out="again", work="again/work")
    expected = contents(first.folder)
    assert contents(second.folder) == expected
    assert contents(third.folder) == expected


def test_a_second_run_exits_with_3_and_changes_no_byte(project, tables):
    run(tables)
    before = contents(project)
    with pytest.raises(AlreadyPublished) as refusal:
        run(tables)
    assert refusal.value.exit_code == 3
    assert contents(project) == before


@pytest.mark.parametrize(
    "change",
    [
        {"as_of": date(2024, 6, 2)},
        {"daily_cap": 99},
        {"churn": churn_source(sums="cd" * 32)},
        {"catalog": catalog(action("booklet"))},
    ],
)
@pytest.mark.usefixtures("project")
def test_the_list_id_follows_models_policy_data_and_day(tables, change):
    assert run(tables, **change).list_id != run(tables).list_id


def test_other_data_give_another_list_id(project, tables):
    first = run(tables)
    assert run(tables.identified("0" * 64)).list_id != first.list_id
    assert len(list((project / "data/lists/test").glob("2024-*"))) == 2


def test_finished_stages_are_not_made_again(project, tables, monkeypatch):
    def broken(_features):
        raise RuntimeError("the power failed")

    with pytest.raises(RuntimeError):
        run(tables, churn=churn_source(reasons=broken))
    assert not list((project / "data/lists/test").iterdir())
    monkeypatch.setattr(features, "write", lambda *_arguments: pytest.fail("features are made again"))
    no_scoring = churn_source(predict=lambda _features: pytest.fail("scores are made again"))
    assert run(tables, churn=no_scoring).rows == 100


@pytest.mark.parametrize(
    "damaged", ["data/lists/test/*/list.parquet", "data/scores/features-*/features.parquet"]
)
def test_a_damaged_file_is_never_read(project, tables, damaged):
    outcome = run(tables)
    path = next(project.glob(damaged))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(IntegrityError, match="has changed") as refusal:
        if "lists" in damaged:
            read_list(outcome.folder)
        else:
            run(tables, daily_cap=7)
    assert refusal.value.exit_code == 4
    if "lists" in damaged:
        with pytest.raises(IntegrityError):
            run(tables)


@pytest.mark.usefixtures("project")
def test_a_manifest_that_claims_another_id_is_refused(tables):
    outcome = run(tables)
    path = outcome.folder / "manifest.json"
    path.write_text(path.read_text().replace('"as_of": "2024-06-01', '"as_of": "2024-06-02'))
    with pytest.raises(IntegrityError, match="list_id"):
        read_list(outcome.folder)


@pytest.mark.usefixtures("project")
def test_only_who_consented_is_on_the_list(tmp_path):
    people = score_world.frames()["customers"]["customer_id"]
    consents = pd.DataFrame({"customer_id": people, "purpose": "marketing", "channel": "mail"})
    consents["granted"] = [number % 3 == 0 for number in range(len(people))]
    consents["changed_at_epoch_s"] = AS_OF_S - DAY_S
    tables = score_world.tables(tmp_path / "tables", consents=consents)
    outcome = run(tables, consent="table")
    rows = read_list(outcome.folder)
    assert set(rows["customer_id"]) <= set(people[::3])
    assert set(rows["channel"]) == {"mail"}
    assert set(rows["consent_basis"]) == {"consents table"}
    assert outcome.funnel.left["not_eligible"] > outcome.funnel.left["no_consent"] >= len(rows) > 0
    with pytest.raises(ConfigError, match="consent: table"):
        run(tables)


def test_a_row_without_consent_stops_the_publishing(tmp_path, project, monkeypatch):
    consents = pd.DataFrame(
        {
            "customer_id": ["c000001"],
            "purpose": "marketing",
            "channel": "mail",
            "granted": True,
            "changed_at_epoch_s": 1,
        }
    )
    tables = score_world.tables(tmp_path / "tables", consents=consents)
    monkeypatch.setattr("crm_ml.decision.open_actions.consented", lambda _action, _consent: nw.lit(True))
    with pytest.raises(InputError, match=r"list rows without consent.*booklet \(marketing by mail\)"):
        run(tables, consent="table")
    assert contents(project / "data/lists") == {}


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"as_of": None}, ConfigError, "--as-of"),
        ({"consent": "table"}, ConfigError, "no consents"),
        (
            {"catalog": catalog(action("a", valid_until=date(2020, 1, 1)))},
            ConfigError,
            "none of the 1 actions",
        ),
        (
            {"catalog": catalog(action("a", eligible="rfm_order > 1"))},
            ConfigError,
            "did you mean 'rfm_orders'",
        ),
        ({"churn": churn_source(where="days < 3", **BAD)}, ConfigError, "no column 'days'"),
        (
            {"churn": churn_source(**BAD, predict=lambda x: np.full(len(x), np.nan))},
            InputError,
            "no probability",
        ),
        (
            {"churn": churn_source(**BAD, predict=lambda x: np.full(len(x), 1.5))},
            InputError,
            "no probability",
        ),
        ({"churn": churn_source(**BAD, predict=lambda _: np.array([0.5]))}, InputError, "shape"),
    ],
)
def test_what_can_not_be_scored_leaves_the_last_list(project, tables, change, error, words):
    run(tables)
    before = contents(project / "data/lists")
    with pytest.raises(error, match=words):
        run(tables, **change)
    assert contents(project / "data/lists") == before


@pytest.mark.usefixtures("project")
def test_tables_without_a_fingerprint_have_no_list(tables):
    with pytest.raises(InputError, match="fingerprint"):
        run(tables.identified(""))


@pytest.mark.usefixtures("project")
def test_nobody_to_act_on_is_an_empty_list(tables):
    outcome = run(tables, catalog=catalog(action("a", eligible="rfm_orders > 1e6")))
    assert outcome.rows == 0
    assert list(read_list(outcome.folder).columns) == COLUMNS


@pytest.mark.usefixtures("project")
def test_scores_do_not_depend_on_the_chunks(tables, monkeypatch, tmp_path):
    snapshot = Snapshot(as_utc(AS_OF), timedelta(days=1))
    features.write(tables, snapshot, tmp_path / "features.parquet")
    day, seen = ScoringDay(tables, snapshot, tmp_path / "features.parquet"), []
    churn_source().write(day, None, Output(tmp_path / "one.parquet", tmp_path / "parts"))
    monkeypatch.setattr("crm_ml.score_tables.score_rows.CHUNK_ROWS", 7)
    rows = churn_source().write(
        day,
        None,
        Output(tmp_path / "many.parquet", tmp_path / "parts", lambda done, total: seen.append((done, total))),
    )
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "many.parquet").read_bytes()
    known = features.matrix(tables, snapshot)
    assert rows == (known["rfm_days_since_order"] < 56).sum() < len(known)
    assert seen[-1] == (len(known), len(known))


@pytest.mark.usefixtures("project")
def test_reasons_are_asked_for_the_rows_of_the_list_alone(tables, monkeypatch):
    asked = []

    def remember(rows):
        asked.extend(rows.index)
        return score_world.reasons(rows)

    monkeypatch.setattr("crm_ml.lists.list_file.CHUNK_ROWS", 9)
    outcome = run(tables, churn=churn_source(reasons=remember))
    rows = read_list(outcome.folder)
    assert asked == rows.loc[rows["value_basis"] != "assumed rate", "customer_id"].tolist()


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("reasons", [None, score_world.reasons])
def test_a_row_without_reasons_of_a_model_says_the_rule_of_its_action(tables, reasons):
    rule = "rfm_orders_84d >= 1 and lifecycle_stage != 'lost'"
    ruled = catalog(
        action("booklet", eligible=rule, assumed_effect=0.01, margin_cents=2_000),
        action("coupon", score="p_churn", assumed_effect=1.0, eligible="rfm_orders_84d >= 2"),
    )
    codes = read_list(run(tables, catalog=ruled, churn=churn_source(reasons=reasons)).folder)
    told = codes.groupby("action_id")["reason_codes"].agg(lambda found: {tuple(one) for one in found})
    assert told["booklet"] == {(f"rule: {rule}",)}
    by_rule = ("rule: rfm_orders_84d >= 2",)
    assert told["coupon"] == {by_rule} if reasons is None else by_rule not in told["coupon"]


def test_changed_code_makes_a_new_stage(tables, tmp_path, monkeypatch):
    snapshot = Snapshot(as_utc(AS_OF), timedelta(days=1))
    work, changed = tmp_path / "work", changed_modules(monkeypatch)

    def stages():
        table = features_of(work, tables, snapshot, {})
        day = ScoringDay(tables, snapshot, table)
        return table, score_day(work, day, [churn_source()], []).tables[0].path

    first = stages()
    assert stages() == first
    for name, same_features in (
        ("crm_ml.tables.scratch_frames", False),
        ("crm_ml.snapshots", False),
        ("crm_ml.models.model_folder", True),
        ("crm_ml.score_tables.churn", True),
    ):
        changed.clear()
        changed.add(name)
        second = stages()
        assert (second[0] == first[0]) == same_features
        assert second[1] != first[1]
    changed.clear()
    changed.add("crm_ml.lists.list_file")
    assert stages() == first
