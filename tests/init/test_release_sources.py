"""What is released is what git knows; a config of one's own, with its paths, is none of it."""

import subprocess
from pathlib import Path

from wheel_project import SOURCES, copy_sources, untracked


def write(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("x\n", encoding="utf-8")


def test_files_that_git_does_not_know_are_not_built(tmp_path):
    checkout, copy = tmp_path / "checkout", tmp_path / "copy"
    known = ["configs/churn/lightgbm.yaml", "crm_ml/init/__init__.py", *SOURCES[2:]]
    for name in known:
        write(checkout / name)
    (checkout / "crm_ml/init/configs").symlink_to("../../configs")
    for words in (["init", "--quiet"], ["add", "."]):
        subprocess.run(["git", "-C", checkout, *words], check=True)
    write(checkout / "configs/data/mine.yaml")
    write(checkout / "notes.txt")
    copy_sources(copy, checkout)
    files = {path.relative_to(copy).as_posix() for path in copy.rglob("*") if path.is_file()}
    assert files == {*known}
    assert (copy / "crm_ml/init/configs").is_symlink()
    assert untracked(checkout) == ["configs/data/mine.yaml"]
