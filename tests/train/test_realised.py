"""Matured labels: joined to kept score tables, judged, and logged to the model version once."""

import hashlib
import json
import tempfile
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from challenge_world import LOADED, empty_database, fitted, new_store
from sklearn.metrics import log_loss, roc_auc_score

from crm_ml import tracking
from crm_ml.config import Data
from crm_ml.errors import InputError, IntegrityError
from crm_ml.models import artefact
from crm_ml.score import realised
from crm_ml.score.scores import Scorer
from crm_ml.score.settings import ScoreSettings
from crm_ml.score.stages import scores_of, stage
from crm_ml.tables import Tables

DAY_S, CUSTOMERS = 86_400, 300
AS_OF_S = 1_514_764_800  # 2018-01-01
TODAY = date(2018, 2, 1)


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    return empty_database(tmp_path_factory)


@pytest.fixture(autouse=True)
def project(template, monkeypatch, tmp_path):
    (tmp_path / "configs").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CRM_ML_DATA", raising=False)
    new_store(template, tmp_path / "runs", monkeypatch)
    return tmp_path


@pytest.fixture(scope="module")
def shop():
    """Orders before and after 2018-01-01: each customer with a chance of its own to come back."""
    draw = np.random.default_rng(4)
    ids = [f"c{number:03d}" for number in range(CUSTOMERS)]
    chance = draw.uniform(0.05, 0.95, CUSTOMERS)
    back = draw.random(CUSTOMERS) < chance
    times = {name: [AS_OF_S - 5 * DAY_S] for name in ids}
    for name, comes in zip(ids, back, strict=True):
        # who comes on day 28 or later has churned all the same
        times[name].append(AS_OF_S + (3 * DAY_S if comes else 28 * DAY_S))
    lines = pd.DataFrame(
        [(name, f"o{name}{at}", "i1", at, 1, 100, 0, 0) for name in ids for at in times[name]],
        columns=["customer_id", "order_id", "item_id", "ordered_at_epoch_s", "quantity", "paid_cents",
                 "discount_cents", "coupon_cents"],
    )  # fmt: skip
    last = lines.iloc[[0]].assign(order_id="last", ordered_at_epoch_s=AS_OF_S + 40 * DAY_S)
    tables = Tables(customers=pd.DataFrame({"customer_id": ids}), order_lines=pd.concat([lines, last]))
    truth = pd.DataFrame({"p": 1 - chance, "churned": (~back).astype(int)}, index=ids)
    return tables.to("duckdb"), truth


def settings(**fields):
    given = {"name": "shop", "data": Data(name="shop"), "actions": "none.yaml", "as_of": TODAY} | fields
    return ScoreSettings(**given)


def scored(work, truth, content, as_of="2018-01-01T00:00:00+00:00"):
    """Keep a score table as a scoring run does; fifty customers had no score."""

    def fill(path):
        table = pa.table(
            {"customer_id": truth.index, "p": truth["p"], "rfm_days_since_order": 5.0 + 0 * truth["p"]}
        )
        pq.write_table(table.slice(50), path)

    features = stage(work, "features", {"as_of": as_of, "data": "ab" * 32}, fill)
    return scores_of(
        work, features, Scorer("churn", content, lambda X: X["p"].to_numpy(), "rfm_days_since_order < 56")
    )


def registered(labels_end):
    """Log a run that promised an AUC of .7 to .9, and register its model."""
    details = {"labels_end": labels_end, "horizon_days": 28, "active_within_days": 56, "features": {}}
    with tempfile.TemporaryDirectory() as parent, tracking.start("churn", "churn/small") as active:
        active.log_metrics({"test.auc": 0.8, "test.auc.low": 0.7, "test.auc.high": 0.9})
        artefact.save(fitted("signal"), Path(parent) / "model", "churn", **details)
        columns = {"signal": "double"}, {"p_churn": "double"}
        version = active.register(Path(parent) / "model", "churn", LOADED, *columns)
    return SimpleNamespace(run_id=active.run_id, version=version.version)


@pytest.fixture
def known(project, shop):
    """A registered version, and a kept score table of it."""
    found = registered("2017-12-27")
    content = tracking.registered("churn", found.version).content
    scored(project / "data/scores", shop[1], content)
    return found, content


def metrics(found, name):
    return [
        (one.step, one.value)
        for one in tracking.connect().get_metric_history(found.run_id, f"realised.{name}")
    ]


def test_realised_metrics_are_those_of_a_computation_of_its_own_and_stand_once(known, shop):
    found, _ = known
    tables, truth = shop
    [one] = realised.realise(settings(), tables)
    judged = truth.iloc[50:]
    step = AS_OF_S // DAY_S
    expected = {
        "auc": roc_auc_score(judged["churned"], judged["p"]),
        "log_loss": log_loss(judged["churned"], judged["p"]),
        "base_rate": judged["churned"].mean(),
        "mean_score": judged["p"].mean(),
        "rows": 250,
    }
    for name, value in expected.items():
        assert metrics(found, name) == [(step, pytest.approx(value, abs=1e-9))]
    [(_, low)], [(_, high)] = metrics(found, "auc.low"), metrics(found, "auc.high")
    assert low < expected["auc"] < high
    assert (one.version, one.day, one.new) == (found.version, "2018-01-01", True)
    assert (one.promised["auc"], one.promised["auc.low"]) == (0.8, 0.7)
    tags = tracking.connect().get_model_version("churn", found.version).tags
    assert json.loads(tags["realised.2018-01-01"])["auc"] == pytest.approx(expected["auc"], abs=1e-6)
    [again] = realised.realise(settings(), tables)
    assert not again.new
    assert again.metrics["auc"] == pytest.approx(expected["auc"], abs=1e-6)
    assert len(metrics(found, "auc")) == len(metrics(found, "base_rate.high")) == 1


def test_a_run_that_was_killed_between_metrics_and_tag_is_completed(known, project, shop):
    found, content = known
    realised.realise(settings(), shop[0])
    before = metrics(found, "auc")
    client = tracking.connect()
    client.delete_model_version_tag("churn", found.version, "realised.2018-01-01")
    scored(
        project / "data/other", shop[1].assign(p=shop[1]["p"] ** 2 % 0.7), content
    )  # scores of another day
    [one] = realised.realise(settings(work="data/other"), shop[0])
    assert one.new
    assert metrics(found, "auc") == before
    assert "realised.2018-01-01" in client.get_model_version("churn", found.version).tags


@pytest.mark.parametrize("today", [date(2018, 1, 28), date(2018, 1, 2)])
def test_a_window_that_has_not_ended_has_no_labels_yet(known, shop, today):
    assert realised.realise(settings(as_of=today), shop[0]) == []
    assert metrics(known[0], "auc") == []


@pytest.mark.usefixtures("known")
def test_a_window_that_the_data_do_not_cover_waits_for_them(shop):
    early = settings(data=Data(name="shop", ends_at=date(2018, 1, 20)))
    assert realised.realise(early, shop[0]) == []
    assert len(realised.realise(settings(as_of=date(2018, 1, 29)), shop[0])) == 1


def test_each_version_gets_what_its_own_scores_brought(known, project, shop):
    first, _ = known
    second = registered("2017-12-20")
    content = tracking.registered("churn", second.version).content
    turned = shop[1].assign(p=1 - shop[1]["p"])
    scored(project / "data/scores", turned, content, "2017-12-31T00:00:00+00:00")
    found = realised.realise(settings(), shop[0])
    named = [(one.version, one.day) for one in found]
    assert named == [(second.version, "2017-12-31"), (first.version, "2018-01-01")]
    assert metrics(first, "auc")[0][1] > 0.7 > 0.3 > metrics(second, "auc")[0][1]
    assert [one.worse for one in found] == [("auc",), ()]


@pytest.mark.usefixtures("known")
def test_a_damaged_score_table_is_refused(project, shop):
    [path] = (project / "data/scores").glob("churn-*/churn.parquet")
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(IntegrityError, match=r"churn\.parquet has changed"):
        realised.realise(settings(), shop[0])


def test_a_model_that_is_not_registered_is_said(shop):
    with pytest.raises(InputError, match="no model churn is registered"):
        realised.realise(settings(), shop[0])


def test_rows_of_one_class_have_a_base_rate_alone(known, project, shop):
    _, content = known
    for path in (project / "data/scores").glob("churn-*"):
        digest = hashlib.sha256(path.name.encode()).hexdigest()
        path.rename(project / digest)
    stayed = shop[1][shop[1]["churned"] == 0]
    scored(project / "data/scores2", pd.concat([stayed.iloc[:50], stayed]), content)
    [one] = realised.realise(settings(work="data/scores2"), shop[0])
    assert one.metrics["base_rate"] == 0
    assert 0 <= one.metrics["base_rate.low"] < 1e-9 < one.metrics["base_rate.high"] < 0.05
    assert "auc" not in one.metrics


@pytest.mark.usefixtures("known")
def test_the_command_shows_realised_beside_promised(project, shop, monkeypatch, capsys):
    from crm_ml import datasets

    monkeypatch.setattr(datasets, "load", lambda *_: shop[0])
    monkeypatch.setenv("COLUMNS", "200")
    (project / "configs/score").mkdir()
    (project / "configs/score/default.yaml").write_text(
        "name: shop\ndata: {name: shop}\nactions: none.yaml\n"
    )
    assert realised.main(["--as-of", "2018-02-01"]) == 0
    shown = capsys.readouterr().out
    assert "churn version 1" in shown
    assert "0.8000 (0.7000 to 0.9000)" in shown
    assert "1 logged now, 0 before" in shown
    assert realised.main(["--as-of", "2018-02-01"]) == 0
    assert "0 logged now, 1 before" in capsys.readouterr().out
    assert realised.main(["--as-of", "2018-01-02"]) == 0
    assert "no label window of a kept score table has ended yet" in capsys.readouterr().out
    assert realised.main(["score/none"]) == 2
