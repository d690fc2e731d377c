"""Charts as inline SVG: every bar is labelled in place and follows the width of the page.

Lengths are in per cent of the width, heights in pixels, and labels are text beside the drawing, so that text
never shrinks and wraps where the screen is narrow. Colours are classes of the style sheet, since they depend
on the scheme.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from crm_ml.pages.html import Html, shortened, tag
from crm_ml.pages.number_format import share

LONGEST = 60.0
_BAR, _LABEL, _SPOKEN = 16, 80, 40
_HOURS, _PLOT, _TOP = 24, 120, 24
_SQUARE, _EDGE = 300, 0.02
Tone = Literal["bar", "strong", "limit"]


@dataclass(frozen=True)
class Bar:
    """One bar: what it is of, how long it is (not negative), what is written at its end, and its colour."""

    label: str
    amount: float
    shown: str
    tone: Tone = "bar"


@dataclass(frozen=True)
class Interval:
    """A point with its interval, beside a mark of what was promised; None where it is not known."""

    label: str
    point: float
    low: float | None
    high: float | None
    mark: float | None
    shown: str


def bars(title: str, rows: Sequence[Bar]) -> Html:
    """Return horizontal bars, the longest 60 % of the width; a label above each, its number at its end."""
    longest = max((row.amount for row in rows), default=0) or 1
    return _figure("bars", title, tag("ul", *[_bar(row, max(row.amount, 0) / longest) for row in rows]))


def hours(title: str, counts: Sequence[int], peak: str) -> Html:
    """Return upright bars of the 24 hours; the highest says its number in words."""
    most, width = max(counts) or 1, 100 / _HOURS
    drawn = []
    for hour, number in enumerate(counts):
        height = _PLOT * number / most
        place = {"x": f"{(hour + 0.12) * width:.3f}%", "width": f"{0.76 * width:.3f}%"}
        upright = {"y": f"{_PLOT + _TOP - height:.2f}", "height": f"{height:.2f}"}
        told = tag("title", f"{hour:02d}:00 to {hour:02d}:59: {number:,}")
        drawn.append(tag("rect", told, class_="strong" if number == most else "bar", **place, **upright))
        if hour % 3 == 0:
            middle = f"{(hour + 0.5) * width:.3f}%"
            drawn.append(_text(middle, _PLOT + _TOP + 18, f"{hour:02d}", "middle"))
    drawn.append(_line("base", ("0", "100%"), (_PLOT + _TOP, _PLOT + _TOP)))
    drawn.append(_text("0", 14, peak))
    spoken = [f"{hour:02d}:00 {number:,}" for hour, number in enumerate(counts) if number]
    return _figure("hours", title, _drawing(_spoken(title, spoken), _PLOT + _TOP + 26, drawn))


def intervals(title: str, rows: Sequence[Interval]) -> Html:
    """Return points with their intervals on one axis with a line at zero, each beside what was promised."""
    given = (x for row in rows for x in (row.point, row.low, row.high, row.mark) if x is not None)
    known = [0.0, *given]
    low, span = min(known), (max(known) - min(known)) or 1.0

    def place(x: float) -> str:
        return f"{100 * (_EDGE + (1 - 2 * _EDGE) * (x - low) / span):.3f}%"

    return _figure("intervals", title, tag("ul", *[_interval(row, place) for row in rows]))


def reliability(
    title: str,
    bins: Sequence[tuple[float, float, float | None, float | None]],
    said: Callable[[float], str],
) -> Html:
    """Return what was realised against what was promised; on the dashed line both are the same.

    Parameters
    ----------
    title : str
    bins : sequence of (promised, realised, low, high)
    said : callable
        A number to its text.
    """
    known = [0.0, *(x for one in bins for x in one if x is not None)]
    low, high = min(known), max(known)

    def place(x: float) -> float:
        return _EDGE + (1 - 2 * _EDGE) * (x - low) / ((high - low) or 1.0)

    drawn = [_line("ideal", ("0", "100%"), (_SQUARE, 0))]
    for promised, realised, below, above in bins:
        x = f"{100 * place(promised):.3f}%"
        if below is not None and above is not None:
            drawn.append(_line("range", (x, x), (_down(place(below)), _down(place(above)))))
        drawn.append(tag("circle", class_="point", cx=x, cy=_down(place(realised)), r=5))
    drawn.append(_text("0", 14, f"↑ realised, up to {said(high)}"))
    drawn.append(_text("100%", _SQUARE + 18, f"promised, up to {said(high)} →", "end"))
    spoken = [f"promised {said(one[0])} realised {said(one[1])}" for one in bins]
    return _figure("reliability", title, _drawing(_spoken(title, spoken), _SQUARE + 24, drawn))


def _bar(row: Bar, part: float) -> Html:
    rect = tag("rect", tag("title", f"{row.label}: {row.shown}"), class_=row.tone, width="100%", height=_BAR)
    told = f"{row.label}: {row.shown}, {share(part)} of the longest bar"
    drawn = _drawing(told, _BAR, [rect], f"{LONGEST * part:.3f}%")
    return tag("li", shortened(row.label, _LABEL), tag("div", drawn, tag("b", row.shown)))


def _interval(row: Interval, place: Callable[[float], str]) -> Html:
    zero, point = place(0), place(row.point)
    drawn = [_line("base", (zero, zero), (0, 26))]
    if row.low is not None and row.high is not None:
        drawn.append(_line("range", (place(row.low), place(row.high)), (13, 13)))
    if row.mark is not None:
        drawn.append(_line("mark", (place(row.mark), place(row.mark)), (3, 23)))
    drawn.append(tag("circle", class_="point", cx=point, cy=13, r=5))
    told = shortened(row.label, _LABEL)
    return tag("li", told, " ", tag("b", row.shown), _drawing(f"{told}: {row.shown}", 26, drawn))


def _down(part: float) -> float:
    return round(_SQUARE * (1 - part), 2)


def _line(kind: str, x: tuple[str, str], y: tuple[float, float]) -> Html:
    return tag("line", class_=kind, x1=x[0], x2=x[1], y1=f"{y[0]:g}", y2=f"{y[1]:g}")


def _text(x: str, y: int, text: str, anchor: str | None = None) -> Html:
    return tag("text", text, x=x, y=y, text_anchor=anchor)


def _spoken(title: str, parts: Sequence[str]) -> str:
    more = f"; and {len(parts) - _SPOKEN} more" if len(parts) > _SPOKEN else ""
    return f"{title}: {'; '.join(parts[:_SPOKEN])}{more}"


def _drawing(told: str, height: int, drawn: Sequence[Html], width: str = "100%") -> Html:
    return tag("svg", *drawn, width=width, height=height, role="img", aria_label=told)


def _figure(kind: str, title: str, content: Html) -> Html:
    return tag("figure", tag("figcaption", title), content, class_=kind)
