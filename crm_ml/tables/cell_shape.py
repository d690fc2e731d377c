"""Shape of a cell for messages: its form without its content, since cells may be personal."""

import re
import unicodedata
from collections.abc import Iterable

_MOST_SIGNS = 24
_HIDDEN = "\N{MIDDLE DOT}"
_SIGNS = {"Ll": "a", "Lu": "A", "Lt": "A", "Lo": "字", "Lm": "字", "Nl": "9", "No": "9"}


def shape_of(text: str) -> str:
    """Return a text in which letters are ``a`` or ``A``, digits ``9``, and all other signs as they are.

    Letters without case, such as Chinese ones, are one sign, full-width digits stay full-width ones, and
    what can't be seen is a dot. Longer texts than 24 signs are cut.

    Examples
    --------
    >>> shape_of("1,234.56"), shape_of("Jane@example.com"), shape_of("¥10.50 元")
    ('9,999.99', 'Aaaa@aaaaaaa.aaa', '¥99.99 字')
    """
    shape = "".join(map(_sign, text[:_MOST_SIGNS]))
    return shape + "…" if len(text) > _MOST_SIGNS else shape


def _sign(sign: str) -> str:
    kind = unicodedata.category(sign)
    if kind == "Nd":
        return "\N{FULLWIDTH DIGIT NINE}" if unicodedata.east_asian_width(sign) == "F" else "9"
    if kind[0] in "PS" or kind == "Zs":
        return sign
    return _SIGNS.get(kind, _HIDDEN)


def shown(names: Iterable[str]) -> str:
    """Return names of columns for a message; none where one looks like data, of a file without header.

    Examples
    --------
    >>> shown(["customer_id", "paid"]), shown(["Jane Doe", "jane@example.com", "+49 151 2345678"])
    ('customer_id, paid', '3 names (hidden: they look like data, not like a header)')
    """
    listed = list(names)
    if any(re.search(r"@|\d[\d ./-]{5,}", name) for name in listed):
        return f"{len(listed)} names (hidden: they look like data, not like a header)"
    return ", ".join(listed)
