"""Bytes of text files as they are written: plain, or packed by gzip, Zstandard or in a zip archive."""

import contextlib
import gzip
import io
import os
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, BinaryIO

from crm_ml.errors import InputError
from crm_ml.storage.input_limits import MOST_FREE_BYTES, MOST_LINE_BYTES, MOST_TIMES, MOST_UNPACKED_BYTES
from crm_ml.storage.regular_file import open_regular

_NAMES = {".gz": "gzip", ".zst": "Zstandard", ".zip": "zip"}


def packing(path: Path) -> str:
    """Return the suffix by which a file is packed; empty where it is not."""
    return path.suffix.lower() if path.suffix.lower() in _NAMES else ""


@contextlib.contextmanager
def unpacked(path: Path, member: str | None = None) -> Iterator[io.BufferedReader]:
    """Open the bytes of a text file.

    Parameters
    ----------
    path : Path
    member : str, optional
        File in a zip archive; needed where it holds several.

    Raises
    ------
    InputError
        If the file is no regular one, empty or no whole one of its packing, has a line without end or
        unpacks to more than its bytes so far allow (`crm_ml.storage.input_limits`), or its archive does not
        hold one file, that one, or one that is readable.
    """
    kind = packing(path)
    try:
        with contextlib.ExitStack() as stack:
            file = stack.enter_context(open_regular(path))
            if os.fstat(file.fileno()).st_size == 0:
                raise InputError("is empty (0 bytes)")
            raw = _opened(file, kind, member, stack)
            yield io.BufferedReader(_Bounded(raw, file if kind else None), 1 << 20)
    except (EOFError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile):
        raise _broken(kind) from None
    except OSError as error:
        if kind != ".zst" or error.errno is not None:  # Arrow has a plain one
            raise
        raise _broken(kind) from None


def _opened(file: BinaryIO, kind: str, member: str | None, stack: contextlib.ExitStack) -> Any:
    if kind == ".zip":
        archive = stack.enter_context(zipfile.ZipFile(file))
        return stack.enter_context(archive.open(_member(archive, member)))
    if member is not None:
        raise InputError("is no zip archive; leave member out")
    if kind == ".gz":
        return stack.enter_context(gzip.GzipFile(fileobj=file))
    if kind == ".zst":
        import pyarrow as pa

        return stack.enter_context(pa.CompressedInputStream(pa.PythonFile(file, mode="r"), "zstd"))
    return file


def _member(archive: zipfile.ZipFile, name: str | None) -> zipfile.ZipInfo:
    """Return the file of an archive; those that a system adds beside it do not count."""
    places = {info.filename: info for info in archive.infolist()
              if not info.is_dir() and not info.filename.startswith("__MACOSX/")}  # fmt: skip
    wanted = [name] if name is not None else list(places)
    if len(wanted) != 1 or wanted[0] not in places:
        listed = ", ".join(list(places)[:5]) + (", ..." if len(places) > 5 else "")
        raise InputError(f"holds {len(places)} files ({listed}); declare which one: member: <name>")
    info = places[wanted[0]]
    if info.flag_bits & 1 or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        how = "is locked by a password" if info.flag_bits & 1 else "is packed in another way than deflate"
        raise InputError(f"{how}; unpack it and name the file")
    return info


def _broken(kind: str) -> InputError:
    return InputError(f"is no whole {_NAMES[kind]} file; it may be truncated, export it again")


class _Bounded(io.RawIOBase):
    """Bytes of a text file, in lines that end, and of a packed one no more than may be there."""

    def __init__(self, stream: IO[bytes], packed: BinaryIO | None) -> None:
        super().__init__()
        self._stream, self._packed, self._read, self._line = stream, packed, 0, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        part = self._stream.read(len(buffer))
        buffer[: len(part)] = part
        self._read += len(part)
        if self._packed is not None:
            self._refuse_bomb(self._packed)
        self._follow_lines(part)
        return len(part)

    def _follow_lines(self, part: bytes) -> None:
        """Count the bytes since the last end of a line, in jumps of the longest line."""
        place = 0
        while len(part) - place + self._line > MOST_LINE_BYTES:
            reach = place + MOST_LINE_BYTES - self._line + 1
            end = max(part.rfind(b"\n", place, reach), part.rfind(b"\r", place, reach))
            if end < 0:
                raise InputError(
                    f"has a line of more than {MOST_LINE_BYTES:,} bytes; is it CSV with ends of lines?"
                )
            place, self._line = end + 1, 0
        end = max(part.rfind(b"\n", place), part.rfind(b"\r", place))
        self._line = len(part) - end - 1 if end >= 0 else self._line + len(part) - place

    def _refuse_bomb(self, packed: BinaryIO) -> None:
        most = min(max(MOST_TIMES * packed.tell(), MOST_FREE_BYTES), MOST_UNPACKED_BYTES)
        if self._read > most:
            why = "the most that is read" if most == MOST_UNPACKED_BYTES else f"{MOST_TIMES} times its size"
            raise InputError(
                f"unpacks to more than {most:,} bytes, {why}; if that is right, unpack it and name the file"
            )
