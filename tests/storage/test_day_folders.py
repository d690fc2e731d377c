"""Folders of days: written once under the name of their content, and the newest one is found or refused."""

from datetime import date

import pytest

from crm_ml.errors import InputError
from crm_ml.storage import manifest
from crm_ml.storage.day_folders import add_day, newest_day

DAY, NEXT = date(2024, 6, 1), date(2024, 6, 2)


def text(content):
    return lambda folder: (folder / "one.txt").write_text(content) and None


def newest(folder, until):
    return newest_day(folder, until, "tags", "crm_ml.tags")


def test_the_same_content_is_written_once_and_other_content_beside_it(tmp_path):
    first = add_day(tmp_path, DAY, text("a"), rows=3)
    assert add_day(tmp_path, DAY, text("a"), rows=3) == first
    assert manifest.verify(first)["rows"] == 3
    assert add_day(tmp_path, DAY, text("b"), rows=3) != first
    assert len(list(tmp_path.iterdir())) == 2


def test_what_fails_or_is_left_by_a_killed_writer_is_no_day(tmp_path):
    def broken(folder):
        (folder / "one.txt").write_text("half")
        raise OSError("disk is full")

    with pytest.raises(OSError, match="disk is full"):
        add_day(tmp_path, DAY, broken)
    assert list(tmp_path.iterdir()) == []
    with manifest.new_folder(tmp_path / f".{NEXT}-left", as_of=str(NEXT)):  # killed before it got its name
        pass
    whole = add_day(tmp_path, DAY, text("a"))
    assert newest(tmp_path, NEXT) == whole


def test_the_newest_day_that_is_not_later_is_found(tmp_path):
    days = {day: add_day(tmp_path, day, text(str(day))) for day in (DAY, NEXT)}
    assert newest(tmp_path, NEXT) == days[NEXT]
    assert newest(tmp_path, DAY) == days[DAY]
    assert newest(days[NEXT], DAY) == days[NEXT]  # a folder of one day is itself
    with pytest.raises(
        InputError, match="no tags of 2024-05-31 or an earlier day, 2 of later ones; run python"
    ):
        newest(tmp_path, date(2024, 5, 31))


def test_of_several_of_one_day_the_one_that_was_published_last_counts_or_none(tmp_path):
    first, other = (add_day(tmp_path, DAY, text(content)) for content in "ab")
    with pytest.raises(InputError, match=r"there are 2 tags of 2024-06-01: .*; name one as the folder"):
        newest(tmp_path, DAY)
    (tmp_path / "latest.json").write_text(f'{{"folder": "{other.name}", "as_of": "2024-06-01"}}')
    assert newest(tmp_path, DAY) == other != first
