"""The command: a champion from its folder, exit codes, and the table at the end."""

import os
import subprocess
import sys
from datetime import date, timedelta

import numpy as np
import pytest
import score_world
from score_world import AS_OF, contents

from crm_ml import datasets, features, tracking
from crm_ml.errors import InputError
from crm_ml.lists import read_list
from crm_ml.models import model_folder
from crm_ml.models.model import create
from crm_ml.score.__main__ import main
from crm_ml.score_tables.champion_set import champions
from crm_ml.snapshots import Snapshot, as_utc
from crm_ml.storage.manifest import fingerprint, verify

ACTIONS = """
currency: EUR
actions:
  - action_id: coupon
    channel: mail
    score: p_churn
    cost_cents: 10
    margin_cents: 1000
    assumed_effect: 0.5
    assumption: chosen for a test
    eligible: lifecycle_stage in ('new', 'active', 'dormant')
    expires_after_days: 7
"""
SETTINGS = """
name: test
data: {name: generated}
as_of: 2024-06-01
actions: configs/actions/test.yaml
consent: assumed
daily_cap: 20
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Tables, and the folder of a small real model that was trained on them."""
    folder = tmp_path_factory.mktemp("world")
    tables = score_world.tables(folder / "tables")
    known = features.matrix(tables, Snapshot(as_utc(AS_OF), timedelta(days=1)))
    model = create("gradient_boosting")
    model.fit(known, np.random.default_rng(0).integers(0, 2, len(known)))
    details = {"active_within_days": 56, "labels_end": "2024-05-01", "features": {}}
    model_folder.save(model, folder / "model", "churn", **details)
    return tables, folder / "model"


@pytest.fixture
def project(tmp_path, monkeypatch, world):
    tables, model = world
    for name, text in (("actions/test", ACTIONS), ("score/default", SETTINGS)):
        path = tmp_path / "configs" / f"{name}.yaml"
        path.parent.mkdir(parents=True)
        path.write_text(text)
    version = tracking.ModelVersion("churn", "1", model, fingerprint(model), verify(model))
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CRM_ML_DATA", raising=False)
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.setattr(datasets, "load", lambda _name, _path: tables)
    monkeypatch.setattr(tracking, "champion", lambda _name, _alias: version)
    return tmp_path


def test_a_list_of_the_champion_with_its_reasons(project, capsys):
    assert main([]) == 0
    rows = read_list(project / "data/lists/test")
    assert len(rows) == 20
    assert all(1 <= len(codes) <= 3 for codes in rows["reason_codes"])
    assert rows["reason_codes"].explode().str.fullmatch(r"[a-z0-9_]+=.+ \([+-]\d+\.\d\d\)").all()
    shown = capsys.readouterr().out
    assert rows["list_id"].iloc[0] in shown
    assert "data/lists/test/2024-06-01-" in shown
    assert main([]) == 3
    assert "already published" in capsys.readouterr().err


def test_flags_give_the_day_the_settings_and_the_folder(project):
    assert main(["score/default", "--as-of", "2024-05-20", "--set", "daily_cap=5", "--out", "here"]) == 0
    rows = read_list(project / "here/test")
    assert len(rows) == 5
    assert set(rows["as_of"].dt.date.astype(str)) == {"2024-05-20"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--as-of", "yesterday"], "as_of: Input should be a valid date"),
        (["--set", "nope=1", "--set", "daily_cap=0"], "2 mistakes"),
        (["score/other"], "score/other: no list of that name"),
        (["../default"], "outside"),
        (["--set", "actions=../actions.yaml"], "outside"),
        (["--set", "consent=table"], "no consents"),
        (
            ["--set", "models.weather=w@champion"],
            "no family 'weather' has score tables; there are churn, clv,",
        ),
        (["--set", "models.churn=churn"], "models.churn: "),
        (
            ["--set", "models.churn=null"],
            "needs a model of churn in the settings (models: {churn: churn@champion})",
        ),
        (["--set", "value_model=clv@champion"], "models: {churn: churn@champion, clv: clv@champion}"),
        (["--out", "configs/score/default.yaml"], "configs/score/default.yaml is no folder; name another"),
    ],
)
def test_what_can_not_be_used_exits_with_2_and_one_message(project, capsys, arguments, words):
    before = contents(project)
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("error: ")
    assert words in captured.err
    assert "Traceback" not in captured.err
    assert contents(project) == before


def test_a_file_in_place_of_the_folder_of_lists_is_refused_before_anything_is_read(
    project, capsys, monkeypatch
):
    monkeypatch.setattr(datasets, "load", lambda *_: pytest.fail("tables were read"))
    (project / "file").write_text("")
    for out in (project / "file", project / "file" / "lists"):
        assert main(["--out", str(out)]) == 2
        assert f"{project / 'file'} is no folder" in capsys.readouterr().err


def test_a_folder_that_can_not_be_written_is_refused_before_anything_is_read(project, capsys, monkeypatch):
    monkeypatch.setattr(datasets, "load", lambda *_: pytest.fail("tables were read"))
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write anywhere
    assert main(["--out", str(project / "lists")]) == 2
    assert "this user may not write in" in capsys.readouterr().err


def test_a_damaged_champion_exits_with_4(project, world, capsys):
    path = next(world[1].glob("*.txt"))
    content = path.read_bytes()
    try:
        path.write_bytes(content.replace(b"1", b"2", 1))
        assert main([]) == 4
    finally:
        path.write_bytes(content)
    assert "has changed" in capsys.readouterr().err
    assert not (project / "data").exists()


def test_a_day_that_the_model_knows_labels_of_is_refused(project, capsys):
    assert main(["--as-of", "2024-04-30"]) == 2
    told = capsys.readouterr().err
    assert "trained on labels until 2024-05-01 and must not score 2024-04-30" in told
    assert not (project / "data").exists()


def test_a_day_long_after_the_tables_end_is_refused_by_one_sentence_before_anything_is_scored(
    project, capsys
):
    assert main(["--as-of", "2024-06-30"]) == 2
    assert capsys.readouterr().err.strip() == (
        "error: the tables end on 2024-06-01, 29 days before the day of the list (2024-06-30), so who bought "
        "since is not known; newer tables or an earlier day mend it "
        "(2024-06-30 is as_of, as --set or --as-of gave it)"
    )
    assert not (project / "data").exists()


def test_an_empty_list_says_why_and_offers_no_export(project, capsys):
    actions = project / "configs/actions/test.yaml"
    actions.write_text(ACTIONS.replace("cost_cents: 10", "cost_cents: 100000"))
    assert main([]) == 0
    shown = capsys.readouterr().out
    assert "no row: nobody's action is worth more than its cost" in shown
    assert "next:" not in shown
    assert len(read_list(project / "data/lists/test")) == 0


def test_an_absent_champion_is_named(monkeypatch):
    def absent(name, alias):
        raise InputError(f"no model {name}@{alias} is registered")

    monkeypatch.setattr(tracking, "champion", absent)
    with pytest.raises(InputError, match="churn@challenger"):
        champions({"churn": "churn@challenger"}, date(2024, 6, 1))


def test_a_model_that_does_not_say_what_scoring_needs_is_refused(monkeypatch, world):
    folder = world[1]
    manifest = {"family": "churn", "features": {}, "files": {}}
    version = tracking.ModelVersion("churn", "1", folder, fingerprint(folder), manifest)
    monkeypatch.setattr(tracking, "champion", lambda _name, _alias: version)
    told = "churn@champion: its manifest has no active_within_days, labels_end; train it again"
    with pytest.raises(InputError, match=told):
        champions({"churn": "churn@champion"}, date(2024, 6, 1))


def test_help_needs_no_heavy_library(tmp_path):
    heavy = "{'mlflow', 'lightgbm', 'sklearn', 'matplotlib', 'pandas', 'pyarrow'}"
    code = (
        "import sys; from crm_ml.score.__main__ import main\ntry: main(['--help'])\nexcept SystemExit: pass\n"
        f"print(sorted({heavy} & set(sys.modules)))"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, env=environment
    )
    assert done.stdout.splitlines()[-1] == "[]", done.stdout + done.stderr
