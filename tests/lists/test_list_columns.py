"""A list whose sums agree and whose columns do not is refused by all that reads it."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from score_list_files import ingredients, other, row, write_list

from crm_ml.__main__ import main
from crm_ml.lists.list_columns import of_list
from crm_ml.storage import manifest

SCHEMA = [{"name": field.name, "type": str(field.type)} for field in of_list()]


def change(folder, file, changed):
    """Change the columns of a file of a list and let the manifest agree with it."""
    content = manifest.verify(folder)
    pq.write_table(changed(pq.read_table(folder / file)), folder / file)
    manifest.write_manifest(
        folder, **{name: value for name, value in content.items() if name not in ("format", "files")}
    )


def renamed(name):
    return lambda table: table.rename_columns([old if old != name else "x" for old in table.column_names])


def retyped(name, kind):
    return lambda table: table.set_column(
        table.column_names.index(name), name, pa.nulls(table.num_rows, kind)
    )


def twice(table):
    return table.append_column("slot", table["slot"])


@pytest.mark.parametrize(
    ("file", "changed", "told"),
    [
        ("list.parquet", renamed("action_id"), "action_id is missing"),
        ("list.parquet", renamed("customer_id"), "customer_id is missing"),
        ("list.parquet", retyped("customer_id", pa.int64()), "customer_id is int64, not string"),
        ("list.parquet", retyped("expires_at", pa.struct([("a", pa.int8())])), "expires_at is struct"),
        ("list.parquet", retyped("reason_codes", pa.list_(pa.int64())), "reason_codes is list"),
        ("list.parquet", twice, "slot stands twice"),
        ("others.parquet", retyped("arm", pa.date32()), "arm is date32"),
        ("others.parquet", renamed("held_out"), "held_out is missing"),
    ],
)
def test_changed_columns_under_right_sums_end_every_reader(tmp_path, capsys, file, changed, told):
    kinds = {"others": [other("b")], "schema": SCHEMA}
    old = write_list(tmp_path / "old", [row("a"), row("b")], **kinds)
    new = write_list(tmp_path / "new", [row("a")], made_of=ingredients(2), **kinds)
    assert main(["score", "diff", str(old), str(new)]) == 0
    capsys.readouterr()
    change(new, file, changed)
    for words in (
        ["diff", str(old), str(new)],
        ["load", str(new), "--into", f"duckdb:{tmp_path / 'sink.db'}"],
        ["load", str(new), "--into", f"csv:{tmp_path / 'sink'}"],
        ["export", str(new), "--to", "braze", "--out", str(tmp_path / "out")],
    ):
        assert main(["score", *words]) == 4
        assert told in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "sink.db").exists()
