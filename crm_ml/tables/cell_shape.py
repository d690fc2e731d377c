"""Shape of a cell for messages: its form without its content, since cells may be personal."""

import re
import unicodedata
from collections.abc import Iterable

_MOST_SIGNS = 24
_DATA = re.compile(r"@|\d[\d ./-]{5,}")
_LABEL = re.compile(r"[^\W\d][\w .:/+-]{0,39}|\d{1,3}")
_MOST_LABELS = 20
_PLAIN_TYPE = re.compile(r"[\w ]+(\([\d, ]+\)|\[[\w, =/+:]*\])*")
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
    ('customer_id, paid', '3 names (hidden: the header looks like data)')
    """
    listed = list(names)
    return _hidden(listed) if any(map(looks_like_data, listed)) else ", ".join(listed)


def shown_of_file(names: Iterable[str], header: Iterable[str], declared: Iterable[str] = ()) -> str:
    """Return names of the header of a file for a message, as `shown`; none where the header may be no header.

    It is one where a name is declared by the mapping, or has a word that names of columns have.

    Parameters
    ----------
    names : iterable of str
        What to show.
    header : iterable of str
        All names of the file.
    declared : iterable of str
        Names that the mapping declares.

    Examples
    --------
    >>> shown_of_file(["Jane"], ["Jane", "Doe", "Berlin"]), shown_of_file(["foo"], ["foo", "order_date"])
    ('a name (hidden: the header looks like data)', 'foo')
    """
    from crm_ml.tables.role_words import is_usual

    listed, present, known = list(names), list(header), set(declared)
    places = [str(place) for place, _ in enumerate(present, start=1)]
    is_header = present == places or any(name in known or is_usual(name) for name in present)
    hidden = not is_header or any(looks_like_data(name) for name in present if name not in known)
    return _hidden(listed) if hidden and not known.issuperset(listed) else ", ".join(listed)


def looks_like_data(name: str) -> bool:
    """Return whether a name of a column looks like an e-mail, a phone, a date or a long number."""
    return _DATA.search(name) is not None


def shown_labels(values: Iterable[object]) -> str:
    """Return the values of a column of categories for a message, such as arms or kinds of events.

    They are shown where they are a small set of labels: 20 at most, of which none looks like data. Of others
    there are their number and three shapes.

    Examples
    --------
    >>> shown_labels(["coupon", "control"]), shown_labels(["jane@example.com", "coupon"]), shown_labels([])
    ('control, coupon', '2 values such as aaaa@aaaaaaa.aaa, aaaaaa (hidden: they look like data)', 'none')
    """
    texts = sorted({str(value) for value in values})
    if len(texts) <= _MOST_LABELS and all(map(_is_label, texts)):
        return ", ".join(texts) or "none"
    shapes = dict.fromkeys(map(shape_of, reversed(texts)))
    return f"{len(texts):,} values such as {', '.join([*shapes][:3])} (hidden: they look like data)"


def label(value: object) -> str:
    """Return a value of a category as it is, or its shape where it looks like data.

    Examples
    --------
    >>> label("coupon"), label("jane@example.com")
    ('coupon', 'aaaa@aaaaaaa.aaa')
    """
    return str(value) if _is_label(str(value)) else shape_of(str(value))


def type_name(kind: object) -> str:
    """Return the name of a type without what it lists, such as names of fields and values of an enumeration.

    Examples
    --------
    >>> type_name("ENUM('jane', 'joe')"), type_name("struct<jane: int64>"), type_name("DECIMAL(18,2)")
    ('ENUM', 'struct', 'DECIMAL(18,2)')
    """
    return str(kind) if _PLAIN_TYPE.fullmatch(str(kind)) else re.split(r"[(<{]", str(kind))[0].strip()


def _hidden(names: list[str]) -> str:
    count = "a name" if len(set(names)) == 1 else f"{len(names)} names"
    return f"{count} (hidden: the header looks like data)"


def _is_label(text: str) -> bool:
    return _LABEL.fullmatch(text) is not None and not looks_like_data(text)
