"""Bytes of text files as they are written: plain, or packed by gzip, Zstandard or in a zip archive."""

import contextlib
import gzip
import io
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, cast

from crm_ml.errors import InputError

#: What a packed file may unpack to: so many times its size, or this many bytes.
MOST_TIMES = 200
MOST_BYTES = 1 << 28
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
        If the file is empty or no whole one of its packing, unpacks to more than `MOST_TIMES` of its size and
        `MOST_BYTES`, or its archive does not hold one file, that one, or one that is readable.
    """
    kind, size = packing(path), path.stat().st_size
    if size == 0:
        raise InputError("is empty (0 bytes)")
    try:
        with contextlib.ExitStack() as stack:
            raw = _opened(path, kind, member, stack)
            most = max(MOST_TIMES * size, MOST_BYTES) if kind else None
            yield io.BufferedReader(_Bounded(raw, most), 1 << 20)
    except (EOFError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile):
        raise _broken(kind) from None
    except OSError as error:
        if kind != ".zst" or error.errno is not None:  # Arrow has a plain one
            raise
        raise _broken(kind) from None


def _opened(path: Path, kind: str, member: str | None, stack: contextlib.ExitStack) -> IO[bytes]:
    if kind == ".zip":
        archive = stack.enter_context(zipfile.ZipFile(path))
        return stack.enter_context(archive.open(_member(archive, member)))
    if member is not None:
        raise InputError("is no zip archive; leave member out")
    if kind == ".gz":
        return cast("IO[bytes]", stack.enter_context(gzip.open(path, "rb")))
    if kind == ".zst":
        import pyarrow as pa

        stream = pa.CompressedInputStream(pa.OSFile(str(path)), "zstd")
        return cast("IO[bytes]", stack.enter_context(stream))
    return stack.enter_context(path.open("rb"))


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
    """Bytes of a stream, of which no more are read than may be there."""

    def __init__(self, stream: IO[bytes], most: int | None) -> None:
        super().__init__()
        self._stream, self._most, self._read = stream, most, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        part = self._stream.read(len(buffer))
        buffer[: len(part)] = part
        self._read += len(part)
        if self._most is not None and self._read > self._most:
            raise InputError(
                f"unpacks to more than {self._most:,} bytes, {MOST_TIMES} times its size; if that is right, "
                "unpack it and name the file"
            )
        return len(part)
