"""How a secret may look where it is printed: quoted, escaped, encoded, and cut into pieces."""

import re
from base64 import b64encode
from html import escape
from json import dumps
from urllib.parse import quote, quote_plus, unquote, unquote_plus

_CUTS = re.compile(r"%[0-9A-Fa-f]{2}|[@/:#?&=;,+\s'\"\\<>\[\]{}()|]+")  # where parsers of URLs and DSNs cut
_STRONG, _SHORTEST = 6, 2
_HEX = re.compile(r"%[0-9A-F]{2}")


def forms_of(secret: str) -> tuple[set[str], set[str]]:
    """Return a secret in all its forms, and the pieces into which parsers may cut it.

    Pieces of one letter are left out, and two letters that might be a word.

    Examples
    --------
    >>> whole, pieces = forms_of("p%40ss/w0rd")
    >>> {"p%40ss/w0rd", "p@ss/w0rd", "p%40ss%2Fw0rd", "cEBzcy93MHJk"} <= whole
    True
    >>> sorted(pieces)
    ['p%40ss', 'p@ss', 'ss/w0rd', 'w0rd']
    """
    raw = {secret, unquote(secret), unquote_plus(secret)}
    whole = {form for text in raw for form in _encoded(text)}
    cut = {piece for text in raw for piece in [*_CUTS.split(text), *re.split(r"[/:?#\s]+", text)]}
    cut |= {part for text in raw if "@" in text for part in (text.rpartition("@")[2], text.partition("@")[0])}
    return whole, {piece for piece in cut if _counts(piece)} - whole


def is_weak(form: str) -> bool:
    """Return whether a text is short, a word or a number, so that it is hidden only where it stands alone."""
    return len(form) < _STRONG or form.isalpha() or form.isdecimal()


def _encoded(text: str) -> set[str]:
    """Return a text as URLs, JSON, Python, HTML and headers write it."""
    data = text.encode("utf-8", "surrogatepass")
    quoted = {quote(data, safe=""), quote(data), quote_plus(data), quote(data, safe=" +")}
    lower = {_HEX.sub(lambda code: code[0].lower(), form) for form in quoted}
    escaped = {repr(text)[1:-1], dumps(text)[1:-1], dumps(text, ensure_ascii=False)[1:-1], escape(text)}
    escaped |= {repr(form)[1:-1] for form in escaped}
    forms = {text, text.strip(), b64encode(data).decode(), *quoted, *lower, *escaped}
    return {form for form in forms if len(form) >= _SHORTEST}


def _counts(piece: str) -> bool:
    return len(piece) > _SHORTEST or (len(piece) == _SHORTEST and not piece.isalpha())
