"""Mutations of CSV, Parquet, npz and SQLite files; each says what it has done."""

import io
import random
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fuzz_values

Rows = list[list[str]]
CELLS = (
    "", " ", '"', '""', "'", "\x00", ",", ";", "\t", "NULL", "null", "nan", "NaN", "inf", "-inf", "-1", "0",
    "1e400", "1e-400",
    "9" * 40, "0.1" + "0" * 50, "1.234,56", "1,234.56", "\uff11\uff12", "\u0663", "€ 5", "5 USD", "1/3",
    "0x1f", "1_0", "--5", "+5",
    "2024-02-30", "0001-01-01", "9999-12-31 23:59:59", "10000-01-01", "1970-01-01", "1717200000",
    "1717200000000",
    "31.12.2024", "2024-06-30T12:00:00+25:00", "2024-06-30T12:00:00Z", "2024-03-31 02:30:00", "x" * 5000,
    "\ufeff", "\u202e",
    "e\u0301", "\U0001f600", "[/red]", "=cmd|' /C calc'!A0", "ada@example.com", "a\nb", "a\rb", "\\N",
    "true", "c001", "r00001",
)  # fmt: skip


def csv_mutated(draw: random.Random, content: bytes) -> tuple[bytes, str]:
    """Change cells, columns or lines of a CSV file, or its bytes."""
    if draw.random() < 0.3:
        return fuzz_values.bytes_mutated(draw, content)
    text = content.decode()
    mark = max(",;\t", key=text.split("\n", 1)[0].count)
    rows = [line.split(mark) for line in text.splitlines()]
    if len(rows) < 2:
        return fuzz_values.bytes_mutated(draw, content)
    kind, value = draw.choice(("cell", *CSV_CHANGES)), draw.choice(CELLS)
    row, column = draw.randrange(1, len(rows)), draw.randrange(len(rows[0]))
    if kind == "mark":
        mark = draw.choice((";", "\t", "|", "\x01", "::", " "))
    rows = CSV_CHANGES[kind](draw, rows, row, column, value)
    text = draw.choice(("\n", "\n", "\r\n")).join(mark.join(line) for line in rows)
    where = f"{kind}: {ascii(value)[:60]} in row {row}, column {column + 1}"
    return text.encode("utf-8", "replace") + b"\n", where


def _with(line: list[str], column: int, value: str) -> list[str]:
    return [*line[:column], value, *line[column + 1 :]]


def _one_cell(_draw: random.Random, rows: Rows, row: int, column: int, value: str) -> Rows:
    return [*rows[:row], _with(rows[row], column, value), *rows[row + 1 :]]


def _many_cells(draw: random.Random, rows: Rows, _row: int, column: int, _value: str) -> Rows:
    for _ in range(draw.choice((3, 100))):
        rows = _one_cell(draw, rows, draw.randrange(1, len(rows)), column, draw.choice(CELLS))
    return rows


def _ragged(draw: random.Random, rows: Rows, row: int, _column: int, value: str) -> Rows:
    line = draw.choice((rows[row][:-1], [*rows[row], value], rows[row] * 50, []))
    return [*rows[:row], line, *rows[row + 1 :]]


def _other_header(draw: random.Random, rows: Rows, _row: int, column: int, value: str) -> Rows:
    names = (value, rows[0][column - 1], rows[0][column].upper(), "1", "row")
    return [_with(rows[0], column, draw.choice(names)), *rows[1:]]


def _other_rows(draw: random.Random, rows: Rows, _row: int, _column: int, _value: str) -> Rows:
    head, *rest = rows
    return draw.choice(([head], rows[:2], rows + rest, rest, [head, *rest[::-1]], [[]] * 3 + rows))


def _quoted(draw: random.Random, rows: Rows, row: int, column: int, _value: str) -> Rows:
    sign = draw.choice(('"', "'", '"a', 'a"', '"a"b"', '"\n', '""""'))
    return _one_cell(draw, rows, row, column, sign + rows[row][column])


def _wide(draw: random.Random, rows: Rows, _row: int, _column: int, _value: str) -> Rows:
    more = [f"w{number}" for number in range(draw.choice((500, 4_000, 20_000)))]
    return [[*line, *more] for line in rows[:3]]


CSV_CHANGES: dict[str, Callable[[random.Random, Rows, int, int, str], Rows]] = {
    "cell": _one_cell,
    "cells": _many_cells,
    "column": lambda _d, rows, _r, column, value: [
        rows[0],
        *(_with(line, column, value) for line in rows[1:]),
    ],
    "header": _other_header,
    "ragged": _ragged,
    "more columns": lambda _d, rows, _r, _c, value: [[*line, value] for line in rows],
    "fewer": lambda _d, rows, _r, column, _v: [line[:column] + line[column + 1 :] for line in rows],
    "rows": _other_rows,
    "quote": _quoted,
    "mark": lambda _d, rows, _r, _c, _v: rows,
    "no header": lambda _d, rows, _r, _c, _v: [rows[1], *rows[1:]],
    "twice": lambda _d, rows, _r, _c, _v: [[*line, *line] for line in rows],
    "wide": _wide,
}


def parquet_mutated(draw: random.Random, content: bytes) -> tuple[bytes, str]:
    """Change types, names and values of a Parquet file, or its bytes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if draw.random() < 0.35:
        return fuzz_values.bytes_mutated(draw, content)
    table, note = _table_mutated(draw, pq.read_table(io.BytesIO(content), use_threads=False))
    buffer = io.BytesIO()
    try:
        pq.write_table(table, buffer, compression=draw.choice(("snappy", "zstd", "none", "gzip")))
    except (pa.ArrowException, OSError):  # a type or a moment that Parquet does not know
        return fuzz_values.bytes_mutated(draw, content)
    return buffer.getvalue(), note


def _table_mutated(draw: random.Random, table: Any) -> tuple[Any, str]:
    import pyarrow as pa

    rows, kind = (
        table.num_rows,
        draw.choice(
            ("type", "type", "type", "nulls", "name", "twice", "drop", "empty", "wide", "more", "codec")
        ),
    )
    names = table.column_names
    place = draw.randrange(len(names)) if names else 0
    if not names:
        kind = "more"
    if kind == "type":
        array, note = _typed(draw, rows)
        table = table.set_column(place, names[place], array)
        note = f"{names[place]} is {note}"
    elif kind == "nulls":
        share = draw.choice((0.1, 1.0))
        values = table.column(place).to_pylist()
        values = [None if draw.random() < share else value for value in values]
        table = table.set_column(place, names[place], pa.array(values, table.schema.field(place).type))
        note = f"{names[place]} has nulls"
    elif kind == "name":
        new = draw.choice((*CELLS, names[0], names[0].upper(), "a.b", "row", "list.element"))
        names[place] = new
        table = table.rename_columns(names)
        note = f"column {place + 1} is called {ascii(new)[:60]}"
    elif kind == "twice":
        table = table.append_column(names[place], table.column(place))
        note = f"{names[place]} stands twice"
    elif kind == "drop":
        table, note = table.drop_columns([names[place]]), f"without {names[place]}"
    elif kind == "empty":
        table, note = table.slice(0, draw.choice((0, 1))), "no or one row"
    elif kind == "wide":
        count = draw.choice((300, 4_200))
        extra = {f"w{n}": pa.array([n] * rows) for n in range(count)}
        table = pa.table({**dict(zip(names, table.columns, strict=True)), **extra})
        note = f"{count} columns more"
    elif kind == "more":
        array, note = _typed(draw, rows)
        table = table.append_column("more", array)
        note = f"one more, {note}"
    else:
        table, note = pa.concat_tables([table, table]), "rows twice"
    return table, note


def _typed(draw: random.Random, rows: int) -> tuple[Any, str]:
    """Return an array of a type that a shop seldom has."""
    import datetime as dt
    from decimal import Decimal

    import pyarrow as pa

    kinds: list[tuple[Any, Any]] = [
        (pa.date32(), 2**31 - 1), (pa.date32(), -(2**31)), (pa.date64(), 253402300800000),
        (pa.timestamp("s"), 2**62),
        (pa.timestamp("us"), -(2**62)), (pa.timestamp("ns", "UTC"), 1717200000000000000),
        (pa.timestamp("ns"), -(2**63) + 1),
        (pa.timestamp("ms", "+14:00"), 1717200000000), (pa.timestamp("us", "Nowhere/Land"), 1717200000000000),
        (pa.time64("ns"), 5), (pa.duration("us"), 2**60), (pa.decimal128(38, 10), Decimal("1.5")),
        (pa.decimal256(76, 10), Decimal("1.5")), (pa.decimal128(38, -5), Decimal("100000")),
        (pa.list_(pa.int64()), [1, 2]),
        (pa.list_(pa.string()), None), (pa.struct([("a", pa.int64())]), {"a": 1}), (pa.map_(pa.string(),
        pa.int64()), [("a", 1)]),
        (pa.binary(), b"\xff\x00"), (pa.binary(4), b"abcd"), (pa.large_string(), "x" * 1000), (pa.bool_(),
        True), (pa.null(), None),
        (pa.float64(), float("nan")), (pa.float64(), float("inf")), (pa.float16(), 1.5), (pa.float64(),
        -1e308), (pa.uint64(), 2**64 - 1),
        (pa.int8(), -128), (pa.int64(), 2**63 - 1), (pa.int64(), -(2**63)), (pa.string(), "\x00"),
        (pa.string(), "[/red]"),
        (pa.string(), ""), (pa.string(), "x" * 100_000), (pa.date32(), dt.date(9999, 12, 31)),
    ]  # fmt: skip
    kind, value = draw.choice(kinds)
    if kind == pa.float16():
        import numpy as np

        value = np.float16(1.5)
    varied = rows > 1 and draw.random() < 0.3
    values = [value] * rows if not varied else [value] + [None] * (rows - 1)
    if len(values) > 50 and isinstance(value, str) and len(value) > 5000:
        values = values[:3] + [value[:5]] * (rows - 3)
    return pa.array(values, kind), f"{kind} {ascii(value)[:40]}"


def npz_mutated(draw: random.Random, content: bytes) -> tuple[bytes, str]:
    """Change the arrays of an npz file, or its bytes."""
    import numpy as np

    if draw.random() < 0.4:
        return fuzz_values.bytes_mutated(draw, content)
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        values = {name: arrays[name] for name in arrays.files}
    name = draw.choice(sorted(values))
    array = values[name]
    changes: dict[str, Any] = {
        "text": array.astype(str), "objects": array.astype(object), "nan": np.full(array.shape, np.nan),
        "inf": np.full(array.shape, np.inf), "empty": array.ravel()[:0], "scalar": np.float64(1),
        "longer": np.append(array, array),
        "deeper": array[None, None], "int": np.zeros(array.shape, "int8"), "complex": np.ones(array.shape,
        complex),
        "dates": np.full(array.shape, np.datetime64("2024-01-01")), "huge": np.zeros(30_000_000),
        "1e308": np.full(array.shape, 1e308),
    }  # fmt: skip
    kind = draw.choice((*changes, "gone", "another"))
    if kind == "gone":
        del values[name]
    elif kind == "another":
        values["more"] = array
    else:
        values[name] = changes[kind]
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=True, **values)
    return buffer.getvalue(), f"{name} {kind}"


def lightgbm_mutated(draw: random.Random, content: bytes) -> tuple[bytes, str]:
    """Change a number, a line or a name of a LightGBM text, or its bytes."""
    if draw.random() < 0.2:
        return fuzz_values.bytes_mutated(draw, content)
    lines = content.decode().split("\n")
    places = [n for n, line in enumerate(lines) if "=" in line]
    at = draw.choice(places)
    name, _, value = lines[at].partition("=")
    parts = value.split(" ")
    kind = draw.choice(("number", "number", "number", "fewer", "more", "gone", "twice", "text"))
    new = draw.choice(
        (
            "-1",
            "0",
            "1",
            "7",
            "-5",
            "99999999",
            "2147483647",
            "-2147483648",
            "1e400",
            "nan",
            "inf",
            "",
            "x",
            "1e308",
        )
    )
    if kind == "number":
        parts[draw.randrange(len(parts))] = new
    elif kind == "fewer":
        parts = parts[:-1]
    elif kind == "more":
        parts += [new] * draw.choice((1, 1000))
    elif kind == "text":
        parts = [draw.choice(CELLS)]
    lines[at] = f"{name}={' '.join(parts)}"
    if kind == "gone":
        del lines[at]
    if kind == "twice":
        lines.insert(at, lines[at])
    return "\n".join(lines).encode("utf-8", "replace"), f"{name} in line {at + 1}: {kind} {new[:20]}"


def sqlite_mutated(draw: random.Random, path: Path) -> str:
    """Change a cell, drop a table, or change the bytes of a SQLite file where it lies."""
    if draw.random() < 0.4:
        content, note = fuzz_values.bytes_mutated(draw, path.read_bytes())
        path.write_bytes(content)
        return note
    database = sqlite3.connect(path)
    tables = [
        name for (name,) in database.execute("select name from sqlite_master where type = 'table' order by 1")
    ]
    filled = [name for name in tables if database.execute(f'select count(*) from "{name}"').fetchone()[0]]
    table = draw.choice(filled if draw.random() < 0.9 else tables)
    columns = [row[1] for row in database.execute(f'pragma table_info("{table}")')]
    column, kind = (
        draw.choice(columns),
        draw.choice(("cell", "cell", "cell", "drop", "rows", "column", "copy")),
    )
    value = draw.choice([value for value in fuzz_values.SCALARS if isinstance(value, (str,
    float)) and "\ud800" not in str(value)]
                        + [None, 0, -1, 2**62, b"\xff\x00"])  # fmt: skip
    database.execute("pragma foreign_keys = off")
    statements = {
        "cell": (f'update or ignore "{table}" set "{column}" = ?', (value,)),
        "drop": (f'drop table "{table}"', ()),
        "rows": (f'delete from "{table}"', ()),
        "column": (f'alter table "{table}" rename column "{column}" to "other"', ()),
        "copy": (f'alter table "{table}" add column more', ()),
    }
    try:
        database.execute(*statements[kind])
        note = f"{kind} {table}.{column} {ascii(value)[:60]}"
    except sqlite3.Error as error:
        note = f"{kind} {table}.{column}: {error}"
        database.execute(f'delete from "{table}"')
    database.commit()
    database.close()
    return note
