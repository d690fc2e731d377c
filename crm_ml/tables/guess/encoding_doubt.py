"""What to tell of a file whose bytes do not tell its encoding."""

import re
from collections.abc import Iterable

from crm_ml.tables.encodings import CODECS
from crm_ml.tables.guess.sample import Sample

_WORDS = re.compile(rb"[^\x00-\x3f|]+")


def unsure_word(lines: Iterable[bytes]) -> bytes:
    r"""Return the first word outside of ASCII, if possible one with ASCII letters; no delimiter is in it.

    Examples
    --------
    >>> unsure_word([b"1;5 \x80", b"2;Geb\xe4ck"])
    b'Geb\xe4ck'
    """
    words = [word for line in lines for word in _WORDS.findall(line) if not word.isascii()]
    return next((word for word in words if re.search(rb"[A-Za-z]", word)), words[0] if words else b"")


def doubt_of(sample: Sample) -> str:
    """Return which encodings a file may be in and how each reads one word; nothing without a doubt."""
    if not sample.open_encodings:
        return ""
    readings = ", ".join(
        f"{name} {sample.unsure_word.decode(CODECS[name], 'replace')!r}" for name in sample.open_encodings
    )
    return (
        f"{sample.path.name} is read as {sample.encoding}, but its bytes do not tell the encoding; it "
        f"may be, with a word as each reads it: {readings}. If another one is right, name it by --encoding"
    )


def error_with_doubt(error: Exception, samples: Iterable[Sample]) -> str:
    """Return the text of an error with the files of doubtful encoding behind it."""
    doubts = [
        f"{sample.path.name} was read as {sample.encoding}, but its bytes do not tell the encoding; it may "
        f"be {' or '.join(sample.open_encodings)}: if another one is right, name it by --encoding"
        for sample in samples
        if sample.open_encodings
    ]
    return "\n".join([str(error), *doubts])
