"""Publishing: whole or not at all, whatever happens meanwhile."""

import json
import os
import shutil
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from score_world import contents
from soak import SEED, generator, size

from crm_ml.errors import AlreadyPublished, InputError
from crm_ml.storage import manifest
from crm_ml.storage.publish import publish, read_pointer

pytestmark = pytest.mark.xdist_group("publish")
HELPERS = Path(__file__).parents[1] / "helpers"
JOB_KILLS, KILLS, RACES = size(3, 10, 100), size(10, 20, 100), size(10, 20, 500)
PART_KILLS = size(2, 3, 100)


def pointer(name, as_of="2024-06-01"):
    return {"folder": name, "as_of": as_of}


def fill(content, scratch):
    (scratch / "draft").write_text("draft")
    (content / "list.parquet").write_bytes(b"rows")
    manifest.write_manifest(content)


def test_a_second_run_changes_no_byte(tmp_path):
    publish(tmp_path / "out", "one", fill, pointer("one"))
    before = contents(tmp_path)
    assert sorted(before) == ["out/latest.json", "out/one/list.parquet", "out/one/manifest.json"]
    with pytest.raises(AlreadyPublished):
        publish(tmp_path / "out", "one", fill, pointer("one"))
    assert contents(tmp_path) == before


def test_an_error_while_writing_leaves_nothing(tmp_path):
    def broken(content, scratch):
        fill(content, scratch)
        raise ValueError("midway")

    publish(tmp_path, "one", fill, pointer("one"))
    before = contents(tmp_path)
    with pytest.raises(ValueError, match="midway"):
        publish(tmp_path, "two", broken, pointer("two"))
    assert contents(tmp_path) == before
    assert list(tmp_path.glob(".*")) == []


def test_who_comes_second_loses_and_moves_nothing(tmp_path):
    def slow(content, scratch):
        fill(content, scratch)
        publish(tmp_path, "one", fill, pointer("one"))
        content.joinpath("list.parquet").write_bytes(b"others")

    with pytest.raises(AlreadyPublished):
        publish(tmp_path, "one", slow, pointer("one"))
    assert (tmp_path / "one" / "list.parquet").read_bytes() == b"rows"
    assert list(tmp_path.glob(".*")) == []


def test_the_folder_of_a_live_writer_is_left_alone(tmp_path):
    def long(content, scratch):
        publish(tmp_path, "two", fill, pointer("two", "2024-06-02"))
        assert scratch.exists()
        fill(content, scratch)

    publish(tmp_path, "one", long, pointer("one"))
    assert {"one", "two"} <= {path.name for path in tmp_path.iterdir()}
    assert read_pointer(tmp_path)["folder"] == "two"


def test_the_pointer_never_moves_to_an_older_day_and_is_repaired(tmp_path):
    publish(tmp_path, "new", fill, pointer("new", "2024-06-02"))
    publish(tmp_path, "old", fill, pointer("old", "2024-06-01"))
    assert read_pointer(tmp_path)["folder"] == "new"
    for damage in ("{", json.dumps({"folder": "../elsewhere", "as_of": "9"})):
        (tmp_path / "latest.json").write_text(damage)
        with pytest.raises(AlreadyPublished):
            publish(tmp_path, "new", fill, pointer("new", "2024-06-02"))
        assert read_pointer(tmp_path)["folder"] == "new"


@pytest.mark.parametrize("name", ["../out", "a/b", ".hidden", "", ".."])
def test_no_name_leaves_the_folder(tmp_path, name):
    with pytest.raises(InputError, match="can't be the name"):
        publish(tmp_path / "out", name, fill)
    assert contents(tmp_path) == {}


@pytest.mark.parametrize("target", ["file", "file/deeper"])
def test_a_target_that_is_no_folder_is_one_clear_error(tmp_path, target):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match="nothing was published"):
        publish(tmp_path / target, "one", fill)
    assert contents(tmp_path) == {"file": b"in the way"}


@pytest.fixture(scope="module")
def asked():
    """Ask a process that has everything imported and forks a scoring run of a project for each order."""
    command = [sys.executable, str(HELPERS / "score_forks.py")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "CRM_ML_THREADS": "1"}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:

        def ask(project, **order):
            process.stdin.write(json.dumps({"project": str(project), **order}) + "\n")
            process.stdin.flush()
            return json.loads(process.stdout.readline())

        yield ask
        process.stdin.close()


@pytest.fixture
def forks(asked, tmp_path):
    """Ask for a run in the project of this test."""
    return partial(asked, tmp_path)


@pytest.fixture(scope="module")
def cold(asked, tmp_path_factory):
    """How a run of the second day went that was not disturbed, and the files it left."""
    project = tmp_path_factory.mktemp("cold")
    answer = asked(project, out="reference", day=2)
    assert answer["code"] == 0
    return answer, contents(project / "reference" / "big")


@pytest.fixture(scope="module")
def first_day(asked, tmp_path_factory):
    """A project with the list of the first day."""
    project = tmp_path_factory.mktemp("first_day")
    assert asked(project, out="lists", day=1)["code"] == 0
    return project


@pytest.fixture
def old_list(first_day, tmp_path):
    """The list of the first day in the project of this test."""
    shutil.copytree(first_day, tmp_path, dirs_exist_ok=True)
    return tmp_path / "lists" / "big"


def assert_only_whole_lists(out):
    """What a reader may see: nothing, or folders whose sums agree, and a pointer to one of them."""
    for folder in [path for path in out.glob("[!.]*") if path.is_dir()]:
        manifest.verify(folder)
    latest = read_pointer(out)
    if latest is not None:
        manifest.verify(out / latest["folder"])
    assert not (out / "latest.json").exists() or latest is not None
    return latest


@pytest.mark.soak("kills", JOB_KILLS)
def test_a_kill_at_any_moment_shows_no_part_of_a_list(tmp_path, forks, cold, old_list):
    lists, work = old_list, tmp_path / "work"
    undisturbed, reference = cold
    old = contents(lists)
    assert forks(out="warm", day=2)["code"] == 0
    warm = forks(out="warm again", day=2)
    name = Path(undisturbed["folder"]).name
    draw, killed = generator("kills of the nightly job"), 0
    for number in range(3 * JOB_KILLS):
        if (lists / name).exists():  # start over from the old list
            shutil.rmtree(lists / name)
            (lists / "latest.json").write_bytes(old["latest.json"])
        whole = warm
        if number % 5 == 0:  # also kill the stages before the list
            shutil.rmtree(work)
            whole = undisturbed
        answer = forks(out="lists", day=2, kill_after=whole["seconds"] * draw.random())
        killed += answer["code"] == -signal.SIGKILL
        latest = assert_only_whole_lists(lists)
        assert latest["folder"] in (name, Path(json.loads(old["latest.json"])["folder"]).name)
        assert {key: contents(lists)[key] for key in old if "/" in key}.items() <= old.items()
        if killed == JOB_KILLS:
            break
    assert killed == JOB_KILLS
    assert forks(out="lists", day=2)["code"] in (0, 3)
    after = contents(lists)
    assert {key: after[key] for key in reference} == reference
    assert not list(lists.glob(".*"))
    assert not list(work.glob(".*"))
    assert forks(out="lists", day=2)["code"] == 3
    assert contents(lists) == after


@pytest.mark.slow
@pytest.mark.soak("kills of a list in parts", PART_KILLS)
def test_a_list_in_parts_is_the_same_after_a_kill_at_any_part(forks, cold, tmp_path):
    _, reference = cold
    undisturbed = forks(out="parts", day=2, parts=8)
    assert contents(tmp_path / "parts" / "big") == reference
    draw, killed = generator("kills of a list in parts"), 0
    while killed < PART_KILLS:
        shutil.rmtree(tmp_path / "work")
        shutil.rmtree(tmp_path / "lists", ignore_errors=True)
        answer = forks(out="lists", day=2, parts=8, kill_after=undisturbed["seconds"] * draw.random())
        killed += answer["code"] == -signal.SIGKILL
        assert forks(out="lists", day=2, parts=8)["code"] in (0, 3)
        assert contents(tmp_path / "lists" / "big") == reference
    assert not list((tmp_path / "work").rglob(".*.tmp"))


@pytest.mark.parametrize("step", ["rename", "replace", "discard"])
def test_a_kill_between_the_last_steps_is_made_good_by_the_next_run(forks, cold, old_list, step):
    assert forks(out="warm", day=2)["code"] == 0  # keeps the stages, so that the last steps are the only ones
    assert forks(out="lists", day=2, die_at=step)["code"] == -signal.SIGKILL
    assert_only_whole_lists(old_list)
    assert forks(out="lists", day=2)["code"] == (0 if step == "rename" else 3)
    after = contents(old_list)
    assert {name: after[name] for name in cold[1]} == cold[1]
    assert not list(old_list.glob(".*"))


def test_the_pointer_of_a_killed_run_is_finished_though_the_day_is_the_same(tmp_path, forks):
    assert forks(out="lists", day=1, cap=10)["code"] == 0
    first = read_pointer(tmp_path / "lists" / "big")
    assert forks(out="lists", day=1, cap=20, die_at="replace")["code"] == -signal.SIGKILL
    assert read_pointer(tmp_path / "lists" / "big") == first
    assert forks(out="lists", day=1, cap=20)["code"] == 3
    assert read_pointer(tmp_path / "lists" / "big") != first
    assert_only_whole_lists(tmp_path / "lists" / "big")
    assert forks(out="lists", day=1, cap=10)["code"] == 3
    assert read_pointer(tmp_path / "lists" / "big") != first


def test_of_two_runs_at_once_one_wins_and_one_exits_with_3(tmp_path, forks):
    answers = forks(out="lists", day=1, twice=True)
    assert sorted(answers["codes"]) == [0, 3]
    assert_only_whole_lists(tmp_path / "lists" / "big")
    assert not list((tmp_path / "lists" / "big").glob(".*"))


@pytest.mark.soak("kills", KILLS)
def test_kills_while_publishing_show_old_or_new_and_the_next_run_ends_it(tmp_path, forks):
    found = forks(kills=KILLS, seed=SEED)["states"]
    assert len(found) == KILLS
    assert {one["code"] for one in found} == {-signal.SIGKILL}
    assert {one["seen"] for one in found} <= {"nothing", "all"}
    assert all(one["then"] in ((0,) if one["seen"] == "nothing" else (3,)) for one in found)
    assert not list((tmp_path / "killed").glob(".*"))


@pytest.mark.soak("races", RACES)
def test_of_two_writers_at_once_one_wins_every_time(tmp_path, forks):
    codes = forks(races=RACES)["codes"]
    assert [sorted(both) for both in codes] == [[0, 3]] * RACES
    for number in range(RACES):
        assert contents(tmp_path / "races" / f"list-{number}") == {"list": f"list {number}".encode()}
    assert not list((tmp_path / "races").glob(".*"))


@pytest.mark.parametrize("limit", [1_000, 20_000])
def test_a_full_disk_is_one_clear_error_and_leaves_the_old_list(tmp_path, forks, old_list, limit):
    before = contents(tmp_path / "lists")
    answer = forks(out="lists", day=2, file_size_limit=limit)
    assert answer["code"] == 2
    assert "nothing was published" in answer["error"]
    assert contents(tmp_path / "lists") == before
    assert not list(old_list.glob(".*"))
