"""Available labels: joined to the score tables of lists, judged, and logged to the model version once."""

import json
import shutil
import tempfile
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from challenge_world import LOADED, fitted, new_store
from published_list import publish_list
from sklearn.metrics import log_loss, roc_auc_score

from crm_ml import tracking
from crm_ml.errors import IntegrityError
from crm_ml.learning.realised.realise import LabelReach, realise
from crm_ml.models import model_folder
from crm_ml.score import realised
from crm_ml.score_tables.churn import ChurnSource
from crm_ml.score_tables.joined import score_day
from crm_ml.score_tables.source import ScoringDay
from crm_ml.storage.stage_cache import stage
from crm_ml.tables import Tables
from crm_ml.tracking.deferred_metrics import log_at

DAY_S, CUSTOMERS = 86_400, 300
AS_OF_S = 1_514_764_800  # 2018-01-01
TODAY = date(2018, 2, 1)


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


def judged_now(tables, today=TODAY, ends_at=None, work="data/scores"):
    """Judge the lists of the shop."""
    return realise(Path("data/lists/shop"), Path(work), tables, LabelReach(today, ends_at))


def scored(work, truth, content, as_of="2018-01-01T00:00:00+00:00"):
    """Keep a score table as a scoring run does; fifty customers had no score."""

    def fill(path):
        table = pa.table(
            {"customer_id": truth.index, "p": truth["p"], "rfm_days_since_order": 5.0 + 0 * truth["p"]}
        )
        pq.write_table(table.slice(50), path)

    features = stage(work, "features", {"as_of": as_of, "data": "ab" * 32}, fill)
    source = ChurnSource(
        name="churn", sums=content, predict=lambda X: X["p"].to_numpy(), where="rfm_days_since_order < 56"
    )
    return score_day(work, ScoringDay(None, None, features), [source], []).tables[0].path


def listed(project, content, *stages, day="2018-01-01", **fields):
    """Publish a list that was made from score tables of churn, and that contacts 20 customers."""
    ids = [f"c{number:03d}" for number in range(100, 120)]
    scores = {"features": "features-0", "churn": stages[0].parent.name}
    return publish_list(project / "data/lists/shop", day, {"churn": content}, scores, ids, **fields)


def registered(labels_end):
    """Log a run that promised an AUC of .7 to .9, and register its model."""
    details = {"labels_end": labels_end, "horizon_days": 28, "active_within_days": 56, "features": {}}
    with tempfile.TemporaryDirectory() as parent, tracking.start("churn", "churn/small") as active:
        active.log_metrics({"test.auc": 0.8, "test.auc.low": 0.7, "test.auc.high": 0.9})
        model_folder.save(fitted("signal"), Path(parent) / "model", "churn", **details)
        columns = {"signal": "double"}, {"p_churn": "double"}
        version = active.register(Path(parent) / "model", "churn", LOADED, *columns)
    return SimpleNamespace(run_id=active.run_id, version=version.version)


@pytest.fixture
def known(project, shop):
    """A registered version, and a published list of its scores."""
    found = registered("2017-12-27")
    content = tracking.registered("churn", found.version).content
    listed(project, content, scored(project / "data/scores", shop[1], content))
    return found, content


def metrics(found, name):
    return [
        (one.step, one.value)
        for one in tracking.connect().get_metric_history(found.run_id, f"realised.{name}")
    ]


def test_realised_metrics_are_those_of_a_computation_of_its_own_and_stand_once(known, shop):
    found, _ = known
    tables, truth = shop
    [one] = judged_now(tables).judged
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
    assert (one.promised["auc"], one.promised["auc.low"], one.unlike) == (0.8, 0.7, "")
    contacted = judged.index.isin([f"c{number:03d}" for number in range(100, 120)])
    assert metrics(found, "contacted") == [(step, 20)]
    for who, rows in (("contacted", judged[contacted]), ("others", judged[~contacted])):
        assert one.metrics[f"mean_score_{who}"] == pytest.approx(rows["p"].mean())
        assert one.metrics[f"mean_outcome_{who}"] == pytest.approx(rows["churned"].mean())
    tags = tracking.connect().get_model_version("churn", found.version).tags
    assert json.loads(tags["realised.2018-01-01"])["auc"] == pytest.approx(expected["auc"], abs=1e-6)
    [again] = judged_now(tables).judged
    assert not again.new
    assert again.metrics["auc"] == pytest.approx(expected["auc"], abs=1e-6)
    assert len(metrics(found, "auc")) == len(metrics(found, "base_rate.high")) == 1


def test_metrics_are_logged_all_at_once_with_their_model_and_a_killed_run_tags_what_is_there(
    known, project, shop, monkeypatch
):
    found, content = known
    client = type(tracking.connect()._wrapped)
    batches, usual = [], client.log_batch

    def log_batch(self, run_id, metrics=(), **more):
        batches.append([(one.key, one.model_id) for one in metrics])
        return usual(self, run_id, metrics=metrics, **more)

    def killed(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(client, "log_batch", log_batch)
    with monkeypatch.context() as at_the_tag, pytest.raises(KeyboardInterrupt):
        at_the_tag.setattr(client, "set_model_version_tag", killed)
        judged_now(shop[0])
    [batch] = batches
    assert {name for name, _ in batch} >= {"realised.auc", "realised.auc.low", "realised.base_rate"}
    version = tracking.connect().get_model_version("churn", found.version)
    [model_id] = {of for _, of in batch}
    assert version.source == f"models:/{model_id}"
    logged = {one.key for one in tracking.connect().get_logged_model(model_id).metrics}
    assert {name for name, _ in batch} <= logged
    assert set(version.tags) == {"content"}
    before = metrics(found, "auc")
    other = scored(project / "data/other", shop[1].assign(p=shop[1]["p"] ** 2 % 0.7), content)
    assert (
        other.parent.name == next((project / "data/scores").glob("churn-*")).name
    )  # other scores of that day
    [one] = judged_now(shop[0], work="data/other").judged
    assert (one.new, len(batches), metrics(found, "auc")) == (True, 1, before)
    assert one.metrics["auc"] == before[0][1]  # told is what was logged, and no mixture
    tag = tracking.connect().get_model_version("churn", found.version).tags["realised.2018-01-01"]
    assert json.loads(tag)["auc"] == pytest.approx(before[0][1], abs=1e-6)
    assert set(json.loads(tag)) == {name.removeprefix("realised.") for name, _ in batch}


def test_metrics_of_another_day_are_no_reason_to_log_nothing(known):
    version = tracking.registered("churn", known[0].version)
    assert log_at(version, "realised.", {"auc": 0.5}, 17_000) == {"auc": 0.5}
    assert log_at(version, "realised.", {"auc": 0.6}, 17_001) == {"auc": 0.6}
    assert log_at(version, "realised.", {"auc": 0.7, "rows": 1.0}, 17_001) == {"auc": 0.6}
    assert metrics(known[0], "auc") == [(17_000, 0.5), (17_001, 0.6)]


@pytest.mark.parametrize("today", [date(2018, 1, 28), date(2018, 1, 2)])
def test_a_window_that_has_not_ended_has_no_labels_yet(known, shop, today):
    report = judged_now(shop[0], today)
    assert (report.judged, report.failures) == ([], [])
    assert dict(report.left_out) == {
        ("churn", f"the labels of 2018-01-01 end on 2018-01-29, after {today}"): 1
    }
    assert metrics(known[0], "auc") == []


@pytest.mark.usefixtures("known")
def test_a_window_that_the_data_do_not_cover_waits_for_them(shop):
    early = judged_now(shop[0], ends_at=date(2018, 1, 20))
    [(_, why)] = early.left_out
    assert early.judged == []
    assert why == "the labels of 2018-01-01 ended on 2018-01-29, but the data end on 2018-01-20"
    assert len(judged_now(shop[0], date(2018, 1, 29)).judged) == 1


def test_each_version_gets_what_its_own_scores_brought(known, project, shop):
    first, _ = known
    second = registered("2017-12-20")
    content = tracking.registered("churn", second.version).content
    turned = shop[1].assign(p=1 - shop[1]["p"])
    stage = scored(project / "data/scores", turned, content, "2017-12-31T00:00:00+00:00")
    listed(project, content, stage, day="2017-12-31")
    found = judged_now(shop[0]).judged
    named = [(one.version, one.day) for one in found]
    assert named == [(second.version, "2017-12-31"), (first.version, "2018-01-01")]
    assert metrics(first, "auc")[0][1] > 0.7 > 0.3 > metrics(second, "auc")[0][1]
    assert [one.worse for one in found] == [("auc",), ()]


def test_of_versions_with_the_same_content_the_champion_is_meant_else_the_newest(known, shop):
    first, content = known
    second = registered("2017-12-27")
    assert tracking.registered("churn", second.version).content == content
    tracking.connect().set_registered_model_alias("churn", "champion", first.version)
    assert judged_now(shop[0]).judged[0].version == first.version
    tracking.connect().delete_registered_model_alias("churn", "champion")
    assert judged_now(shop[0]).judged[0].version == second.version


def test_scores_that_no_list_was_made_from_are_not_judged(known, project, shop):
    """A run that drift has stopped leaves score tables behind, here one that sorts before the used one."""
    _, content = known
    [used] = (project / "data/scores").glob("churn-*")
    worse = scored(project / "aside", shop[1].assign(p=0.5), content)
    shutil.copytree(worse.parent, project / "data/scores/churn-0000000000000000")
    [one] = judged_now(shop[0]).judged
    assert one.metrics["auc"] > 0.7
    assert used.is_dir()


def test_lists_of_one_day_from_different_scores_are_told_and_not_chosen_between(known, project, shop):
    found, content = known
    other = scored(project / "data/scores", shop[1].assign(p=0.5), content, "2018-01-01T00:00:00Z")
    second = listed(project, content, other, policy="two")
    report = judged_now(shop[0])
    assert (report.judged, metrics(found, "auc")) == ([], [])
    [((name, why), count)] = report.left_out.items()
    assert (name, count) == ("churn", 2)
    assert second.name in why
    shutil.rmtree(second)
    assert len(judged_now(shop[0]).judged) == 1


def test_two_lists_of_the_same_scores_are_judged_once(known, project, shop):
    [used] = (project / "data/scores").glob("churn-*/churn.parquet")
    listed(project, known[1], used, policy="two")
    assert len(judged_now(shop[0]).judged) == 1


def test_what_is_damaged_gone_or_old_is_told_and_the_others_are_judged(known, project, shop):
    _, content = known
    lost = scored(project / "data/scores", shop[1], content, "2017-12-28T00:00:00+00:00")
    listed(project, content, lost, day="2017-12-28")
    shutil.rmtree(lost.parent)
    broken = scored(project / "data/scores", shop[1], content, "2017-12-29T00:00:00+00:00")
    listed(project, content, broken, day="2017-12-29")
    broken.write_bytes(broken.read_bytes()[:-1] + b"x")
    publish_list(project / "data/lists/shop", "2017-12-30", {"churn": content}, None)
    (listed(project, content, broken, day="2017-12-26") / "manifest.json").write_text("{")
    unknown = scored(project / "data/scores", shop[1], "ef" * 32, "2017-12-27T00:00:00+00:00")
    listed(project, "ef" * 32, unknown, day="2017-12-27")
    report = judged_now(shop[0])
    assert [one.day for one in report.judged] == ["2018-01-01"]
    assert [type(one) for one in report.failures] == [IntegrityError] * 2
    assert "manifest.json is no JSON" in str(report.failures[0])
    assert "churn.parquet has changed" in str(report.failures[1])
    told = [f"{name}: {why}" for name, why in report.left_out]
    assert "lists: made before their manifests named the score tables" in told
    assert any("no version of churn in" in one and "the content efefefefefef" in one for one in told)
    assert any(one.startswith("churn: score tables are no longer in") for one in told)


def test_a_purged_version_stops_nothing(known, project, shop):
    old = registered("2017-12-20")  # newer by number, so it is looked at first
    purged = Path(tracking.registered("churn", old.version).folder)
    assert project in purged.parents
    shutil.rmtree(purged)
    report = judged_now(shop[0])
    assert [one.version for one in report.judged] == [known[0].version]
    assert report.failures == []


def test_a_table_that_was_judged_is_not_read_again(known, project, shop):
    judged_now(shop[0])
    [path] = (project / "data/scores").glob("churn-*/churn.parquet")
    path.write_bytes(b"x")
    report = judged_now(shop[0])
    assert [one.new for one in report.judged] == [False]
    assert (report.failures, len(metrics(known[0], "auc"))) == ([], 1)


def test_rows_of_one_class_have_a_base_rate_alone(known, project, shop):
    stayed = shop[1][shop[1]["churned"] == 0]
    shutil.rmtree(project / "data/scores")
    scored(project / "data/scores", pd.concat([stayed.iloc[:50], stayed]), known[1])
    [one] = judged_now(shop[0]).judged
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
    assert "churn 2018-01-01: 20 stood in the list: predicted 0." in shown
    assert "1 logged now, 0 before" in shown
    assert "ece" not in shown
    assert realised.main(["--as-of", "2018-02-01"]) == 0
    assert "0 logged now, 1 before" in capsys.readouterr().out
    assert realised.main(["--as-of", "2018-01-02"]) == 0
    shown = capsys.readouterr().out
    assert "no score table of a published list is judged" in shown
    assert "not judged, churn: the labels of 2018-01-01 end on 2018-01-29, after 2018-01-02" in shown
    assert realised.main(["--as-of", "2018-02-01", "--out", "elsewhere"]) == 0
    assert "not judged" not in capsys.readouterr().out
    assert realised.main(["score/none"]) == 2
    [folder] = (project / "data/lists/shop").iterdir()
    (folder / "manifest.json").unlink()
    assert realised.main(["--as-of", "2018-02-01"]) == 4
    assert "manifest.json can't be read" in capsys.readouterr().err
