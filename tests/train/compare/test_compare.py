"""Runs on common rows: paired differences, what is refused, and what may be read in what was logged."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from challenge_world import config, finish, fitted, new_store, outcome, rows
from run_store import first, folder

from crm_ml import datasets, tracking
from crm_ml.errors import InputError, IntegrityError
from crm_ml.evaluation.predictions import Predictions
from crm_ml.evaluation.significance import evaluate
from crm_ml.storage.manifest import verify
from crm_ml.storage.pseudonyms import FILE, KEY, pseudonym_key, pseudonyms
from crm_ml.train.compare import __main__ as command
from crm_ml.train.compare import compare_runs
from crm_ml.train.compare.logged_rows import Logged
from crm_ml.train.compare.paired import compare_rows

pytestmark = pytest.mark.xdist_group("store")
DAYS = ("2017-10-25", "2017-11-22")


@pytest.fixture
def runs(new_runs, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    return new_runs


def logged(column, days=DAYS, key=b"key", **changes):
    return Logged.of(outcome(column, days=days).rows, config(days, **changes), key)


def test_values_and_intervals_are_those_of_the_judge_on_all_rows():
    found = compare_rows({"a": logged("signal"), "b": logged("noise")})
    given = rows(DAYS)
    said = {name: fitted(column).expected(given.X) for name, column in (("a", "signal"), ("b", "noise"))}
    ids, fold = given.customer_id.to_numpy(), given.fold.to_numpy()
    known = Predictions(ids, fold, given.y.to_numpy().astype(float), said)
    judged = evaluate(known, np.random.default_rng(17), ("auc", "log_loss"), 100)
    for metric, over in (("auc", "folds"), ("log_loss", "pooled")):
        wanted = judged.difference("b", "a", metric, over)
        one = found.difference("test", metric, "b")
        assert (one.value, one.low, one.high) == pytest.approx(
            (wanted.value, wanted.low, wanted.high), abs=1e-12
        )
    table = found.table.set_index(["metric", "run"])
    own = judged.interval("a", "auc", "folds")
    assert tuple(table.loc[("auc", "a"), ["value", "low", "high"]]) == pytest.approx(
        (own.value, own.low, own.high)
    )
    assert table.loc[("auc", "b"), "verdict"] == table.loc[("log_loss", "b"), "verdict"] == "worse"
    assert table.loc[("auc", "a"), "verdict"] == "first"
    assert found.parts["test"]["rows"] == 600


def test_rows_are_kept_in_the_order_of_pseudonyms_and_give_the_same_values(tmp_path):
    one = logged("signal")
    one.save(tmp_path / "kept")
    kept = Logged.load(tmp_path / "kept")
    names = kept.frames["test"]["customer"]
    assert names.is_monotonic_increasing
    assert not one.frames["test"]["customer"].is_monotonic_increasing
    both = [compare_rows({"a": each, "b": each}).table.set_index(["metric", "run"]) for each in (one, kept)]
    for column, within in (("value", 1e-12), ("low", 0.02)):
        assert both[0][column].to_dict() == pytest.approx(both[1][column].to_dict(), abs=within)


def test_only_rows_that_all_runs_have_count():
    one, other = logged("signal"), logged("noise", days=("2017-11-22",))
    frame = one.frames["test"]
    short = replace(one, frames={"test": frame[frame["customer"] != frame["customer"].iloc[0]]})
    alike = replace(other, frames={"test": frame[frame["fold"] == "2017-11-22"].assign(**{"p.model": 0.5})})
    found = compare_rows({"a": short, "b": alike})
    assert found.parts["test"] == {
        "rows": 299, "customers": 299, "folds": 1,
        "outcomes_above_zero": int(short.frames["test"].query("fold == '2017-11-22'")["y"].sum()),
    }  # fmt: skip
    again = compare_rows({"a": short, "b": replace(alike, frames={"test": alike.frames["test"].iloc[::-1]})})
    pd.testing.assert_frame_equal(found.table, again.table)


def test_the_key_of_the_pseudonyms_changes_no_figure():
    tables_of = [
        compare_rows({"a": logged("signal", key=key), "b": logged("noise", key=key)}).table
        for key in (b"one", b"another")
    ]
    pd.testing.assert_frame_equal(*tables_of)


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (
            lambda one: replace(one, family="uplift"),
            "different families can't be compared: a of churn, b of uplift",
        ),
        (
            lambda one: replace(one, frames={"test": one.frames["test"].assign(fold="2018-01-01")}),
            "share no test row: a: 2 folds from 2017-10-25 to 2017-11-22; b: 1 folds from 2018-01-01",
        ),
        (
            lambda one: replace(
                one, frames={"test": one.frames["test"].assign(y=1 - one.frames["test"]["y"])}
            ),
            "disagree about outcomes of common rows: test in 600 of 600 rows",
        ),
        (lambda _: logged("noise", key=b"another"), f"named by different keys: set {KEY} for all"),
        (
            lambda one: replace(one, about=dict(one.about) | {"terms": {"k": 5}}),
            "differ in what must be the same",
        ),
    ],
)
def test_what_can_not_be_compared_is_refused_by_name(other, words):
    with pytest.raises(InputError, match=words.replace("(", r"\(")):
        compare_rows({"a": logged("signal"), "b": other(logged("noise"))})


def test_runs_of_two_stores_stand_in_one_table_and_leave_files(runs, template, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv(KEY, "one key for both")
    ours = finish(outcome("signal"))
    other = new_store(template, tmp_path / "other", monkeypatch)
    theirs = finish(outcome("noise"))
    monkeypatch.setenv("CRM_ML_RUNS", str(runs))
    calls = [
        ["churn@champion", theirs.run_id, "--store", f"sqlite:///{other / 'mlflow.db'}"],
        [ours.run_id, "--store", f"{other}#{theirs.run_id}"],
    ]
    for number, arguments in enumerate(calls):
        assert command.main([*arguments, "--out", str(tmp_path / f"out{number}")]) == 0
        said = capsys.readouterr().out
        assert "churn: 2 runs on common rows, 95 % intervals" in said
        assert "test: 300 common rows of 300 customers" in said
        assert "worse" in said
    pair = [
        pd.read_csv(tmp_path / f"out{number}" / "comparison.csv").drop(columns="run") for number in (0, 1)
    ]
    pd.testing.assert_frame_equal(*pair)
    out = tmp_path / "out1"
    assert sorted(verify(out)["files"]) == ["comparison.csv", "comparison.json", "differences.png"]
    content = json.loads((out / "comparison.json").read_text())
    assert [one["run_id"] for one in content["runs"]] == [ours.run_id, theirs.run_id]
    assert content["metrics"][0]["difference"] is None
    assert (out / "differences.png").read_bytes().startswith(b"\x89PNG")
    assert command.main([*calls[1], "--out", str(out)]) == 3
    again = tmp_path / "again"
    assert command.main([*calls[1], "--out", str(again)]) == 0
    assert (again / "manifest.json").read_bytes() == (out / "manifest.json").read_bytes()


def test_runs_that_are_not_there_are_all_named(runs, capsys):
    done = finish(outcome("signal"))
    for arguments, code, words in (
        ([done.run_id], 2, "at least two runs to compare, not 1"),
        ([done.run_id, "absent", "churn@ghost"], 2, "absent: no run of that name in sqlite:"),
        ([done.run_id, "absent", "churn@ghost"], 2, "churn@ghost: no registered model of that name"),
        ([done.run_id, "churn@champion"], 2, "each run may stand once"),
        ([done.run_id, "absent", "--store", f"sqlite:///{runs}/no.db"], 2, "there is no such tracking store"),
    ):
        assert command.main(arguments) == code
        assert words in capsys.readouterr().err
    with tracking.start("churn", "old") as old:
        pass
    assert command.main([done.run_id, old.run_id]) == 2
    assert "it has no test rows (predictions/); train it again" in capsys.readouterr().err


def test_test_rows_that_were_changed_are_never_read(runs):
    done = finish(outcome("signal"))
    path = next((runs / "artefacts").rglob("part_0.parquet"))
    path.write_bytes(path.read_bytes()[:-1] + b"X")
    with pytest.raises(IntegrityError, match=r"part_0\.parquet has changed"):
        compare_runs.compare([done.run_id, "churn@champion"])


def test_the_key_of_the_pseudonyms_is_of_the_environment_or_drawn_once_for_its_owner(monkeypatch, tmp_path):
    monkeypatch.delenv(KEY, raising=False)
    monkeypatch.setenv("CRM_ML_RUNS", str(tmp_path / "runs"))
    first = pseudonym_key()
    path = tmp_path / "runs" / FILE
    assert first == pseudonym_key() == path.read_bytes()
    assert (len(first), path.stat().st_mode & 0o777, len(list(path.parent.iterdir()))) == (32, 0o600, 1)
    monkeypatch.setenv("CRM_ML_RUNS", str(tmp_path / "others"))
    assert pseudonym_key() != first
    path.write_bytes(b"short")
    monkeypatch.setenv("CRM_ML_RUNS", str(tmp_path / "runs"))
    with pytest.raises(InputError, match=f"5 bytes are no key; remove it, or set {KEY}"):
        pseudonym_key()
    monkeypatch.setenv(KEY, "secret")
    assert pseudonym_key() == b"secret"
    # RFC 4231, test case 2: HMAC-SHA256 of this text under the key "Jefe"
    assert pseudonyms(["what do ya want for nothing?"], b"Jefe") == ["5bdcc146bf60754e6a042426089575c7"]


def test_every_family_logs_rows_by_which_its_figures_come_again_and_nobody_is_named(store):
    assert store.exit_code == 0
    client = tracking.connect()
    known = datasets.load("complete_journey", store.households).pandas("customers")["customer_id"]
    for name in store.names:
        run = first(client, name)
        home = folder(run) / "predictions"
        one = Logged.load(home)
        assert one.family == name.partition("/")[0]
        for frame in one.frames.values():
            assert frame["customer"].str.fullmatch("[0-9a-f]{32}").all()
            assert not set(frame["customer"]) & set(known)
        found = compare_rows({"a": one, "b": one})
        assert set(found.parts) == set(one.frames)
        assert (found.table.loc[found.table["run"] == "b", "difference"] == 0).all()
        values = found.table[found.table["run"] == "a"].set_index(["part", "metric"])["value"]
        for (part, metric), value in values.items():
            logged_name = f"test.{_name(one.family, part, metric, len(one.frames))}"
            assert value == pytest.approx(run.data.metrics[logged_name], abs=1e-9), (name, logged_name)


def _name(family, part, metric, parts):
    """Name under which a run logs a metric of a part."""
    if family == "recommend":
        return f"{'' if part == 'all' else f'{part}_'}{metric}_at_10"
    if family == "clv":
        return f"{'purchases_' if part == 'purchases' else ''}{metric}"
    return f"{part}.{metric}" if family == "uplift" and parts > 1 else metric
