"""Whatever is derived is its owner's alone from its creation, under any umask; lists obey their group."""

import grp
import json
import logging
import os
import stat
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import export_world
import pandas as pd
import pytest
import score_world
from score_world import AS_OF, action, churn_source, contents, settings
from shop import Shop

import crm_ml
from crm_ml import Action, commands, features, tracking
from crm_ml.errors import ConfigError, InputError
from crm_ml.init.project_files import lay_out
from crm_ml.private_files import as_usual, make_folder, private_files, tell_open
from crm_ml.score import batch, export
from crm_ml.score_tables.champion_set import Champions
from crm_ml.storage import pseudonyms
from crm_ml.storage.group_access import group_of
from crm_ml.storage.manifest import new_folder
from crm_ml.storage.publish import publish
from crm_ml.storage.whole_file import write_text
from crm_ml.tables import Tables
from crm_ml.tables import __main__ as tables_command

pytestmark = pytest.mark.skipif(os.name != "posix", reason="modes of files are those of POSIX")
WIDE = (0o000, 0o022)
_WRITES = os.O_CREAT
watched: dict[str, object] = {"root": None, "seen": []}


def _audit(event, arguments):
    """Note with which mode something is created below the watched folder, and each change of a mode."""
    root = watched["root"]
    if root is None or event not in ("open", "os.mkdir", "os.chmod"):
        return
    path = arguments[0]
    if not isinstance(path, str) or not path.startswith(root):
        return
    if event == "os.chmod":
        watched["seen"].append((event, path, arguments[1]))
    elif event == "os.mkdir" or (arguments[2] or 0) & _WRITES:
        status = Path("/proc/self/status")
        watched["root"] = None  # reading is no creation
        mask = next(line for line in status.read_text().splitlines() if line.startswith("Umask"))
        watched["root"] = root
        asked = arguments[1] if event == "os.mkdir" else 0o666
        watched["seen"].append((event, path, asked & ~int(mask.split()[1], 8)))


@pytest.fixture(scope="module", autouse=True)
def audited():
    sys.addaudithook(_audit)


@contextmanager
def umask(mask):
    before = os.umask(mask)
    try:
        yield
        assert os.umask(mask) == mask, "the mask of the process was changed for good"
    finally:
        os.umask(before)


@contextmanager
def creations_below(folder):
    """Yield what Python creates below a folder from now on, and each mode that it changes."""
    watched.update(root=str(folder), seen=[])
    try:
        yield watched["seen"]
    finally:
        watched["root"] = None


def mode(path):
    return stat.S_IMODE(Path(path).lstat().st_mode)


def wide(*folders, but=()):
    """Everything in folders, and they, that others than the owner may open."""
    paths = [path for folder in folders for path in (folder, *folder.rglob("*"))]
    assert len(paths) > len(folders)
    return sorted(f"{path} {mode(path):o}" for path in paths if mode(path) & 0o077 and path not in but)


def assert_created_private(seen):
    """What is private at the end, without a change of its mode, was so when a library created it too."""
    assert [each for each in seen if each[0] == "os.chmod" or each[2] & 0o077] == []
    assert {event for event, *_ in seen} == {"open", "os.mkdir"}


@pytest.fixture
def quick_features(monkeypatch):
    def write(tables, _day, path, _groups, _constants=None):
        ids = tables.pandas("customers")["customer_id"].sort_values()
        frame = pd.DataFrame({"customer_id": ids, "rfm_days_since_order": 30.0})
        frame.to_parquet(path, index=False)

    monkeypatch.setattr(features, "write", write)


@pytest.fixture
def data(tmp_path, monkeypatch):
    monkeypatch.setenv("CRM_ML_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("CRM_ML_RUNS", str(tmp_path / "runs"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return tmp_path / "data"


@pytest.fixture
def group():
    """The name of a group that the user may give files to, and if possible another than the usual one."""
    gids = [100, *os.getgroups()] if os.geteuid() == 0 else [*os.getgroups(), os.getegid()]
    known = {entry.gr_gid: entry.gr_name for entry in grp.getgrall()}
    names = sorted((gid == os.getegid(), known[gid]) for gid in gids if gid in known)
    return names[0][1]


def small_job(folder, **fields):
    """Score a few customers and publish their list."""
    tables = score_world.tables(folder / "given", n_customers=20)
    catalog = score_world.catalog(action("coupon", score="p_churn"))
    fields = {"daily_cap": 5, **fields}
    return batch.run(settings(**fields), catalog, tables, Champions([churn_source()]))


def test_a_block_that_outlives_those_of_other_threads_leaves_the_mask_as_it_was():
    with umask(0o022):
        narrowed, usual = private_files(), as_usual()
        narrowed.__enter__()
        usual.__enter__()
        narrowed.__exit__(None, None, None)
        usual.__exit__(None, None, None)


@pytest.mark.parametrize("mask", WIDE)
def test_tables_of_a_command_and_their_reports(mask, tmp_path, data, tried, capsys):
    shop = Shop(tmp_path / "project", "csv")
    shop.append("order_lines", 5, quantity="none")
    shop.config.parent.mkdir(parents=True)
    shop.write()
    lines = shop.path("customers")
    lines.write_bytes(lines.read_text("utf-8").encode("utf-16"))  # rewritten for DuckDB
    out = tmp_path / "out"
    words = ["--json", str(out / "report.json"), "--profile", str(out / "profile.json"), "--out", str(out)]
    with umask(mask), creations_below(tmp_path) as seen:
        code = tables_command.main([str(shop.config), *words])
    assert code == 0, capsys.readouterr().err
    assert wide(data, out) == []
    assert {name for name in ("report.json", "profile.json", "quarantine") if (out / name).exists()} == {
        "report.json",
        "profile.json",
        "quarantine",
    }
    assert_created_private(seen)
    tried(len(list(tmp_path.rglob("*"))))


@pytest.mark.parametrize("mask", WIDE)
@pytest.mark.usefixtures("quick_features")
def test_a_nightly_job_and_its_export(mask, tmp_path, data, tried):
    addresses = [{"customer_id": f"c{i:06d}", "email": f"a{i}@example.org"} for i in range(20)]
    contacts = export_world.write_contacts(tmp_path / "contacts.csv", addresses)
    with umask(mask), creations_below(data) as seen:
        published = small_job(tmp_path)
        words = [str(published.folder), "--to", "meta", "--contacts", str(contacts)]
        assert export.main(words) == 0
    assert {path.name for path in data.iterdir()} >= {"lists", "scores", "exports"}
    assert wide(data) == []
    assert_created_private(seen)
    tried(len(seen))


@pytest.mark.parametrize("mask", WIDE)
@pytest.mark.usefixtures("quick_features", "data")
def test_a_notebook_decides_and_saves(mask, tmp_path, tried, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    coupon = Action.simple(
        "coupon", "mail", cost=1, margin=9, effect=0.5, score="p_churn", source="a guess of a test"
    )
    frames = score_world.frames(n_customers=20)
    with umask(mask):
        tables = Tables(**frames)
        decided = crm_ml.decide(
            tables, AS_OF, churn_source(), coupon, consent="assumed", currency="EUR", daily_cap=5
        )
        saved = decided.save(tmp_path / "saved" / "lists")
        homes = [path for path in tmp_path.iterdir() if path.name.startswith("crm_ml_")]
        assert len(homes) >= 1
        assert wide(tmp_path / "saved", *homes) == []
    assert saved.is_dir()
    tried(len(contents(tmp_path / "saved")))


@pytest.mark.usefixtures("data")
def test_the_store_of_runs_and_its_artefacts(template, tried, tmp_path, monkeypatch):
    runs = tmp_path / "runs"
    with umask(0o000), monkeypatch.context() as without_tables:
        without_tables.setattr(tracking.store, "patiently", lambda *_: None)
        tracking.connect()
    assert [mode(runs), mode(runs / "mlflow.db")] == [0o700, 0o600]
    (runs / "mlflow.db").write_bytes(template.read_bytes())
    with umask(0o000), private_files():  # as `commands.run` has it
        client = tracking.connect()
        experiment = client.create_experiment("one", tracking.store.artefacts_location())
        run = client.create_run(experiment)
        client.log_text(run.info.run_id, "a metric", "metrics/one.txt")
        client.log_param(run.info.run_id, "p", 1)
    with umask(0o000):
        key = pseudonyms.pseudonym_key()
    assert len(key) == 32
    assert wide(runs) == []
    tried(len(contents(runs)))


@pytest.mark.parametrize("mask", (*WIDE, 0o777))
def test_a_model_folder_and_a_file_are_private_whatever_the_mask(mask, tmp_path):
    with umask(mask):
        with new_folder(tmp_path / "below" / "model") as part:
            (part / "inner").mkdir()
            (part / "inner" / "numbers.json").write_text("[1]")
            assert mode(part) == 0o700
        write_text(tmp_path / "reports" / "metrics.json", "{}")
    assert wide(tmp_path / "below", tmp_path / "reports") == []
    assert mode(tmp_path / "below" / "model" / "inner" / "numbers.json") == 0o600


def test_configs_of_a_project_are_as_the_user_has_them(tmp_path):
    def work():
        lay_out(tmp_path / "shop")
        write_text(tmp_path / "shop" / "data" / "derived.json", "{}")

    with umask(0o022):
        assert commands.run(work) == 0
    assert mode(tmp_path / "shop" / "configs" / "default.yaml") == 0o644
    assert mode(tmp_path / "shop" / "data" / "derived.json") == 0o600


def test_threads_that_write_at_once_leave_the_mask_as_it_was(tmp_path):
    entered, leave = threading.Barrier(2), threading.Barrier(2)

    def write(number):
        with private_files():
            entered.wait()
            if number:
                leave.wait()
            (tmp_path / str(number)).write_text("")

    with umask(0o022):
        threads = [threading.Thread(target=write, args=(number,)) for number in (0, 1)]
        for thread in threads:
            thread.start()
        threads[0].join()
        leave.wait()  # the first is over while the second still writes
        threads[1].join()
        (tmp_path / "usual").write_text("")
    assert [mode(tmp_path / name) for name in ("0", "1", "usual")] == [0o600, 0o600, 0o644]


@pytest.mark.parametrize("there", ["a link to a file", "a link to nothing", "a file of everybody"])
def test_a_planted_path_is_replaced_and_leads_nowhere(there, tmp_path):
    victim, out = tmp_path / "victim", tmp_path / "shared" / "metrics.json"
    out.parent.mkdir()
    if there == "a link to a file":
        victim.write_text("untouched")
    if there == "a file of everybody":
        out.write_text("old")
        out.chmod(0o666)
    else:
        out.symlink_to(victim)
    write_text(out, "{}")
    assert (out.read_text(), out.is_symlink(), mode(out)) == ("{}", False, 0o600)
    assert not victim.exists() or victim.read_text() == "untouched"
    assert [path.name for path in out.parent.iterdir()] == ["metrics.json"]


@pytest.mark.usefixtures("data")
def test_a_planted_link_in_place_of_the_store_is_not_followed(tmp_path):
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "mlflow.db").symlink_to(tmp_path / "elsewhere.db")
    with pytest.raises(OSError, match=r"mlflow\.db"):
        tracking.connect()
    assert not (tmp_path / "elsewhere.db").exists()


def test_what_a_kill_leaves_can_be_read_by_nobody_and_goes_at_the_next_start(tmp_path):
    out = tmp_path / "metrics.json"
    (tmp_path / ".other.tmp").mkdir()  # of another program
    (tmp_path / ".other.metrics.tmp").mkdir()
    child = os.fork()
    if not child:
        os.umask(0)
        from crm_ml.storage.whole_file import whole_file

        with whole_file(out) as part:
            part.write_text("half")
            os._exit(9)
    os.waitpid(child, 0)
    assert not out.exists()
    [left] = [path for path in tmp_path.iterdir() if path.name.startswith(".metrics")]
    assert wide(left) == []
    write_text(out, "{}")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        ".other.metrics.tmp",
        ".other.tmp",
        "metrics.json",
    ]


@pytest.mark.parametrize("mask", WIDE)
@pytest.mark.usefixtures("quick_features")
def test_a_declared_group_reads_the_list_and_its_pointer(mask, tmp_path, data, group, caplog):
    with umask(mask):
        alone = small_job(tmp_path)
        (data / "lists").rename(tmp_path / "alone")
        published = small_job(tmp_path, group=group)
    assert alone.list_id == published.list_id
    assert contents(tmp_path / "alone") == contents(data / "lists")
    gid = group_of(group).gid
    lists = data / "lists"
    assert mode(lists) == 0o710
    assert [mode(path) for path in (lists / "test", published.folder)] == [0o750, 0o750]
    files = [path for path in (lists / "test").rglob("*") if path.is_file()]
    assert {mode(path) for path in files} == {0o640}
    assert {path.stat().st_gid for path in (lists, *lists.rglob("*"))} == {gid}
    assert wide(data / "scores") == []
    closed = [record.message for record in caplog.records if "can't reach" in record.message]
    assert len(closed) == 1  # the data folder was there before: it stays, and the way is told
    assert f"chgrp {group} " in closed[0]
    assert f" {data} " in closed[0]
    assert mode(data) == 0o700


def test_a_group_exports_too(tmp_path, data, group):
    folder = export_world.write_list(tmp_path / "lists", [export_world.row("c1")])
    contacts = export_world.write_contacts(tmp_path / "c.csv", [{"customer_id": "c1", "email": "a@b.org"}])
    words = [str(folder), "--to", "meta", "--contacts", str(contacts), "--group", group]
    assert export.main(words) == 0
    [made] = (data / "exports").iterdir()
    assert [mode(path) for path in (data, data / "exports", made)] == [0o710, 0o750, 0o750]
    assert {mode(path) for path in made.iterdir()} == {0o640}


def test_a_list_is_the_owners_alone_until_it_is_whole(tmp_path, group):
    modes = []

    def fill(content, _):
        (content / "one").write_text("1")
        modes.extend([mode(content), mode(content.parent), mode(content / "one")])

    with umask(0o000):
        publish(tmp_path / "lists", "first", fill, {"folder": "first", "as_of": "1"}, group_of(group))
    assert modes == [0o700, 0o700, 0o600]
    assert mode(tmp_path / "lists" / "latest.json") == 0o640


@pytest.mark.usefixtures("quick_features")
def test_an_unknown_group_is_one_error_before_anything_is_computed(tmp_path, data, capsys):
    with pytest.raises(ConfigError, match=r"^group: this machine has no group 'nobodies'; name one of"):
        small_job(tmp_path, group="nobodies")
    assert not data.exists() or not (data / "lists").exists()
    folder = export_world.write_list(tmp_path / "lists", [export_world.row("c1")])
    assert export.main([str(folder), "--to", "klaviyo", "--group", "nobodies"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not (data / "exports").exists()


def test_a_group_that_the_user_is_no_member_of_is_refused(monkeypatch):
    foreign = next(entry for entry in grp.getgrall() if entry.gr_gid not in {os.getegid(), *os.getgroups()})
    monkeypatch.setattr(os, "geteuid", lambda: 12_345)
    with pytest.raises(ConfigError, match=f"^group: you are no member of {foreign.gr_name!r}"):
        group_of(foreign.gr_name)


def test_a_machine_without_groups_imports_and_refuses_one(monkeypatch):
    monkeypatch.setitem(sys.modules, "grp", None)
    assert group_of(None) is None
    with pytest.raises(ConfigError, match="this machine has no groups"):
        group_of("campaigns")


def test_a_wide_folder_of_an_older_version_is_told_once_and_left(tmp_path, caplog):
    old = tmp_path / "ta bles"
    with umask(0o022):
        (old / "shop-1").mkdir(parents=True)
        with caplog.at_level(logging.WARNING):
            tell_open(old)
            tell_open(old)
            tell_open(make_folder(tmp_path / "new" / "lists"))
    assert [record.message.partition("with: ")[2] for record in caplog.records] == [f"chmod -R go= '{old}'"]
    assert mode(old) == 0o755


def test_a_folder_that_the_user_names_for_a_file_is_not_told(tmp_path, caplog):
    """The advice was to close ``/tmp``, a whole project, or ``/`` behind ``--json /tmp``."""
    with umask(0o022):
        (tmp_path / "shared" / "theirs").mkdir(parents=True)
        write_text(tmp_path / "shared" / "figures.json", "{}")
        publish(tmp_path / "shared", "export", lambda content, _: write_text(content / "part.csv", "a"))
    assert not caplog.records


@pytest.mark.usefixtures("data")
def test_a_key_that_others_can_read_is_told(tmp_path, caplog):
    with umask(0o022):
        key = pseudonyms.pseudonym_key()
        (tmp_path / "runs" / pseudonyms.FILE).chmod(0o644)
        assert pseudonyms.pseudonym_key() == key
    assert [record.message for record in caplog.records if "chmod 600" in record.message]
    assert json.dumps(key.hex()) not in caplog.text


def test_a_path_that_can_not_be_written_is_one_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="can't be written"):
        write_text(tmp_path / "file" / "metrics.json", "{}")
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match="can't be written"):
        write_text(tmp_path / "folder", "{}")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]
