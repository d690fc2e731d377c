"""Markup that can't be broken out of: whatever is not `Html` already is escaped."""

import html
import re
from collections.abc import Iterable, Sequence

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_VOID = {"meta", "rect", "line", "circle"}
LONGEST = 300


class Html(str):
    """A text that is markup and stands as it is."""

    __slots__ = ()


Child = str | int | float | Iterable["Child"] | None


def escaped(text: object) -> Html:
    """Return any value as text without a meaning in HTML, in elements and in quoted attributes.

    Control characters and halves of surrogate pairs, which no document may have, become U+FFFD.

    Examples
    --------
    >>> escaped('<b> & "c"')
    '&lt;b&gt; &amp; &quot;c&quot;'
    """
    return text if isinstance(text, Html) else Html(html.escape(_CONTROL.sub("\ufffd", str(text))))


def tag(name: str, /, *children: Child, **attributes: str | float | None) -> Html:
    """Return an element; children that are no `Html` are escaped, attributes always.

    Parameters
    ----------
    name : str
    *children : str, int, iterable of them, or None
        None is left out.
    **attributes
        Underscores become hyphens and one at the end is dropped, so that ``class_`` and ``aria_label`` can be
        given; None is left out.

    Examples
    --------
    >>> tag("p", "a < b ", tag("b", "c"), class_="note")
    '<p class="note">a &lt; b <b>c</b></p>'
    """
    given = {key.rstrip("_").replace("_", "-"): value for key, value in attributes.items()}
    texts = "".join(f' {key}="{escaped(str(value))}"' for key, value in given.items() if value is not None)
    if name in _VOID:
        return Html(f"<{name}{texts}>" if name == "meta" else f"<{name}{texts}>{joined(*children)}</{name}>")
    return Html(f"<{name}{texts}>{joined(*children)}</{name}>")


def joined(*children: Child) -> Html:
    """Return children one after the other, escaped where they are no markup."""
    parts: list[str] = []
    for child in children:
        if isinstance(child, (str, int, float)):
            parts.append(escaped(child))
        elif child is not None:
            parts.extend(joined(one) for one in child)
    return Html("".join(parts))


def section(name: str, title: str, *children: Child) -> Html:
    """Return a section with a heading that the contents can point to."""
    heading = tag("h2", title, id=f"{name}-title")
    return tag("section", heading, *children, id=name, aria_labelledby=f"{name}-title")


def table(caption: str, head: Sequence[str], rows: Iterable[Sequence[Child]], texts: int = 1) -> Html:
    """Return a table that scrolls sideways on its own where the screen is narrow.

    Parameters
    ----------
    caption : str
    head : sequence of str
    rows : iterable of sequences
        One cell for each of `head`.
    texts : int
        The first so many columns are texts; the others are numbers and stand to the right.
    """
    titles = [tag("th", one, scope="col", class_=_side(i, texts)) for i, one in enumerate(head)]
    body = [
        tag("tr", tag("th", row[0], scope="row"), *[_cell(i, one, texts) for i, one in enumerate(row) if i])
        for row in rows
    ]
    content = (tag("caption", caption), tag("thead", tag("tr", *titles)), tag("tbody", *body))
    return tag(
        "div", tag("table", *content), class_="scroll", role="region", aria_label=caption, tabindex="0"
    )


def shortened(text: str, longest: int = LONGEST) -> str:
    """Cut the middle out of a text that is too long; its start and its end stay.

    Examples
    --------
    >>> shortened("win_back_coupon_for_good_customers/push", 24)
    'win_back_coupon…ers/push'
    """
    if len(text) <= longest:
        return text
    start = (longest - 1) * 2 // 3
    return f"{text[:start]}…{text[len(text) - (longest - 1 - start) :]}"


def _cell(number: int, child: Child, texts: int) -> Html:
    return tag("td", child, class_=_side(number, texts))


def _side(number: int, texts: int) -> str | None:
    return "number" if number >= texts else None
