"""Folders appear whole or not at all, and a changed one is refused before it is read."""

import json
import os

import pytest

from crm_ml.errors import AlreadyPublished, IntegrityError
from crm_ml.storage.manifest import MANIFEST, fingerprint, new_folder, verify


def _written(folder, text="hello"):
    with new_folder(folder, kind="model") as part:
        (part / "inner").mkdir()
        (part / "inner" / "a.txt").write_text(text)
        (part / "b.bin").write_bytes(b"\x00\x01")
    return folder


def test_a_folder_is_verified_and_named_by_its_content(tmp_path):
    folder = _written(tmp_path / "deep" / "model")
    manifest = verify(folder)
    assert sorted(manifest["files"]) == ["b.bin", "inner/a.txt"]
    assert manifest["kind"] == "model"
    assert manifest["files"]["b.bin"]["bytes"] == 2
    assert fingerprint(folder) == fingerprint(_written(tmp_path / "again"))
    assert fingerprint(folder) != fingerprint(_written(tmp_path / "other", "hallo"))
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["model"]


def test_a_failed_write_leaves_nothing(tmp_path):
    with pytest.raises(ZeroDivisionError), new_folder(tmp_path / "model") as part:
        (part / "a.txt").write_text("half")
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_a_standing_folder_is_never_replaced(tmp_path):
    folder = _written(tmp_path / "model")
    before = fingerprint(folder)
    with pytest.raises(AlreadyPublished, match="stands already"):
        _written(folder, "other")
    with pytest.raises(AlreadyPublished), new_folder(tmp_path / "race") as part:
        (part / "a.txt").write_text("slow")
        _written(tmp_path / "race")
    assert fingerprint(folder) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model", "race"]


def test_an_empty_folder_may_be_filled(tmp_path):
    (tmp_path / "model").mkdir()
    assert verify(_written(tmp_path / "model"))


def _link(folder):
    target = folder.parent / "elsewhere"
    target.write_bytes(b"\x00\x01")
    (folder / "b.bin").unlink()
    (folder / "b.bin").symlink_to(target)


def _pipe(folder):
    (folder / "b.bin").unlink()
    os.mkfifo(folder / "b.bin")


BREACHES = {
    "pipe": (_pipe, "b.bin is no regular file"),
    "same length edit": (lambda f: (f / "inner" / "a.txt").write_text("hellO"), r"inner/a.txt has changed"),
    "truncated": (lambda f: (f / "b.bin").write_bytes(b""), "b.bin has changed"),
    "missing": (lambda f: (f / "b.bin").unlink(), "b.bin is missing"),
    "unlisted": (lambda f: (f / "c.txt").write_text("?"), "c.txt is not in the manifest"),
    "link": (_link, "b.bin is a link"),
    "no manifest": (lambda f: (f / MANIFEST).unlink(), "can't be read"),
    "broken manifest": (lambda f: (f / MANIFEST).write_text("{"), "no JSON"),
    "other format": (lambda f: (f / MANIFEST).write_text('{"format": 99}'), "not of format 1"),
    "no list": (lambda f: (f / MANIFEST).write_text('{"format": 1}'), "lists no files"),
}


@pytest.mark.parametrize("kind", BREACHES)
def test_every_breach_is_refused_with_exit_code_4(kind, tmp_path):
    folder = _written(tmp_path / "model")
    BREACHES[kind][0](folder)
    with pytest.raises(IntegrityError, match=BREACHES[kind][1]) as refused:
        verify(folder)
    assert refused.value.exit_code == 4


def test_a_path_that_leaves_the_folder_is_refused(tmp_path):
    folder = _written(tmp_path / "model")
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest["files"]["../secret"] = manifest["files"].pop("b.bin")
    (folder / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(IntegrityError, match=r"\.\./secret is missing; b.bin is not in the manifest"):
        verify(folder)
