"""Files: a name is no pattern, parts are declared and all hashed, every row is counted."""

import gzip
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from shop import Shop, any_shop, bytes_of, column_of, only_csv_shop, own_data_folder, write_csv, write_parquet  # noqa: F401  (fixtures)

from crm_ml.errors import ConfigError, InputError
from crm_ml.tables import table_cache
from crm_ml.tables.config_file import load_config
from crm_ml.tables.csv_rows import refuse_lost_rows

LINES = "order_lines"


def written(shop: Shop, place: str, rows: dict[str, list[Any]]) -> None:
    path = shop.folder / place
    path.parent.mkdir(parents=True, exist_ok=True)
    write_csv(path, rows) if shop.form == "csv" else write_parquet(path, rows)


def some(shop: Shop, start: int, stop: int) -> dict[str, list[Any]]:
    return {name: values[start:stop] for name, values in shop[LINES].items()}


@pytest.mark.parametrize("name", ["o[12]", "o*", "o?", "[!a]", "year=2024/o", "o'{1,2}"])
def test_a_name_is_no_pattern_and_a_folder_no_column(shop: Shop, name: str) -> None:
    clean = bytes_of(shop.load())
    right = shop.tables.pop(LINES)
    for decoy in ("o1", "o2", "o", "b"):
        written(shop, f"{decoy}.{shop.form}", {column: values[:10] for column, values in right.items()})
    written(shop, f"{name}.{shop.form}", right)
    shop.mapping["tables"][LINES]["path"] = f"{name}.{shop.form}"
    tables = shop.load()
    assert bytes_of(tables) == clean
    assert tables.report.tables[LINES].warnings == []


def test_the_folder_of_the_cache_is_no_pattern(csv_shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRM_ML_DATA", str(csv_shop.folder / "data[1]*"))
    assert len(csv_shop.load().pandas(LINES)) == 200


@pytest.mark.parametrize("declared", [{"path": "parts", "parts": True}, {"glob": "parts/**/*.{form}"}])
def test_parts_are_one_table_and_all_in_the_fingerprint(shop: Shop, declared: dict[str, Any]) -> None:
    clean = bytes_of(shop.load())
    for number, start in enumerate(range(0, 200, 50)):
        written(shop, f"parts/month={number}/part [{number}].{shop.form}", some(shop, start, start + 50))
    for left_out in ("_SUCCESS", ".part.crc", "_temporary/x.csv"):
        (shop.folder / "parts" / left_out).parent.mkdir(exist_ok=True)
        (shop.folder / "parts" / left_out).write_text("x")
    del shop.mapping["tables"][LINES]["path"], shop.tables[LINES]
    source = {key: v.format(form=shop.form) if isinstance(v, str) else v for key, v in declared.items()}
    shop.mapping["tables"][LINES] |= source | {"ignore": ["month"]}
    tables = shop.load()
    assert bytes_of(tables) == clean
    assert tables.report.tables[LINES].warnings == []
    last = shop.folder / "parts" / "month=3" / f"part [3].{shop.form}"
    content = last.read_bytes()
    last.rename(last.with_name(f"other.{shop.form}"))
    moved = load_config(shop.config).fingerprint
    last.with_name(f"other.{shop.form}").unlink()
    fewer = load_config(shop.config)
    assert len({tables.fingerprint, moved, fewer.fingerprint}) == 3
    assert fewer.report.tables[LINES].read == 150
    last.write_bytes(content)
    assert load_config(shop.config).fingerprint == tables.fingerprint


def test_a_folder_of_a_part_can_be_a_column(shop: Shop) -> None:
    shop[LINES].pop("item_id")
    for number in range(4):
        written(shop, f"parts/item=i0{number}/a.{shop.form}", some(shop, 50 * number, 50 * number + 50))
    del shop.tables[LINES]
    shop.mapping["tables"][LINES] |= {"path": "parts", "parts": True}
    shop.mapping["tables"][LINES]["columns"]["item_id"] = "item"
    assert column_of(shop.load(), LINES, "item_id") == [f"i0{n // 50}" for n in range(200)]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"parts": False}, "parts is a folder; declare parts: true"),
        ({"path": "nowhere"}, "nowhere has no file"),
        ({"path": "../parts"}, "../parts lies outside the project root"),
        ({"path": "mixed"}, "mixed is neither CSV"),
    ],
)
def test_wrong_parts(shop: Shop, change: dict[str, Any], told: str) -> None:
    for folder in ("parts", "mixed"):
        written(shop, f"{folder}/a.{shop.form}", shop[LINES])
    (shop.folder / "mixed" / "notes.doc").write_text("x")
    del shop.tables[LINES]
    shop.mapping["tables"][LINES] |= {"path": "parts", "parts": True} | change
    with pytest.raises(ConfigError, match=told):
        shop.load()


def test_parts_with_other_columns_are_refused(shop: Shop) -> None:
    written(shop, f"parts/a.{shop.form}", some(shop, 0, 100))
    written(shop, f"parts/b.{shop.form}", {"more": [1] * 100} | some(shop, 100, 200))
    del shop.tables[LINES]
    shop.mapping["tables"][LINES] |= {"path": "parts", "parts": True}
    with pytest.raises(InputError, match="has other columns in b"):
        shop.load()


def test_a_file_changed_while_it_is_read_is_not_cached(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    clean, content = table_cache.clean, []

    def changing(*arguments: Any) -> Any:
        path = shop.path(LINES)
        content.append(path.read_bytes())
        other = path.with_name("other")
        other.write_bytes(content[0])
        os.utime(other, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
        other.replace(path)
        return clean(*arguments)

    monkeypatch.setattr(table_cache, "clean", changing)
    with pytest.raises(InputError, match="a file of the tables was changed while it was read; run again"):
        shop.load()
    assert not list((shop.folder / "data" / "tables").iterdir())
    monkeypatch.undo()
    monkeypatch.setenv("CRM_ML_DATA", str(shop.folder / "data"))
    assert len(load_config(shop.config).pandas(LINES)) == 200


def test_a_pipe_is_refused_and_not_waited_for(csv_shop: Shop) -> None:
    csv_shop.write()
    os.mkfifo(csv_shop.folder / "pipe.csv")
    (csv_shop.folder / "round.csv").symlink_to(csv_shop.folder / "round.csv")
    csv_shop.tables = {}
    for name, told in (
        ("pipe.csv", "is no regular file"),
        ("round.csv", "is no path|does not exist"),
        ("a\0.csv", "is no path"),
    ):
        csv_shop.mapping["tables"]["items"] = {"path": name}
        with pytest.raises((ConfigError, InputError), match=told):
            csv_shop.load()


def test_a_long_last_line_does_not_vanish(csv_shop: Shop) -> None:
    csv_shop.write()
    with csv_shop.path(LINES).open("a") as file:
        file.write("c01,o9,0,i01,2024-02-01,1,2.5," + "x" * 40_000_000)
    with pytest.raises(InputError, match=r"has a line of more than 2,097,152 bytes"):
        load_config(csv_shop.config)


COUNTED = {
    "plain": b"a,b\n1,2\n3,4\n",
    "no-last-end": b"a,b\n1,2\n3,4",
    "carriage-returns": b"a,b\r\n1,2\r\n3,4\r\n",
    "only-carriage-returns": b"a,b\r1,2\r3,4\r",
    "quoted-ends": b'a,b\n1,"x\n\ny"\n3,"p""\n""q"\n',
    "quote-in-a-cell": b'a,b\n1,5" pipe\n3,4\n',
    "two-quotes-in-cells": b'a,b\n1,5" pipe\n3,6" pipe\n',
    "blank-lines": b"a,b\n1,2\n\n3,4\n\n\n",
    "mark": b"\xef\xbb\xbfa,b\n1,2\n3,4\n",
}


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("case", COUNTED)
def test_rows_are_counted_as_they_are(tmp_path: Path, case: str, packed: bool) -> None:
    path = tmp_path / ("a.csv.gz" if packed else "a.csv")
    path.write_bytes(gzip.compress(COUNTED[case]) if packed else COUNTED[case])
    refuse_lost_rows([path], ",", 2)
    refuse_lost_rows([path, path], ",", 4)
    refuse_lost_rows([path, path], ",", 6, header=False)
    for read in (1, 3):
        with pytest.raises(InputError, match=f"has 2 rows of which {read} could be read"):
            refuse_lost_rows([path], ",", read)


def test_the_first_lost_row_is_named_by_its_byte(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("a,b\nは,2\n3,4\n".encode())
    with pytest.raises(InputError, match=r"row 2 begins at byte 10 of a\.csv"):
        refuse_lost_rows([path], ",", 1)


@pytest.mark.parametrize("names", [["paid", "paid"], ["paid", "Paid"]])
def test_a_column_of_parquet_that_stands_twice_is_refused(tmp_path: Path, names: list[str]) -> None:
    shop = Shop(tmp_path, "parquet")
    shop.write()
    table = pq.read_table(shop.path(LINES)).append_column("more", pa.array([1.0] * 200))
    pq.write_table(table.rename_columns([*table.column_names[:-1], names[1]]), shop.path(LINES))
    with pytest.raises(
        InputError, match=f"order_lines.parquet names {', '.join(sorted(set(names)))} more than once"
    ):
        load_config(shop.config)


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("column", ["paid", "quantity", "ordered_at"])
def test_a_duration_is_no_number(tmp_path: Path, unit: str, column: str) -> None:
    shop = Shop(tmp_path, "parquet")
    shop.write()
    table = pq.read_table(shop.path(LINES))
    place = table.column_names.index(column)
    pq.write_table(table.set_column(place, column, pa.array(range(200), pa.duration(unit))), shop.path(LINES))
    with pytest.raises(InputError, match=r"type DURATION(, written as [9:]+)?; map another column"):
        load_config(shop.config)


def test_a_damaged_schema_of_arrow_in_the_footer_is_one_clear_error(tmp_path: Path) -> None:
    shop = Shop(tmp_path, "parquet")
    shop.write()
    content = shop.path(LINES).read_bytes()
    at = content.index(b"ARROW:schema") + 20  # of its base64
    shop.path(LINES).write_bytes(content[:at] + b"\x01" + content[at + 1 :])
    with pytest.raises(InputError, match="is no whole Parquet file"):
        load_config(shop.config)
