"""Text files as DuckDB reads them: in UTF-8, plain or packed by gzip or Zstandard; others are rewritten.

Every file is read once before DuckDB reads it, so that a byte that is not of its encoding is named by its
place, and a packed file is no larger than it may be.
"""

import codecs
import contextlib
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from crm_ml.errors import InputError
from crm_ml.private_files import make_folder, private_files
from crm_ml.storage.paths import data_folder
from crm_ml.storage.workspace import new_workspace
from crm_ml.tables.encodings import CODECS
from crm_ml.tables.found_encoding import encoding_by_mark, found_encodings
from crm_ml.tables.packed_files import packing, unpacked

if TYPE_CHECKING:
    import duckdb

_CHUNK = 1 << 22


def in_utf8(
    connection: "duckdb.DuckDBPyConnection",
    files: Sequence[Path],
    encoding: str | None,
    member: str | None = None,
) -> tuple[dict[Path, Path], dict[Path, str]]:
    """Check text files, and rewrite those that DuckDB can't read.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        What is rewritten lives as long as it does.
    files : sequence of Path
    encoding : str, optional
        One of `crm_ml.tables.encodings.CODECS`; None to find it from the bytes of each.
    member : str, optional
        File in each zip archive.

    Returns
    -------
    places : dict of Path to Path
        Each file, and the one that is read in its place.
    encodings : dict of Path to str

    Raises
    ------
    InputError
        If a file is not in its encoding, or the encoding of one can't be known.
    """
    encodings = dict.fromkeys(files, encoding) if encoding else found_encodings(files, member)
    places = {}
    with contextlib.ExitStack() as stack:
        folder: Path | None = None
        for number, path in enumerate(files):
            direct = encodings[path] == "utf-8" and packing(path) in ("", ".gz", ".zst")
            direct = direct and path.suffix in (path.suffix.lower(), "")  # DuckDB knows .gz and no .GZ
            if direct:
                places[path] = path
            else:
                folder = folder or stack.enter_context(_scratch_folder())
                places[path] = folder / f"{number}" / Path(path.name).with_suffix(".csv")
                make_folder(places[path].parent)
            if encoding or not direct:
                with private_files():
                    _check(path, encodings[path], member, None if direct else places[path])
        weakref.finalize(connection, stack.pop_all().close)
    return places, encodings


@contextlib.contextmanager
def _scratch_folder() -> Iterator[Path]:
    """Return a folder beside the cleaned tables, where what a dead process left is removed."""
    parent = data_folder() / "tables"
    make_folder(parent)
    with new_workspace(parent / "text") as folder:
        yield folder


def _check(path: Path, encoding: str, member: str | None, target: Path | None) -> None:
    """Read a file in its encoding and write it in UTF-8, where there is a target."""
    with contextlib.ExitStack() as stack:
        file = stack.enter_context(unpacked(path, member))
        mark = encoding_by_mark(file.peek(4)[:4])
        if CODECS[mark or encoding] != CODECS[encoding]:
            raise InputError(
                f"line 1 is {mark.upper()} and not {encoding}; declare encoding: {mark} or convert the file"
            )
        if encoding == "utf-16" and not mark:
            raise InputError("line 1 is not utf-16 with its byte order mark; convert the file to utf-8")
        written = None if target is None else stack.enter_context(target.open("wb"))
        decoder = codecs.getincrementaldecoder(CODECS[encoding])()
        place, lines = 0, 1
        chunk = b"?"
        while chunk:
            chunk = file.read(_CHUNK)
            pending = len(decoder.getstate()[0])
            if not pending and chunk.isascii() and mark != "utf-16":
                text, encoded = "", chunk
            else:
                text = _decoded(decoder, chunk, place - pending, lines, encoding)
                encoded = text.removeprefix("\ufeff").encode() if place == 0 else text.encode()
            if written is not None:
                written.write(encoded)
            place += len(chunk)
            lines += encoded.count(b"\n")


def _decoded(decoder: codecs.IncrementalDecoder, chunk: bytes, place: int, lines: int, encoding: str) -> str:
    """Return the text of the next bytes.

    Raises
    ------
    InputError
        With the place of the first byte that is not in the encoding.
    """
    try:
        return decoder.decode(chunk, final=not chunk)
    except UnicodeDecodeError as error:
        line = lines + error.object[: error.start].count(b"\n")
        raise InputError(
            f"line {line:,} is not in the declared encoding ({encoding}: byte {place + error.start:,} of the "
            "file); declare another one or convert the file"
        ) from None
