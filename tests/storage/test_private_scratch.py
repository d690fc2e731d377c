"""Folders for data on their way: their owner's alone, removed at the end, at exit, and after a kill."""

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from crm_ml.errors import ConfigError
from crm_ml.storage.private_scratch import private_scratch

HOLDS = """
import sys, time
from crm_ml.storage.private_scratch import process_scratch
(process_scratch() / "mails.txt").write_text("jane@example.com")
print(process_scratch(), flush=True)
{then}
"""


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CRM_ML_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def process(then: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", HOLDS.format(then=then)], stdout=subprocess.PIPE, text=True
    )


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_it_is_its_owners_alone_and_leaves_nothing(data: Path) -> None:
    previous = os.umask(0)
    try:
        with private_scratch() as folder, private_scratch() as other:
            assert folder != other
            assert (mode(folder), mode(folder.parent), folder.parent.parent) == (0o700, 0o700, data)
            (folder / "rows").write_text("x")
    finally:
        os.umask(previous)
    assert list(folder.parent.iterdir()) == []


@pytest.mark.usefixtures("data")
def test_what_a_killed_process_left_is_removed_and_a_neighbour_keeps_its_own() -> None:
    with process("time.sleep(60)") as dies, process("time.sleep(60)") as lives, process("") as ends:
        folders = {each: Path(str(each.stdout and each.stdout.readline()).strip()) for each in (dies, lives)}
        ended = Path(str(ends.stdout and ends.stdout.readline()).strip())
        ends.wait()
        assert not ended.exists(), "removed at exit"
        dies.send_signal(signal.SIGKILL)
        dies.wait()
        assert (folders[dies] / "mails.txt").exists()
        with private_scratch():
            left = folders[dies].exists(), folders[lives].exists()
        lives.kill()
    assert left == (False, True)


@pytest.mark.parametrize("planted", ["link", "file"])
def test_what_another_planted_in_its_place_is_refused(data: Path, tmp_path: Path, planted: str) -> None:
    data.mkdir()
    home = data / f".private-{os.geteuid()}"
    if planted == "link":
        (tmp_path / "theirs").mkdir()
        home.symlink_to(tmp_path / "theirs")
    else:
        home.touch()
    with pytest.raises(ConfigError, match="is a link or no folder"), private_scratch():
        pass
    assert not any((tmp_path / "theirs").glob("*"))


def test_a_folder_of_another_user_is_refused(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with private_scratch():
        pass
    home = data / f".private-{os.geteuid()}"
    me = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: me + 1)
    home.rename(data / f".private-{me + 1}")
    with pytest.raises(ConfigError, match="belongs to another user"), private_scratch():
        pass


FORKS = "import os; child = os.fork(); child and os.waitpid(child, 0); print(process_scratch().exists())"


def test_a_fork_leaves_the_folder_of_its_parent(data: Path) -> None:
    with process(FORKS) as parent:
        lines = [line.strip() for line in parent.stdout or ()]
    assert lines[-1] == "True", lines
    assert list((data / f".private-{os.geteuid()}").iterdir()) == []
