"""Encodings of text files: those that can be declared, and which one the bytes of a file are in.

Texts of Chinese, Japanese and Korean are told apart by the characters that an encoding gives them: each has a
part for the characters in daily use (level 1 of GB 2312, of Big5 and of JIS X 0208, the syllables of
KS X 1001), and what is read by the wrong one falls outside of its part. Single-byte code pages give any bytes
a meaning; they are known only where those of western and central Europe and of Turkey mean the same.
"""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Literal

Encoding = Literal[
    "utf-8", "utf-16", "latin-1", "cp1252", "gb18030", "gbk", "big5", "shift_jis", "euc-jp", "euc-kr"
]
#: Names that a mapping declares, and the codec of each: the widest one that is in use under the name.
CODECS = {
    "utf-8": "utf-8",
    "utf-16": "utf-16",
    "latin-1": "latin-1",
    "cp1252": "cp1252",
    "gb18030": "gb18030",
    "gbk": "gb18030",
    "big5": "cp950",
    "shift_jis": "cp932",
    "euc-jp": "euc_jp",
    "euc-kr": "cp949",
}
_UPPER, _SMALL = range(0xA1, 0xFF), (*range(0x40, 0x7F), *range(0x80, 0xFD))
# shares of characters in daily use with their first bytes, and second bytes; kana apart from kanji
_USUAL = {
    "gb18030": ({(0xA1, 0xA3, *range(0xB0, 0xD8)): 0.97}, _UPPER),
    "big5": ({(*range(0xA1, 0xC7),): 0.97}, (*range(0x40, 0x7F), *_UPPER)),
    "shift_jis": ({(0x82, 0x83): 0.3, (0x81, *range(0x88, 0x99)): 0.67}, _SMALL),
    "euc-jp": ({(0xA4, 0xA5): 0.3, (0xA1, 0xA3, *range(0xB0, 0xD0)): 0.67}, _UPPER),
    "euc-kr": ({(0xA1, 0xA3, *range(0xB0, 0xC9)): 0.97}, _UPPER),
}
_OTHER = math.log(0.03 / 20_000)  # of any other character
_LEAST_SHARE, _LEAST_SIGNS, _LEAST_RUN, _LEAST_MARGIN = 0.9, 20, 1.5, math.log(1e6)
_RUN = re.compile(r"[^\x00-\x7f]+")
_LONGEST_RUN, _LEAST_WORDS = 2, 3


@dataclass(frozen=True)
class Verdict:
    """What the bytes of a text say of its encoding.

    Parameters
    ----------
    encoding : str
        The one they are in; empty if that can't be known.
    candidates : tuple of str
        Encodings that the bytes can be read in, the likeliest first.
    """

    encoding: str
    candidates: tuple[str, ...]


@dataclass(frozen=True)
class _Fit:
    """How well words are read in an encoding of several bytes a character."""

    likelihood: float
    likely: bool


def judge(lines: Iterable[bytes]) -> Verdict:
    """Return which encoding lines that are no UTF-8 are in.

    Parameters
    ----------
    lines : iterable of bytes
        Lines with bytes outside of ASCII, best without repetitions.
    """
    whole = b"\n".join(lines)
    # what is often written counts once; no second byte of a character is below 0x40
    words = {word for word in re.split(rb"[\x00-\x3f]+", whole) if not word.isascii()}
    fits = {name: fit for name in _USUAL if (fit := _fit(name, whole, words)) is not None}
    ranked = sorted(fits, key=lambda name: -fits[name].likelihood)
    is_likely = any(fit.likely for fit in fits.values())
    if _is_western(whole, words):
        return Verdict("" if is_likely else "cp1252", ("cp1252", *ranked))
    if not is_likely and _seems_western(whole, words):
        return Verdict("", ("cp1252", *ranked))
    candidates = (*ranked, *(["cp1252"] if _is_readable(whole, "cp1252") else []))
    if not ranked or not fits[ranked[0]].likely:
        return Verdict("", candidates)
    second = fits[ranked[1]].likelihood if len(ranked) > 1 else -math.inf
    return Verdict(ranked[0] if fits[ranked[0]].likelihood - second >= _LEAST_MARGIN else "", candidates)


def _fit(name: str, whole: bytes, words: Iterable[bytes]) -> _Fit | None:
    """Return how well words are read in an encoding; None if the bytes are not in it."""
    if not _is_readable(whole, CODECS[name]):
        return None
    usual = _usual_characters(name)
    runs = [run for word in words for run in _RUN.findall(word.decode(CODECS[name], "ignore"))]
    signs = "".join(runs)
    daily = [sign for sign in signs if sign in usual]
    likelihood = sum(usual.get(sign, _OTHER) for sign in signs)
    likely = (
        len(daily) >= _LEAST_SHARE * len(signs)
        and len(set(daily)) >= _LEAST_SIGNS
        and len(signs) >= _LEAST_RUN * len(runs)  # a letter with an accent between others is no word
    )
    return _Fit(likelihood, likely)


@cache
def _usual_characters(name: str) -> dict[str, float]:
    """Return the logarithm of the probability of each character in daily use."""
    parts, seconds = _USUAL[name]
    usual: dict[str, float] = {}
    for firsts, share in parts.items():
        pairs = (bytes((first, second)) for first in firsts for second in seconds)
        signs = set("".join(pair.decode(CODECS[name], "ignore") for pair in pairs))
        usual |= dict.fromkeys(signs, math.log(share / len(signs)))
    return usual


def _is_western(whole: bytes, words: Iterable[bytes]) -> bool:
    """Return whether all bytes mean the same in the code pages of Windows from west to east, within words."""
    runs = [run for run in _western_runs(whole, words) if any(sign.isalpha() for sign in run[0])]
    within = sum(map(_is_within, runs))
    if len(runs) < _LEAST_WORDS:  # one letter alone may be another one in a code page of DOS
        return False
    return len({sign for run in runs for sign in run[0]}) > 1 and within >= _LEAST_SHARE * len(runs)


def _seems_western(whole: bytes, words: Iterable[bytes]) -> bool:
    """Return whether a few words read well: letters within words, and signs such as the euro."""
    runs = _western_runs(whole, words)
    return bool(runs) and all(
        _is_within(run) if any(sign.isalpha() for sign in run[0]) else len(run[0]) == 1 for run in runs
    )


def _western_runs(whole: bytes, words: Iterable[bytes]) -> list["re.Match[str]"]:
    """Return what is outside of ASCII, if all its bytes mean the same in the code pages of Windows."""
    if not {byte for byte in whole if byte > 0x7F} <= _same_everywhere():
        return []
    return [*_RUN.finditer("\n".join(word.decode("cp1252") for word in words))]


def _is_within(run: "re.Match[str]") -> bool:
    return len(run[0]) <= _LONGEST_RUN and _touches_a_letter(run.string, run)


def _touches_a_letter(text: str, run: "re.Match[str]") -> bool:
    return any(
        sign.isalpha() for sign in (text[run.start() - 1 : run.start()], text[run.end() : run.end() + 1])
    )


@cache
def _same_everywhere() -> frozenset[int]:
    pages = ("cp1252", "cp1250", "cp1254")
    unsure = {0x8A, 0x9A, 0xA4}  # a and o with dots of Mac Roman, the sign of the euro in ISO 8859-15
    known = set()
    for byte in {*range(0x80, 0x100)} - unsure:
        signs = {bytes((byte,)).decode(page, "replace") for page in pages}
        known |= {byte} if len(signs) == 1 and "\ufffd" not in signs else set()
    return frozenset(known)


def _is_readable(whole: bytes, codec: str) -> bool:
    try:
        whole.decode(codec)
    except UnicodeDecodeError:
        return False
    return True
