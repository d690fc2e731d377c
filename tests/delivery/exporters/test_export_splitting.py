"""Splitting: every line once, every part with its header and within its limit."""

import tempfile
from pathlib import Path

import pyarrow as pa
import pytest
from export_world import cells, export, row, write_contacts, write_list
from hypothesis import given
from hypothesis import strategies as st
from soak import examples

from crm_ml.delivery.exporters import braze, klaviyo
from crm_ml.delivery.exporters.file_splitter import Splitter
from crm_ml.errors import InputError
from crm_ml.storage import manifest as artefacts

TEXTS = st.lists(st.tuples(st.sampled_from("ab"), st.text("xyü,", max_size=9)), max_size=40)


def split(folder, shards, header, batch, **limits):
    """Write (shard, text) pairs in batches; return the parts."""
    with Splitter(folder, ".csv", header, **limits) as splitter:
        for shard, lines in shards.items():
            for start in range(0, len(lines), batch):
                array = pa.array(["skipped", *lines], pa.string())[1:]  # a slice with an offset
                splitter.write(array[start : start + batch], f"part-{shard}", (shard,))
    return splitter.parts


@examples(60)
@given(TEXTS, st.integers(1, 7), st.none() | st.integers(30, 60), st.none() | st.integers(1, 5))
def test_parts_hold_each_line_once_in_order_within_the_limits(pairs, batch, max_bytes, max_rows):
    shards = {one: [f"{text}\n" for shard, text in pairs if shard == one] for one in "ab"}
    header = b"head\n"
    with tempfile.TemporaryDirectory() as name:
        parts = split(Path(name), shards, header, batch, max_bytes=max_bytes, max_rows=max_rows)
        files = [(Path(name) / part.file).read_bytes() for part in parts]
    for part, content in zip(parts, files, strict=True):
        assert content.startswith(header)
        assert len(content) == part.bytes <= (max_bytes or part.bytes)
        assert content.count(b"\n") - 1 == part.rows <= (max_rows or part.rows)
        assert part.rows
    for shard, lines in shards.items():
        mine = [content for part, content in zip(parts, files, strict=True) if part.shard == (shard,)]
        assert b"".join(content.removeprefix(header) for content in mine) == "".join(lines).encode()
    joined = b"".join(content.removeprefix(header) for content in files)
    assert joined.count(b"\n") == len(pairs)
    assert len({part.file for part in parts}) == len(parts)


def test_a_part_is_filled_before_the_next_begins(tmp_path):
    parts = split(tmp_path, {"a": ["12345\n"] * 5}, b"head\n", 2, max_bytes=5 + 2 * 6)
    assert [part.rows for part in parts] == [2, 2, 1]
    assert [part.bytes for part in parts] == [17, 17, 11]


def test_a_line_that_fits_nowhere_is_refused(tmp_path):
    with pytest.raises(InputError, match="a line of 7 bytes does not fit"):
        split(tmp_path, {"a": ["1\n", "123456\n"]}, b"head\n", 5, max_bytes=11)


@pytest.mark.parametrize(("tool", "limit"), [(braze, 700), (klaviyo, 600)])
def test_an_export_is_split_by_the_bytes_of_the_tool(tmp_path, monkeypatch, tool, limit):
    monkeypatch.setattr(tool, "MAX_BYTES", limit)
    rows = [row(f"c{i:03d}", item_ids=["ü" * (i % 7)]) for i in range(40)]
    contacts = [{"customer_id": one["customer_id"], "email": f"{one['customer_id']}@b.cd"} for one in rows]
    path = write_contacts(tmp_path / "contacts.csv", contacts)
    name = tool.__name__.rsplit(".", 1)[-1]
    done = export(write_list(tmp_path / "lists", rows), name, tmp_path / "out", path)
    files = [done.folder / part.file for part in done.parts]
    assert len(files) > 5
    assert all(limit // 2 < file.stat().st_size <= limit for file in files[:-1])
    content = [cells(file) for file in files]
    assert len({tuple(rows[0]) for rows in content}) == 1
    assert [one[0][:4] for rows in content for one in rows[1:]] == [one["customer_id"] for one in rows]
    manifest = artefacts.verify(done.folder)
    assert [part["rows"] for part in manifest["parts"]] == [len(rows) - 1 for rows in content]


def test_records_and_senders_are_split_by_number(tmp_path):
    rows = [row(f"c{i:05d}", "coupon" if i % 3 else "group") for i in range(20_002)]
    contacts = [
        {
            "customer_id": one["customer_id"],
            "madid": f"00000000-0000-0000-0000-{i:012d}",
            "sender": "anna" if i < 16_000 else "bert",
            "external_userid": f"wm{i}",
        }
        for i, one in enumerate(rows)
    ]
    found, path = write_list(tmp_path / "lists", rows), write_contacts(tmp_path / "contacts.csv", contacts)
    done = export(found, "meta", tmp_path / "out", path)
    assert [part.rows for part in done.parts] == [10_000, 10_000, 2]
    done = export(found, "wecom", tmp_path / "out", path)
    assert [(*part.shard, part.rows) for part in done.parts] == [
        ("coupon", "direct", "anna", 10_000),
        ("coupon", "direct", "anna", 666),
        ("coupon", "direct", "bert", 2_668),
        ("group", "direct", "anna", 5_334),
        ("group", "direct", "bert", 1_334),
    ]
    assert done.parts[1].file == "wecom-coupon-00002.csv"
    everyone = [one for part in done.parts for one in cells(done.folder / part.file)[1:]]
    assert sorted(everyone) == sorted([one["sender"], one["external_userid"]] for one in contacts)
