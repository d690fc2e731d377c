"""The model that a run hands on: what it predicts, how it is kept, and what it refuses."""

import json
import math
import re
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
import value_shop

from crm_ml.clv import clv_pyfunc, with_gaps
from crm_ml.clv.bootstrap import with_bootstrap_errors
from crm_ml.clv.cautions import Caution
from crm_ml.clv.challenger import Challenger, challenger_features
from crm_ml.clv.clv_model import SCORES, ClvModel
from crm_ml.clv.lifetime_value import lifetime_value
from crm_ml.clv.purchase_and_spend_model import PURCHASES, Valuer
from crm_ml.clv.time_units import months
from crm_ml.clv.valuation_terms import Terms
from crm_ml.clv.value_calibration import NO_TILT, Tilt
from crm_ml.errors import AlreadyPublished, InputError, IntegrityError
from crm_ml.models import model_folder
from crm_ml.storage.manifest import fingerprint, verify

YEAR = Terms.of_months(12, 0.1, 0.25)
MONEY = ["clv", "clv_low", "clv_high"]


@pytest.fixture(scope="module")
def summary():
    lines = value_shop.lines(250, seed=6)
    return with_gaps(value_shop.summary(lines), lines, date(2024, 8, 1))


@pytest.fixture(scope="module")
def models(summary):
    """One model of each kind: bare, for ever, tilted, and with challenger and tilt."""
    valuers = {name: Valuer.fit(name, summary, name != "beta_geo") for name in PURCHASES}
    X = challenger_features(valuers["beta_geo"], summary, YEAR)
    base = valuers["beta_geo"].value(summary, YEAR).to_numpy()
    trees = Challenger(rounds=10, min_data_in_leaf=20, num_threads=1).fit(X, base, base[::-1].copy())
    bare = {name: ClvModel.of(one, YEAR, summary, NO_TILT, None) for name, one in valuers.items()}
    return bare | {
        "for ever": ClvModel.of(valuers["beta_geo"], Terms(None, 0.1), summary, NO_TILT, None),
        "tilted": ClvModel.of(valuers["beta_geo"], YEAR, summary, Tilt(0.7, 1.2), None),
        "challenger": ClvModel.of(valuers["beta_geo"], YEAR, summary, Tilt(0.8, 0.9), trees),
    }


EVERY = pytest.mark.parametrize("kind", [*PURCHASES, "for ever", "tilted", "challenger"])


@EVERY
def test_it_scores_every_customer(kind, models, summary):
    found = models[kind].predict(summary)
    assert tuple(found.columns) == SCORES
    assert found.index.equals(summary.index)
    assert found["clv"].between(found["clv_low"], found["clv_high"]).all()
    assert (found[[*MONEY, "expected_value"]] > 0).all(axis=None)
    assert found["p_alive"].between(0, 1).all()
    if kind == "for ever":
        assert found["expected_purchases"].isna().all()
    else:
        assert (found["expected_purchases"] > 0).all()


def test_the_value_is_that_of_its_parts(models, summary):
    bare, tilted = models["beta_geo"], models["tilted"]
    valuer, plain = bare.valuer, bare.predict(summary)
    wanted = lifetime_value(valuer.purchases, valuer.spend, summary, months(12), 0.1, 0.25)
    np.testing.assert_array_equal(plain["clv"], wanted)
    for name in MONEY:
        np.testing.assert_allclose(tilted.predict(summary)[name], tilted.scale * plain[name] ** 0.7)
    assert tilted.predict(summary)["clv"].sum() == pytest.approx(1.2 * wanted.sum())
    challenged = models["challenger"]
    X = challenger_features(valuer, summary, YEAR)
    raw = challenged.challenger.correct(X, plain["clv"].to_numpy())
    np.testing.assert_allclose(challenged.predict(summary)["clv"], challenged.scale * raw**0.8)
    assert challenged.predict(summary)["clv"].sum() == pytest.approx(0.9 * raw.sum())
    others = ["p_alive", "expected_purchases", "expected_value"]
    pd.testing.assert_frame_equal(challenged.predict(summary)[others], plain[others])


@EVERY
def test_scores_do_not_depend_on_the_batch(kind, models, summary):
    some = summary.iloc[:6]
    whole = models[kind].predict(summary).iloc[:6]
    alone = pd.concat([models[kind].predict(some.iloc[i : i + 1]) for i in range(len(some))])
    pd.testing.assert_frame_equal(alone, whole, check_exact=True)
    pd.testing.assert_frame_equal(models[kind].predict(some.iloc[::-1]).iloc[::-1], whole, check_exact=True)


@EVERY
def test_save_and_load_keep_every_bit_in_few_bytes(kind, models, summary, tmp_path):
    model_folder.save(models[kind], tmp_path / "one", "clv", labels_end="2024-08-01")
    loaded = model_folder.load(tmp_path / "one")
    pd.testing.assert_frame_equal(loaded.predict(summary), models[kind].predict(summary), check_exact=True)
    model_folder.save(loaded, tmp_path / "two", "clv", labels_end="2024-08-01")
    assert fingerprint(tmp_path / "one") == fingerprint(tmp_path / "two")
    assert (tmp_path / "one/clv.json").stat().st_size < 10_000
    assert verify(tmp_path / "one")["family"] == "clv"
    assert (tmp_path / "one/challenger.txt").exists() == (kind == "challenger")
    for path in (tmp_path / "one").iterdir():
        assert "c00001" not in path.read_text()
    with pytest.raises(AlreadyPublished):
        model_folder.save(loaded, tmp_path / "one", "clv")


def test_cautions_are_saved_and_stand_in_the_attrs_of_scores(models, summary, tmp_path):
    caution = Caution("season", 5.5, 1.5, "Months differ by a factor of 5.5.")
    model_folder.save(
        replace(models["beta_geo"], cautions=(caution,)), tmp_path / "one", "clv", labels_end="2024-08-01"
    )
    loaded = model_folder.load(tmp_path / "one")
    assert loaded.cautions == (caution,)
    assert loaded.predict(summary).attrs["cautions"] == [caution.as_dict()]


def test_bootstrap_errors_and_parameters_at_a_bound_are_kept_too(models, summary, tmp_path):
    valuer = models["beta_geo"].valuer
    draw = np.random.default_rng(0)
    wider = Valuer(
        valuer.name,
        with_bootstrap_errors(valuer.purchases, summary, 3, draw),
        with_bootstrap_errors(valuer.spend, summary, 3, draw),
    )
    wider.purchases.covariance_[0] = wider.purchases.covariance_[:, 0] = math.nan
    model_folder.save(ClvModel.of(wider, YEAR, summary, NO_TILT, None), tmp_path / "model", "clv")
    loaded = model_folder.load(tmp_path / "model").valuer
    np.testing.assert_array_equal(loaded.purchases.covariance_, wider.purchases.covariance_)
    np.testing.assert_array_equal(loaded.spend.covariance_, wider.spend.covariance_)
    pd.testing.assert_frame_equal(loaded.table(summary, YEAR), wider.table(summary, YEAR), check_exact=True)


def test_the_input_is_left_alone_and_other_columns_are_harmless(models, summary):
    copy = summary.copy(deep=True)
    wanted = models["challenger"].predict(summary)
    pd.testing.assert_frame_equal(summary, copy)
    moved = summary[summary.columns[::-1]].assign(extra="x")
    pd.testing.assert_frame_equal(models["challenger"].predict(moved), wanted, check_exact=True)
    served = model_folder.PyfuncModel(models["challenger"], clv_pyfunc.score).predict(
        summary.astype("float64")
    )
    pd.testing.assert_frame_equal(served, wanted, check_exact=True)


def test_a_missing_column_and_another_unit_are_named(models, summary):
    for column in ("frequency", "recency", "T", "monetary_value"):
        with pytest.raises(InputError, match=rf"summary: {column} is missing"):
            models["beta_geo"].predict(summary.drop(columns=column))
    with pytest.raises(InputError, match="with_first_value=True"):
        models["challenger"].predict(summary.drop(columns="first_value"))
    with pytest.raises(InputError, match="first_value is missing"):
        models["pareto_nbd"].predict(summary.drop(columns="first_value"))
    weeks = value_shop.summary(value_shop.lines(250, seed=6), time_unit="W")
    with pytest.raises(InputError, match="summary is in weeks, but the model was fitted in days"):
        models["beta_geo"].predict(weeks)


@pytest.mark.parametrize("file", ["clv.json", "challenger.txt", "manifest.json"])
@pytest.mark.parametrize("damage", ["changed", "cut", "gone"])
def test_a_damaged_file_is_never_parsed(models, tmp_path, monkeypatch, file, damage):
    model_folder.save(models["challenger"], tmp_path / "model", "clv")
    path = tmp_path / "model" / file
    content = path.read_bytes()
    if damage == "gone":
        path.unlink()
    else:
        part = rb"[0-9a-f]{64}" if file == "manifest.json" else rb"1"
        changed = re.sub(part, lambda found: found[0][1:] + b"2", content, count=1)
        path.write_bytes(changed if damage == "changed" else content[: len(content) // 2])
    monkeypatch.setattr(ClvModel, "load", lambda _folder: pytest.fail("the folder was parsed"))
    with pytest.raises(IntegrityError):
        model_folder.load(tmp_path / "model")


def test_another_format_is_refused(models, tmp_path):
    models["beta_geo"].save(tmp_path)
    content = json.loads((tmp_path / "clv.json").read_text())
    (tmp_path / "clv.json").write_text(json.dumps(content | {"format": 9}))
    with pytest.raises(InputError, match="format 9 is unknown; this version reads 1"):
        ClvModel.load(tmp_path)


def test_terms_say_how_long():
    assert Terms.of_months(None, 0.1, 1.0).length == math.inf
    assert Terms.of_months(12, 0.1, 1.0).length == timedelta(days=365.25)


def test_money_times_100_gives_values_times_100(models):
    given = value_shop.lines(250, seed=6)
    other = value_shop.summary(given.assign(paid_cents=given["paid_cents"] * 100), date(2024, 8, 1))
    found = ClvModel.of(Valuer.fit("beta_geo", other), YEAR, other, Tilt(0.7, 1.2), None).predict(other)
    plain = models["tilted"].predict(value_shop.summary(given))
    np.testing.assert_allclose(found[MONEY], 100 * plain[MONEY], rtol=1e-4)
