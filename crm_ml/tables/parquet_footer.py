"""Footers of Parquet files, looked over before a library reads them.

Libraries go down a nested schema by recursion, so that one of 100,000 levels ends the process, and make room
for as many entries as a list says it has. Here the footer is walked once, without recursion and without
making anything of it. It is Thrift in its compact protocol (https://github.com/apache/thrift,
doc/specs/thrift-compact-protocol.md) and begins with the schema, whose elements stand in the order of a walk
and say how many children they have (parquet.thrift of https://github.com/apache/parquet-format).
"""

import struct
from pathlib import Path
from typing import TYPE_CHECKING

from crm_ml.errors import InputError
from crm_ml.storage.input_limits import (
    MOST_FOOTER_BYTES,
    MOST_FOOTER_ENTRIES,
    MOST_FREE_BYTES,
    MOST_FREE_ROWS,
    MOST_LEVELS,
    MOST_TIMES,
)
from crm_ml.storage.regular_file import open_regular
from crm_ml.tables.column_limits import refuse_many

if TYPE_CHECKING:
    import pyarrow.parquet as pq

_SCHEMA, _CHILDREN = 2, 5
_BOOLEANS, _BYTE, _NUMBERS, _DOUBLE, _TEXT, _LISTS, _STRUCT = (1, 2), 3, (4, 5, 6), 7, 8, (9, 10), 12
_BROKEN = "is no whole Parquet file; it may be truncated, export it again"


def check_footer(path: Path) -> None:
    """Refuse a Parquet file whose footer no library should read.

    Parameters
    ----------
    path : Path

    Raises
    ------
    InputError
        If it is no regular or no Parquet file, or its footer is cut, has more than 16 MiB or 500,000 entries,
        or its schema more columns or levels than a table may have.
    OSError
        If it can't be opened.
    """
    footer = _footer(path)
    walk = _Walk(footer)
    try:
        walk.struct(top=True)
    except (IndexError, struct.error):
        raise InputError(_BROKEN) from None
    if len(walk.children) == 0:
        raise InputError(_BROKEN)
    refuse_many(sum(count == 0 for count in walk.children))
    _refuse_deep(walk.children)


def checked_metadata(path: Path) -> "pq.FileMetaData":
    """Read the footer of a Parquet file after it was looked over, see `check_footer` and `refuse_bomb`.

    Raises
    ------
    InputError
        Also if Arrow can't make sense of it, such as of a schema of its own that is damaged.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    check_footer(path)
    try:
        metadata = pq.read_metadata(path)
        metadata.schema.to_arrow_schema()
    except (pa.ArrowException, OSError, UnicodeDecodeError):
        raise InputError(_BROKEN) from None
    refuse_bomb(path, metadata)
    return metadata


def refuse_bomb(path: Path, metadata: "pq.FileMetaData") -> None:
    """Refuse a Parquet file that says to hold far more than its bytes can.

    Raises
    ------
    InputError
        If its rows are more than a million and 200 for each byte, or its columns unpack to more than 256 MiB
        and 200 times its bytes.
    """
    size = path.stat().st_size
    rows, unpacked = (
        metadata.num_rows,
        sum(metadata.row_group(number).total_byte_size for number in range(metadata.num_row_groups)),
    )
    if rows < 0 or rows > max(MOST_FREE_ROWS, MOST_TIMES * size):
        raise InputError(f"says to have {rows:,} rows in {size:,} bytes; export it again")
    if unpacked < 0 or unpacked > max(MOST_FREE_BYTES, MOST_TIMES * size):
        raise InputError(f"says to unpack from {size:,} to {unpacked:,} bytes; export it again")


def _footer(path: Path) -> bytes:
    with open_regular(path) as file:
        size = file.seek(0, 2)
        if size == 0:
            raise InputError("is empty (0 bytes)")
        if size < 12:
            raise InputError(_BROKEN)
        file.seek(size - 8)
        length, mark = struct.unpack("<I4s", file.read(8))
        if mark != b"PAR1" or length > size - 12:
            raise InputError("is encrypted; export it without" if mark == b"PARE" else _BROKEN)
        if length > MOST_FOOTER_BYTES:
            raise InputError(f"has a footer of {length:,} bytes; at most {MOST_FOOTER_BYTES:,} are read")
        file.seek(size - 8 - length)
        return file.read(length)


def _refuse_deep(children: list[int]) -> None:
    """Go through a schema in the order of its walk, with the children that each open level still wants."""
    wanted: list[int] = [1]
    for count in children:
        while wanted and wanted[-1] == 0:
            wanted.pop()
        if not wanted:
            raise InputError(_BROKEN)
        wanted[-1] -= 1
        if count:
            wanted.append(count)
        if len(wanted) > MOST_LEVELS:
            raise InputError(f"has columns nested more than {MOST_LEVELS} levels deep; export plain columns")


class _Walk:
    """A place in a footer, and what was met on the way.

    Parameters
    ----------
    data : bytes

    Attributes
    ----------
    children : list of int
        Children of each element of the schema.
    """

    def __init__(self, data: bytes) -> None:
        self.data, self.place, self.entries = data, 0, 0
        self.children: list[int] = []

    def number(self) -> int:
        """Return the next variable-length integer."""
        value = shift = 0
        while True:
            byte = self.data[self.place]
            self.place += 1
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7
            if shift > 63:
                raise InputError(_BROKEN)

    def struct(self, *, top: bool = False, level: int = 0, element: bool = False) -> None:
        """Go past a struct: that of the file, an element of its schema, or any other."""
        last = 0
        if level > MOST_LEVELS:
            raise InputError(_BROKEN)
        while (head := self.data[self.place]) != 0:
            self.place += 1
            last = last + (head >> 4) if head >> 4 else _signed(self.number())
            if element and last == _CHILDREN and head & 15 in _NUMBERS:
                self.children[-1] = max(0, _signed(self.number()))
            else:
                self.value(head & 15, level, is_schema=top and last == _SCHEMA)
        self.place += 1

    def value(self, kind: int, level: int, *, is_schema: bool = False, in_list: bool = False) -> None:
        """Go past a value of a kind."""
        if kind in _BOOLEANS:
            self.place += in_list
        elif kind == _BYTE:
            self.place += 1
        elif kind in _NUMBERS:
            self.number()
        elif kind == _DOUBLE:
            self.place += 8
        elif kind == _TEXT:
            length = self.number()
            self.place += length
        elif kind in _LISTS:
            self.items(level, is_schema)
        elif kind == _STRUCT:
            self.struct(level=level + 1)
        else:  # no struct of Parquet has a map
            raise InputError(_BROKEN)
        if self.place > len(self.data):
            raise InputError(_BROKEN)

    def items(self, level: int, is_schema: bool) -> None:
        """Go past a list; the schema stands once."""
        head = self.data[self.place]
        self.place += 1
        count = head >> 4 if head >> 4 != 15 else self.number()
        self.entries += count
        if count > len(self.data) - self.place or (is_schema and self.children):
            raise InputError(_BROKEN)
        if self.entries > MOST_FOOTER_ENTRIES:
            raise InputError(f"has a footer of more than {MOST_FOOTER_ENTRIES:,} entries; export it anew")
        for _ in range(count):
            if is_schema and head & 15 == _STRUCT:
                self.children.append(0)
                self.struct(level=level + 1, element=True)
            else:
                self.value(head & 15, level, in_list=True)


def _signed(number: int) -> int:
    return (number >> 1) ^ -(number & 1)
