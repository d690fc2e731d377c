"""Files that never end, lead elsewhere or are more than their bytes: one sentence and exit code 2 each."""

import gzip
import json
import os
import socket
import struct
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from crm_ml.errors import ConfigError, InputError
from crm_ml.storage.regular_file import open_regular, parse_json, read_json
from crm_ml.tables.__main__ import main
from crm_ml.tables.parquet_footer import check_footer
from crm_ml.tables.safe_yaml import parse_yaml

HEADER = "order_id,line_id,customer_id,item_id,ordered_at,quantity,paid_cents\n"
ROWS = "".join(f"o{n},1,c{n % 20},x,2024-01-{n % 28 + 1:02d},1,{100 + n}\n" for n in range(40))
LINES = HEADER + ROWS
MIB = 1 << 20
Attack = Callable[[Path], str]


@pytest.fixture
def refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    """Return what the command says of order lines in a file, having refused them."""
    monkeypatch.setenv("CRM_ML_DATA", str(tmp_path / "data"))
    (tmp_path / "c.csv").write_text("customer_id\n" + "".join(f"c{n}\n" for n in range(20)))
    (tmp_path / "o.csv").write_text(LINES)

    def refuse(lines: dict[str, object], **more: object) -> str:
        mapping = {"name": "t", "tables": {"customers": {"path": "c.csv"}, "order_lines": lines}, **more}
        (tmp_path / "m.yaml").write_text(json.dumps(mapping))
        assert main([str(tmp_path / "m.yaml")]) == 2
        told = capsys.readouterr().err
        assert "Traceback" not in told
        return told

    return refuse


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))


SPECIAL: dict[str, tuple[Callable[[Path], object], str]] = {
    "p.csv": (os.mkfifo, "is no regular file"),
    "p.parquet": (os.mkfifo, "is no regular file"),
    "z.csv": (lambda path: path.symlink_to("/dev/zero"), "outside the project root"),
    "e.csv": (lambda path: path.symlink_to("/etc/passwd"), "outside the project root"),
    "l.csv": (lambda path: path.symlink_to("l.csv"), "is no path of a file"),
    "f.csv": (Path.mkdir, "is no regular file but a folder"),
    "s.csv": (_socket, "is no regular file"),
    "o[12].csv": (lambda path: path.with_name("o1.csv").write_text(LINES), "does not exist"),
    "o*.csv": (lambda path: path.with_name("o2.csv").write_text(LINES), "does not exist"),
    "a\x00b.csv": (lambda _: None, "is no path of a file"),
    "../../../../../../../../etc/passwd": (lambda _: None, "outside the project root"),
}


def test_only_regular_files_below_the_root_are_read(
    tmp_path: Path, refused: Callable[..., str], tried: Callable[[int], None]
) -> None:
    tried(len(SPECIAL))
    for name, (make, told) in SPECIAL.items():
        make(tmp_path / name)
        assert told in refused({"path": name}), name


def test_parts_are_files_each_of_them(
    tmp_path: Path, refused: Callable[..., str], tried: Callable[[int], None]
) -> None:
    tried(4)
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "a.csv").write_text(LINES)
    odd = tmp_path / "parts" / "b.csv"
    for make, told in (
        (os.mkfifo, "b.csv is no regular file"),
        (lambda path: path.symlink_to("absent.csv"), "b.csv does not exist"),
        (lambda path: path.symlink_to("/etc/passwd"), "outside the project root"),
    ):
        make(odd)
        assert told in refused({"path": "parts", "parts": True})
        odd.unlink()
    assert "has ** more than once" in refused({"glob": "**/**/**/*.csv"})


def test_a_link_put_on_the_way_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "p.json").symlink_to("/etc/hostname")
    monkeypatch.setattr(os.path, "realpath", lambda path: str(path))  # as if it had been a file until now
    with pytest.raises(OSError, match="symbolic links"):
        open_regular(tmp_path / "in" / "p.json", tmp_path)


def _cell(size: int) -> str:
    return LINES + f"{'y' * size},1,c1,x,2024-01-01,1,1\n"


def _header(columns: int) -> str:
    return ",".join(f"c{n}" for n in range(columns)) + "\n" + "1," * columns + "\n"


CSV: dict[str, tuple[Callable[[], str], str]] = {
    "columns": (lambda: _header(100_000), "has 100,000 columns; a table has at most 4,096"),
    "one column more": (lambda: _header(4_097), "has 4,097 columns"),
    "name": (lambda: LINES.replace("order_id", "x" * 2_000, 1), "names column 1 by 2,000 bytes"),
    "header": (lambda: "x" * (3 * MIB), "has a line of more than 2,097,152 bytes"),
    "row": (lambda: LINES + "\0" * (3 * MIB), "has a line of more than 2,097,152 bytes"),
    "ragged": (lambda: LINES + "1," * 50_000, "cells where the header has 7"),
    "cell": (lambda: _cell(MIB + 1), "has a cell of more than 1,048,576 bytes"),
    "same in other case": (lambda: LINES.replace("paid_cents", "paid_cents,Paid_Cents", 1), "more than once"),
    "utf-16 without mark": (lambda: "\0".join(LINES), "line 1 holds NUL bytes: it may be UTF-16"),
    "no name": (lambda: LINES.replace("paid_cents", "paid_cents,", 1), "leaves column 8 without a name"),
}


def test_wide_long_and_ragged_csv_is_refused(
    tmp_path: Path, refused: Callable[..., str], tried: Callable[[int], None]
) -> None:
    tried(len(CSV))
    for name, (text, told) in CSV.items():
        (tmp_path / "w.csv").write_text(text())
        assert told in refused({"path": "w.csv"}), name


def test_a_cell_of_the_real_limit_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from crm_ml.tables.engine import connect
    from crm_ml.tables.file_sources import CsvFile

    monkeypatch.setenv("CRM_ML_DATA", str(tmp_path))
    (tmp_path / "w.csv").write_text(_cell(MIB))
    connection = connect()
    CsvFile(tmp_path / "w.csv").open(connection, "v")
    assert connection.execute("SELECT max(strlen(order_id)) FROM v").fetchall() == [(MIB,)]


def test_packed_files_are_counted_while_they_unpack(
    tmp_path: Path, refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch, tried: Callable[[int], None]
) -> None:
    tried(2)
    monkeypatch.setattr("crm_ml.tables.packed_files.MOST_FREE_BYTES", 1 << 20)
    (tmp_path / "w.csv.gz").write_bytes(
        gzip.compress((HEADER + ROWS.splitlines()[0] + "\n" * 3_000_000).encode())
    )
    assert "unpacks to more than" in refused({"path": "w.csv.gz"})
    monkeypatch.setattr("crm_ml.tables.packed_files.MOST_UNPACKED_BYTES", 1_000)
    (tmp_path / "w.csv.gz").write_bytes(gzip.compress(LINES.encode()))
    assert "unpacks to more than 1,000 bytes, the most that is read" in refused({"path": "w.csv.gz"})


def _vari(number: int) -> bytes:
    head = b""
    while number > 127:
        head, number = head + bytes([number & 127 | 128]), number >> 7
    return head + bytes([number])


def _group(children: int) -> bytes:
    return b"\x35\x02\x18\x01r\x15" + _vari(2 * children) + b"\x00"


def _parquet(schema: bytes, elements: int, rows: int = 0) -> bytes:
    count = b"\xfc" + _vari(elements)
    footer = b"\x15\x02\x19" + count + schema + b"\x16" + _vari(2 * rows) + b"\x19\x0c\x00"
    return b"PAR1" + footer + struct.pack("<I", len(footer)) + b"PAR1"


_LEAF = b"\x15\x04\x25\x02\x18\x01x\x00"
FOOTERS = {
    "deep": (_parquet(_group(1) * 20_000 + _LEAF, 20_001), "nested more than 50 levels deep"),
    "wide": (_parquet(_group(20_000) + _LEAF * 20_000, 20_001), "has 20,000 columns"),
    "claims": (_parquet(_group(1) + _LEAF, 2_000_000_000), "is no whole Parquet file"),
    "cut": (_parquet(_group(1) + _LEAF, 2)[:-9] + b"PAR1", "is no whole Parquet file"),
    "rows": (_parquet(_group(1) + _LEAF, 2, rows=10**12), "says to have 1,000,000,000,000 rows"),
    "empty": (b"", "is empty"),
}


def test_footers_of_parquet_end_no_process(
    tmp_path: Path, refused: Callable[..., str], tried: Callable[[int], None]
) -> None:
    tried(len(FOOTERS))
    for name, (content, told) in FOOTERS.items():
        (tmp_path / "w.parquet").write_bytes(content)
        assert told in refused({"path": "w.parquet"}), name


def test_a_sound_footer_is_passed(tmp_path: Path) -> None:
    table = pa.table({"a": [1], "b": pa.array([{"x": [1, 2]}])}).replace_schema_metadata({"k": "v"})
    pq.write_table(table, tmp_path / "a.parquet")
    check_footer(tmp_path / "a.parquet")


def test_a_dictionary_of_one_cell_is_no_terabyte(
    tmp_path: Path, refused: Callable[..., str], tried: Callable[[int], None]
) -> None:
    tried(2)
    for rows, size, told in (
        (4_000, MIB, "over 200 times its size"),
        (1, MIB + 1, "has a cell of more than"),
    ):
        indices = pa.array([0] * rows, pa.int32())
        cells = {name: "x" * size if name == "order_id" else "1" for name in HEADER.strip().split(",")}
        columns = {
            name: pa.DictionaryArray.from_arrays(indices, pa.array([cell])) for name, cell in cells.items()
        }
        pq.write_table(pa.table(columns), tmp_path / "w.parquet", compression="zstd")
        assert told in refused({"path": "w.parquet"})


def _merged(twice: bool) -> str:
    lines = ["a0: &a0 {x: 1}"]
    lines += [f"a{n}: &a{n}\n  <<: [*a{n - 1}, *a{n - 1 if twice else 0}]" for n in range(1, 45)]
    return "\n".join(lines)


YAML = {
    "merge": (_merged(twice=True), "with each alias written out"),
    "alias": (f'a: &a "{"x" * 100_000}"\nb: [{", ".join(["*a"] * 90)}]', "with each alias written out"),
    "itself": ("a: &a [*a]", "holds itself by an alias"),
    "base 60": ("a: 1" + ":59" * 300_000, "a number of 900,001 signs"),
    "hex": ("a: 0x" + "f" * 900_000, "a number of 900,002 signs"),
    "deep": ("[" * 900_000, "too many aliases or levels"),
    "keys": ("".join(f"k{n}: 1\n" for n in range(4_000)) * 2, "stands twice in one block"),
    "switch": ('a: !!bool "x"', "is no YAML"),
    "no number": ('a: !!int ""', "is no YAML"),
}


def test_yaml_is_linear(tried: Callable[[int], None]) -> None:
    tried(len(YAML))
    for name, (text, told) in YAML.items():
        with pytest.raises(ConfigError, match=r"x\.yaml") as error:
            parse_yaml(text, "x.yaml")
        assert told in str(error.value), name
        assert len(str(error.value)) < 1_000, name


JSON = {
    "deep": ("[" * 100_000, "nested more than 50 levels"),
    "objects": ('{"a":' * 100_000, "nested more than 50 levels"),
    "open text": ('"\\' * 400_000, "is no JSON"),
    "digits": ("9" * 5_000, "is no JSON"),
}


def test_json_is_linear(tmp_path: Path, refused: Callable[..., str], tried: Callable[[int], None]) -> None:
    tried(len(JSON) + 2)
    for name, (text, told) in JSON.items():
        with pytest.raises(InputError) as error:
            parse_json(text)
        assert told in str(error.value), name
    (tmp_path / "p.json").write_text("[" * 100)
    with pytest.raises(InputError, match="has more than 99 bytes"):
        read_json(tmp_path / "p.json", most=99)
    assert "nested more than 50 levels" in refused({"path": "o.csv"}, profile="p.json")
