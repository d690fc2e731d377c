"""A stage of parts: each part whole or absent, one manifest when all are there."""

import json
import os
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from crm_ml.errors import IntegrityError
from crm_ml.storage import manifest
from crm_ml.storage.part import Part
from crm_ml.storage.stage_cache import stage

COUNT = 4
INGREDIENTS = {"day": "2024-01-01"}


def made(work, number, calls=None, text=None):
    def fill(path):
        (calls if calls is not None else []).append(number)
        path.write_text(text or f"rows of {number}")

    return stage(work, "scores", INGREDIENTS, fill, Part(number, COUNT))


def test_parts_are_made_once_and_get_one_manifest_when_all_are_there(tmp_path):
    calls: list[int] = []
    for number in (2, 0, 2, 3):
        made(tmp_path, number, calls)
    folder = made(tmp_path, 0, calls).parent
    assert calls == [2, 0, 3]
    assert not (folder / manifest.MANIFEST).exists()
    made(tmp_path, 1, calls)
    content = manifest.verify(folder)
    assert content["stage"] == "scores" and content["parts"] == COUNT
    assert sorted(content["files"]) == [f"part-0000{number}.parquet" for number in range(COUNT)]
    assert made(tmp_path, 1, calls).read_text() == "rows of 1"
    assert calls == [2, 0, 3, 1]


def test_a_stage_of_parts_has_the_name_of_the_whole_one(tmp_path):
    whole = stage(tmp_path, "scores", INGREDIENTS, lambda path: path.write_text("all"))
    assert made(tmp_path, 0).parent.name == whole.parent.name


def test_a_part_that_was_changed_is_refused_before_and_after_the_manifest(tmp_path):
    path = made(tmp_path, 0)
    path.write_text("other rows")
    with pytest.raises(IntegrityError, match=r"part-00000.parquet has changed"):
        made(tmp_path, 0)
    path.write_text("rows of 0")
    for number in range(1, COUNT):
        made(tmp_path, number)
    path.write_text("other rows")
    with pytest.raises(IntegrityError, match=r"part-00000.parquet has changed"):
        made(tmp_path, 0)


def test_a_part_without_its_sum_is_made_again(tmp_path):
    path = made(tmp_path, 0)
    path.with_suffix(".json").unlink()
    calls: list[int] = []
    made(tmp_path, 0, calls)
    assert calls == [0] and json.loads(path.with_suffix(".json").read_text()) == manifest.entry(path)


def test_a_part_that_is_gone_from_a_whole_stage_is_made_again(tmp_path):
    paths = [made(tmp_path, number) for number in range(COUNT)]
    paths[2].unlink()
    calls: list[int] = []
    made(tmp_path, 2, calls)
    assert calls == [2] and manifest.verify(paths[2].parent)


def test_workers_beside_each_other_end_with_one_whole_stage(tmp_path):
    with ThreadPoolExecutor(4) as pool:
        paths = list(pool.map(lambda number: made(tmp_path, number % COUNT), range(4 * COUNT)))
    assert len(manifest.verify(paths[0].parent)["files"]) == COUNT


def test_a_kill_in_the_middle_of_a_part_leaves_nothing_that_counts(tmp_path):
    made(tmp_path, 0)
    process = os.fork()
    if not process:
        stage(
            tmp_path,
            "scores",
            INGREDIENTS,
            lambda path: (path.write_text("half"), os.kill(os.getpid(), signal.SIGKILL)),
            Part(1, COUNT),
        )
    os.waitpid(process, 0)
    calls: list[int] = []
    for number in range(COUNT):
        made(tmp_path, number, calls)
    folder = made(tmp_path, 0).parent
    assert calls == [1, 2, 3]
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        [*manifest.verify(folder)["files"], manifest.MANIFEST]
    )
