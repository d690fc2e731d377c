"""The encoding of text files, found from their bytes or refused with what it may be."""

import codecs
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from crm_ml.errors import InputError
from crm_ml.tables.encodings import CODECS, judge
from crm_ml.tables.packed_files import unpacked

_CHUNK = 1 << 22
_LONGEST_LINE = 1 << 16
_MOST_SAMPLED = 1 << 19  # bytes of lines outside of ASCII, of all files of a table
_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32",  # before that of UTF-16, with which it begins
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
    b"\x84\x31\x95\x33": "gb18030",
}
_MOST_DAMAGED = 0.1  # broken characters for each that is whole UTF-8


def encoding_by_mark(start: bytes) -> str:
    """Return the encoding that a byte order mark names, or nothing.

    Raises
    ------
    InputError
        If it is UTF-32.
    """
    named = next((name for mark, name in _MARKS.items() if start.startswith(mark)), "")
    if named == "utf-32":
        raise InputError("line 1 is UTF-32; convert the file to utf-8")
    return named


def found_encodings(files: Sequence[Path], member: str | None = None) -> dict[Path, str]:
    """Return the encoding of each file of a table.

    A byte order mark is conclusive, and so is a file that is UTF-8 as a whole. Others are judged together.

    Parameters
    ----------
    files : sequence of Path
    member : str, optional
        File in each zip archive.

    Raises
    ------
    InputError
        If it can't be known; names what it may be.
    """
    lines: set[bytes] = set()
    encodings, faults = {}, []
    for path in files:
        with unpacked(path, member) as file:
            encodings[path] = encoding_by_mark(file.peek(4)[:4])
            if not encodings[path]:
                fault = _first_fault(file, lines)
                encodings[path] = "" if fault else "utf-8"
                faults += [f"{fault} of {path.name}" if len(files) > 1 else fault] if fault else []
    if faults:
        encoding = _judged(lines, faults[0])
        encodings = {path: name or encoding for path, name in encodings.items()}
    return encodings


def _judged(lines: set[bytes], fault: str) -> str:
    whole = b"\n".join(sorted(lines))
    text = whole.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    if broken <= _MOST_DAMAGED * (sum(not sign.isascii() for sign in text) - broken):
        raise InputError(f"is utf-8 but for {fault}; correct the place or export the file again")
    verdict = judge(whole.split(b"\n"))
    if verdict.encoding:
        return verdict.encoding
    if not verdict.candidates:
        raise InputError(
            f"is not utf-8 at {fault}, nor {', '.join([*CODECS][2:])}; convert the file to utf-8"
        )
    raise InputError(
        f"is not utf-8 at {fault}, and its text does not tell what else: it may be "
        f"{' or '.join(verdict.candidates)}; declare the right one, such as encoding: {verdict.candidates[0]}"
    )


def _first_fault(file: IO[bytes], lines: set[bytes]) -> str:
    """Return the place of the first byte that is not UTF-8, or nothing; collect lines outside of ASCII."""
    decoder, fault, place, number = codecs.getincrementaldecoder("utf-8")(), "", 0, 1
    sampled = sum(map(len, lines))
    chunk = b"?"
    while chunk and (not fault or sampled < _MOST_SAMPLED):
        chunk = file.read(_CHUNK)
        chunk += file.readline(_LONGEST_LINE) if chunk else b""
        pending = len(decoder.getstate()[0])
        if not pending and chunk.isascii():
            place, number = place + len(chunk), number + chunk.count(b"\n")
            continue
        if not fault:
            try:
                decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                before = error.object[: error.start].count(b"\n")
                fault = f"byte {place - pending + error.start:,} (line {number + before:,})"
                decoder.reset()
        for line in chunk.splitlines():
            if sampled < _MOST_SAMPLED and not line.isascii() and line not in lines:
                lines.add(line)
                sampled += len(line)
        place, number = place + len(chunk), number + chunk.count(b"\n")
    return fault
