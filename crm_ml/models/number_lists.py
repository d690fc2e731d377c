"""Whether a long text is numbers with one space between them, told from its bytes and without parsing any."""

import re
from typing import Final

import numpy as np

MOST_SIGNS = 24  # of a number with 17 digits
_SIGNS: Final = b" -.e+0"  # a digit is any of them
_DIGITS: Final = b"0123456789"
_OTHER: Final = len(_SIGNS)
_CLASS_OF: Final = {sign: place for place, sign in enumerate(_SIGNS)} | dict.fromkeys(_DIGITS, 5)
_CLASSES: Final = bytes(_CLASS_OF.get(sign, _OTHER) for sign in range(256))
_LARGE: Final = re.compile(rb"e\+\d{3}")
_LARGEST: Final = b"1.0000000000000001e+300 "  # what LightGBM writes for what is infinite


def _pairs(text: bytes) -> bytes:
    """Return the codes of the pairs of signs that follow each other in a text."""
    classes = np.frombuffer(text.translate(_CLASSES), dtype=np.uint8)
    return (classes[:-1] * np.uint8(_OTHER + 1) + classes[1:]).tobytes()


WHOLE: Final = _pairs(b" 00 -0 ")
REAL: Final = _pairs(b" 00.00 -00e+00e-0 0.0e+0")
_ORDER: Final = _pairs(b" .e . e  ")  # of points and exponents within numbers


def is_numbers(text: str, pairs: bytes) -> bool:
    """Return whether a text is finite numbers of at most 24 signs, apart by one space each.

    Parameters
    ----------
    text : str
        ASCII.
    pairs : bytes
        `WHOLE` or `REAL`.

    Examples
    --------
    >>> [is_numbers(text, WHOLE) for text in ("1 -20 3", "1  2", "1.5", "1-2", "")]
    [True, False, False, False, False]
    >>> [is_numbers(text, REAL) for text in ("1e-05 -.5", "1e-05 -0.5", "nan", "1.2.3", "1e999")]
    [False, True, False, False, False]
    """
    content = f" {text} ".encode("ascii")
    spaces = np.flatnonzero(np.frombuffer(content, dtype=np.uint8) == ord(" "))
    if _pairs(content).translate(None, pairs) or np.diff(spaces).max() > MOST_SIGNS + 1:
        return False
    if pairs is WHOLE:
        return True
    in_order = not _pairs(content.translate(None, _DIGITS + b"-+")).translate(None, _ORDER)
    large = (exponent.start() for exponent in _LARGE.finditer(content))
    return in_order and all(content[e - 18 : e + 6] == _LARGEST for e in large)
