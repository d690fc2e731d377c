"""The score table of lifetime value, and what the list makes of it."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import score_world
import value_shop
from score_world import AS_OF, AS_OF_S, DAY_S, action, catalog, churn_source, settings, usual_catalog

from crm_ml import datasets
from crm_ml.clv import BetaGeo, GammaGamma, WithCovariates, summarize, with_attributes
from crm_ml.clv.clv_model import ClvModel
from crm_ml.clv.purchase_and_spend_model import Valuer
from crm_ml.clv.summary import SUMMARY
from crm_ml.clv.valuation_terms import Terms
from crm_ml.clv.value_calibration import NO_TILT
from crm_ml.clv.value_profile import value_scores
from crm_ml.errors import ConfigError, InputError, IntegrityError
from crm_ml.lists import read_list
from crm_ml.lists.read_list import verify_list
from crm_ml.monitoring.training_profile import Profile, ProfiledDay, profile_columns
from crm_ml.parts.dealing import deal
from crm_ml.score import batch
from crm_ml.score_tables import clv as values
from crm_ml.score_tables import joined
from crm_ml.score_tables.champion_set import Champions
from crm_ml.score_tables.clv import ClvSource
from crm_ml.score_tables.joined import score_day
from crm_ml.score_tables.source import Output, ScoringDay
from crm_ml.snapshots import Snapshot, as_utc

COLUMNS = {
    "customer_id": "string", "p_alive": "double", "expected_purchases": "double", "expected_value": "double",
    "clv_cents": "int64", "clv_low_cents": "int64", "clv_high_cents": "int64", "model": "string",
    "frequency": "double", "recency": "double", "T": "double", "monetary_value": "double",
}  # fmt: skip
SNAPSHOT = Snapshot(as_utc(AS_OF), timedelta(days=1))
SUMS = "cd" * 32


@pytest.fixture(scope="module")
def model():
    summary = value_shop.summary(value_shop.lines(200, seed=9))
    valuer = Valuer.fit("beta_geo", summary)
    return ClvModel.of(valuer, Terms.of_months(12, 0.1, 0.25), summary, NO_TILT, None)


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """All registered; c000003 and one more never bought, and c000004 buys at the very moment of the list."""
    given = score_world.frames()
    given["customers"]["registered_at_epoch_s"] = AS_OF_S - 300 * DAY_S
    lines = given["order_lines"]
    lines = lines[~lines["customer_id"].isin(["c000003", "c000004"])]
    at_once = lines.iloc[[0]].assign(customer_id="c000004", order_id="late", ordered_at_epoch_s=AS_OF_S)
    given["order_lines"] = pd.concat([lines, at_once])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(score_world, "frames", lambda: given)
        return score_world.tables(tmp_path_factory.mktemp("tables"))


def clv_source(model, **fields):
    return ClvSource(**{"name": "clv", "sums": SUMS, "model": model, **fields})


@pytest.fixture
def source(model):
    return clv_source(model)


def run(tables, source, **fields):
    actions = fields.pop("catalog", usual_catalog())
    sources = [churn_source()] if source is None else [churn_source(), source]
    return batch.run(settings(**fields), actions, tables, Champions(sources))


def day_of(tables, snapshot=SNAPSHOT):
    return ScoringDay(tables, snapshot, Path("no features are read"))


def written(tables, source, path):
    rows = source.write(day_of(tables), None, Output(path, path.with_suffix(".parts")))
    found = pd.read_parquet(path)
    assert len(found) == rows
    return found


def test_the_score_table_says_what_the_model_says(tables, source, tmp_path):
    found = written(tables, source, tmp_path / "clv.parquet")
    schema = pq.read_schema(tmp_path / "clv.parquet")
    assert dict(zip(schema.names, map(str, schema.types), strict=True)) == COLUMNS
    summary = summarize(tables, AS_OF, "D", with_first_value=True)
    assert found["customer_id"].tolist() == summary.index.tolist() == sorted(summary.index)
    assert {"c000003", "c000004"}.isdisjoint(found["customer_id"])
    said = source.model.predict(summary).reset_index()
    for name in ("p_alive", "expected_purchases", "expected_value"):
        np.testing.assert_array_equal(found[name], said[name])
    for name in ("clv", "clv_low", "clv_high"):
        assert found[f"{name}_cents"].tolist() == [int(v * 100 + 0.5) for v in said[name]]
    assert found["clv_cents"].between(found["clv_low_cents"], found["clv_high_cents"]).all()
    assert set(found["model"]) == {f"clv@{SUMS[:12]}"}
    for name in ("frequency", "recency", "T", "monetary_value"):
        np.testing.assert_array_equal(found[name], summary[name])


class Fixed:
    """A model that says what it is told of every customer."""

    time_unit = "D"
    covariates = ()

    def __init__(self, horizon=timedelta(days=30), **said):
        self.terms, self.said = Terms(horizon, 0.1), said

    def predict(self, summary):
        usual = dict.fromkeys(
            ("p_alive", "expected_purchases", "expected_value", "clv", "clv_low", "clv_high"), 0.5
        )
        return pd.DataFrame({**usual, **self.said}, index=summary.index)


@pytest.mark.parametrize(
    ("worth", "cents"), [(0.0, 0), (0.004, 0), (0.005, 1), (1.25, 125), (10.996, 1100), (1e12, 10**14)]
)
def test_money_is_rounded_to_the_nearest_cent(tables, tmp_path, worth, cents):
    found = written(tables, clv_source(Fixed(clv=worth)), tmp_path / "clv.parquet")
    assert set(found["clv_cents"]) == {cents}


def test_attributes_of_customers_are_read_with_their_chunk(tmp_path, monkeypatch):
    """Of a model with covariates, in few and in many chunks to the byte."""
    shop, day = datasets.load("simulated", customers=150, seed=0), "2024-12-29"
    names = ["acquired_through", "price_band"]
    summary = with_attributes(summarize(shop, day, with_first_value=True), shop, names)
    model = ClvModel.of(
        Valuer("beta_geo", WithCovariates(BetaGeo(), names, names).fit(summary), GammaGamma().fit(summary)),
        Terms.of_months(12, 0.1, 0.25), summary, NO_TILT, None,
    )  # fmt: skip
    snapshot = Snapshot(as_utc(day), timedelta(days=1))

    def write(name):
        source = clv_source(model)
        source.write(day_of(shop, snapshot), None, Output(tmp_path / name, tmp_path / f"{name}.parts"))
        return (tmp_path / name).read_bytes()

    once = write("one.parquet")
    monkeypatch.setattr(values, "CHUNK_ROWS", 7)
    assert write("many.parquet") == once
    found = pd.read_parquet(tmp_path / "one.parquet").set_index("customer_id")
    wanted = model.predict(summary)
    np.testing.assert_array_equal(found["p_alive"], wanted["p_alive"])
    with pytest.raises(InputError, match="no attribute acquired_through, price_band; there are none"):
        people = shop.frame("customers").select("customer_id").to_native()
        clv_source(model).write(
            day_of(replace(shop, customers=people), snapshot),
            None,
            Output(tmp_path / "x", tmp_path / "x.parts"),
        )


@pytest.mark.parametrize("engine", ["duckdb", "pandas", "polars"])
def test_chunks_and_engines_change_no_byte(tables, source, tmp_path, monkeypatch, engine):
    written(tables, source, tmp_path / "one.parquet")
    monkeypatch.setattr(values, "CHUNK_ROWS", 7)
    written(tables.to(engine), source, tmp_path / "many.parquet")
    pd.testing.assert_frame_equal(
        pd.read_parquet(tmp_path / "many.parquet"),
        pd.read_parquet(tmp_path / "one.parquet"),
        check_exact=True,
    )


@pytest.mark.parametrize("count", [8, 64])
def test_parts_hold_the_rows_of_the_whole_table_and_money_of_its_currency(tables, source, tmp_path, count):
    lines = tables.pandas("order_lines")
    fils = lines.assign(currency=["KWD", *[None] * (len(lines) - 1)])  # which most parts do not name
    known = replace(tables.to("pandas"), order_lines=fils).identified("a" * 64)
    whole = written(known, source, tmp_path / "one.parquet")
    parted = deal(known, count, tmp_path)
    found = []
    for part in parted.parts()[:: count // 8]:
        day = ScoringDay(parted.part(part), SNAPSHOT, Path("no features are read"), part, parted)
        path = tmp_path / f"{part.number}.parquet"
        assert source.write(day, None, Output(path, tmp_path / "parts")) == pq.read_metadata(path).num_rows
        found.append(pd.read_parquet(path))
    rows = pd.concat(found).sort_values("customer_id", ignore_index=True)
    wanted = whole[whole["customer_id"].isin(rows["customer_id"])].reset_index(drop=True)
    pd.testing.assert_frame_equal(rows, wanted, check_exact=True)
    assert len(rows) == len(whole) if count == 8 else 0 < len(rows) < len(whole)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"clv": -0.01}, "clv in 117 of 117 rows"),
        ({"clv_high": np.inf, "p_alive": np.nan}, "p_alive in 117, clv_high in 117 of 117 rows"),
        ({"expected_purchases": np.nan}, "expected_purchases in 117 of 117 rows"),
        ({"expected_value": [-1.0] * 3 + [1.0] * 114}, "expected_value in 3 of 117 rows"),
    ],
)
def test_values_that_are_none_are_refused_with_their_number(tables, tmp_path, said, words):
    with pytest.raises(InputError, match=f"clv: missing, infinite or negative: {words}"):
        written(tables, clv_source(Fixed(**said)), tmp_path / "clv.parquet")


def test_of_an_infinite_horizon_no_number_of_purchases_is_expected(tables, tmp_path):
    endless = clv_source(Fixed(horizon=None, expected_purchases=np.nan))
    found = written(tables, endless, tmp_path / "clv.parquet")
    assert found["expected_purchases"].isna().all()
    assert set(found["clv_cents"]) == {50}


def test_the_table_is_kept_and_made_again_when_model_data_day_or_code_change(
    tables, source, tmp_path, monkeypatch
):
    def made(tables=tables, snapshot=SNAPSHOT, **fields):
        [table] = score_day(tmp_path, day_of(tables, snapshot), [replace(source, **fields)], []).tables
        return table.path

    first = made()
    assert first.name == "clv.parquet"
    assert json.loads((first.parent / "manifest.json").read_text())["ingredients"]["model"] == SUMS
    with monkeypatch.context() as patch:
        patch.setattr(ClvSource, "write", lambda *_: pytest.fail("values are made again"))
        assert made() == first
    others = [
        made(sums="ef" * 32),
        made(tables.identified("0" * 64)),
        made(snapshot=SNAPSHOT.shifted(-1)),
    ]
    with monkeypatch.context() as patch:
        patch.setattr(joined, "code_version", lambda *_: "changed")
        others.append(made())
    assert len({first, *others}) == 5
    content = bytearray(first.read_bytes())
    content[len(content) // 2] ^= 1
    first.write_bytes(bytes(content))
    with pytest.raises(IntegrityError, match=r"clv\.parquet has changed"):
        made()


def test_rows_of_the_list_carry_the_value_and_none_without_one(project, tables, source):
    everyone = catalog(action("all", channel="push"))
    summary = summarize(tables, AS_OF, "D", with_first_value=True)
    said = value_scores(source.model.predict(summary))
    known = Profile(
        profile_columns([ProfiledDay(0, summary[[*SUMMARY]])], 1),
        profile_columns([ProfiledDay(0, pd.DataFrame(said))], 1),
        {"2024-06-01": len(summary)},
    )  # fmt: skip
    outcome = run(tables, replace(source, profile=known), catalog=everyone, daily_cap=None)
    drift = verify_list(outcome.folder)["drift"]["models"]["clv"]
    assert {one["name"] for one in drift["rows"]} == {*SUMMARY, *said}
    assert [(one["psi"], one["missing_now"]) for one in drift["rows"]] == [(0, 0)] * 8
    rows = read_list(outcome.folder).set_index("customer_id")
    assert len(rows) == 120
    table = pd.read_parquet(next(project.glob("data/scores/clv-*/clv.parquet")))
    assert rows["clv_cents"].dropna().astype("int64").to_dict() == dict(
        zip(table["customer_id"], table["clv_cents"], strict=True)
    )
    without = set(rows.index[rows["clv_cents"].isna()])
    assert without == set(rows.index) - set(table["customer_id"].to_list()) > {"c000003", "c000004"}
    assert {tuple(one) for one in rows["model_versions"]} == {("churn@abababababab", "clv@cdcdcdcdcdcd")}


@pytest.mark.usefixtures("project")
def test_the_list_id_follows_the_value_model_and_the_rest_keeps_its_bytes(tables, source):
    bare, valued = run(tables, None), run(tables, source)
    other = run(tables, replace(source, sums="ef" * 32))
    assert len({one.list_id for one in (bare, valued, other)}) == 3
    rows = {
        name: read_list(one.folder) for name, one in (("bare", bare), ("valued", valued), ("other", other))
    }
    assert rows["bare"]["clv_cents"].isna().all()
    assert {tuple(one) for one in rows["bare"]["model_versions"]} == {("churn@abababababab",)}
    differ = ["list_id", "clv_cents", "model_versions"]
    for name in ("valued", "other"):
        pd.testing.assert_frame_equal(rows[name].drop(columns=differ), rows["bare"].drop(columns=differ))
    assert valued.funnel == bare.funnel


def test_rules_know_the_value_and_who_is_alive(project, tables, source):
    rule = "clv_cents >= 2000 and p_alive > 0.5"
    ruled = catalog(
        action("good", eligible=rule), action("lost", channel="push", eligible="clv_cents is null")
    )
    rows = read_list(run(tables, source, catalog=ruled, daily_cap=None).folder)
    table = pd.read_parquet(next(project.glob("data/scores/clv-*/clv.parquet")))
    wanted = table.loc[(table["clv_cents"] >= 2000) & (table["p_alive"] > 0.5), "customer_id"]
    found = rows.groupby("action_id")["customer_id"].agg(list)
    assert found["good"] == wanted.tolist() != table["customer_id"].tolist()
    assert set(found["lost"]) > {"c000003", "c000004"}
    assert set(found["lost"]).isdisjoint(table["customer_id"])
    assert rows.loc[rows["action_id"] == "good", "reason_codes"].map(list).tolist() == [
        [f"rule: {rule}"]
    ] * len(wanted)
    with pytest.raises(ConfigError, match="no column 'p_alive'"):
        run(tables, None, catalog=ruled)
    none = catalog(action("good", eligible="clv_cents > 0"))
    with pytest.raises(ConfigError, match="no column 'clv_cents' without a model of clv"):
        run(tables, None, catalog=none)
