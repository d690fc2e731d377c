"""How the times of a column are written: format, unit of an epoch, zone, and which number is the day."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Final

from crm_ml.tables.number_form import plain_text

_ISO: Final = re.compile(
    r"\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2}(\.\d+)?)?( ?(?P<zone>Z|UTC|GMT|[+-]\d{2}(:?\d{2})?))?)?"
)
_NUMERIC: Final = re.compile(
    r"(?P<a>\d{1,4})(?P<sep>[./-])(?P<b>\d{1,2})(?P=sep)(?P<c>\d{1,4})"
    r"(?:(?P<gap>,? |T)(?P<clock>\d{1,2}:\d{2})(?P<seconds>:\d{2})?(?P<part>\.\d+)?(?P<half> ?[AaPp][Mm])?"
    r"(?P<zone> ?(?:Z|[+-]\d{2}:?\d{2}))?)?"
)
_OTHERS: Final = {
    "%Y%m%d": r"(19|20)\d{6}",
    "%Y%m%d%H%M%S": r"(19|20)\d{12}",
    "%Y年%m月%d日 %H:%M:%S": r"\d{4}年\d{1,2}月\d{1,2}日 \d{1,2}:\d{2}:\d{2}",
    "%Y年%m月%d日 %H:%M": r"\d{4}年\d{1,2}月\d{1,2}日 \d{1,2}:\d{2}",
    "%Y年%m月%d日": r"\d{4}年\d{1,2}月\d{1,2}日",
    "%d %b %Y": r"\d{1,2} [A-Z][a-z]{2} \d{4}",
    "%d-%b-%Y": r"\d{1,2}-[A-Z][a-z]{2}-\d{4}",
    "%b %d, %Y": r"[A-Z][a-z]{2} \d{1,2}, \d{4}",
    "%d %b %Y %H:%M": r"\d{1,2} [A-Z][a-z]{2} \d{4} \d{1,2}:\d{2}",
}
_EPOCHS: Final = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
_FIRST_S, _LAST_S = 788_918_400, 2_524_608_000  # 1995 to 2050: narrower than what may be read
_MOSTLY: Final = 0.98
_MONTHS: Final = 12


@dataclass(frozen=True)
class TimeForm:
    """Form of the times of a column.

    Parameters
    ----------
    format : str, optional
        None where times are in ISO 8601, stored as times, or an epoch.
    epoch : str, optional
        Unit of a count since 1970.
    aware : bool
        Whether each time has its own zone.
    or_format : str, optional
        The other reading where the data leave open which number is the day.
    why : str
        What decided between day and month; empty where nothing had to be decided.
    """

    format: str | None = None
    epoch: str | None = None
    aware: bool = False
    or_format: str | None = None
    why: str = ""


def time_form(cells: Sequence[str], in_order: Sequence[str]) -> TimeForm | None:
    """Return the form of times, or None if the cells are none.

    Parameters
    ----------
    cells : sequence of str
        Different filled cells.
    in_order : sequence of str
        Filled cells as the file has them: sorted files tell day and month apart.
    """
    texts = [plain_text(cell) for cell in cells]
    if not texts:
        return None
    enough = _MOSTLY * len(texts)
    iso = [match for text in texts if (match := _ISO.fullmatch(text))]
    if len(iso) >= enough:
        zones = sum(1 for match in iso if match["zone"])
        return TimeForm(aware=zones > len(iso) / 2)
    numeric = [match for text in texts if (match := _NUMERIC.fullmatch(text))]
    if len(numeric) >= enough:
        return _numeric(numeric, [plain_text(cell) for cell in in_order])
    for form, pattern in _OTHERS.items():
        if sum(1 for text in texts if re.fullmatch(pattern, text)) >= enough and _readable(texts, form):
            return TimeForm(form)
    return _epoch(texts)


def _numeric(matches: list["re.Match[str]"], in_order: list[str]) -> TimeForm | None:
    year_first = sum(1 for match in matches if len(match["a"]) == 4) > len(matches) / 2
    example = _most_usual([match for match in matches if (len(match["a"]) == 4) == year_first])
    if year_first:
        return TimeForm(_format(example, "%Y", "%m", "%d"), aware=bool(example["zone"]))
    year = "%Y" if len(example["c"]) == 4 else "%y"
    day_first, month_first = (_format(example, *order, year) for order in (("%d", "%m"), ("%m", "%d")))
    first, second = (max(int(match[name]) for match in matches) for name in "ab")
    if first > _MONTHS and second > _MONTHS:
        return None
    if first > _MONTHS or second > _MONTHS:
        why = f"the {'first' if first > _MONTHS else 'second'} number goes up to {max(first, second)}"
        return TimeForm(day_first if first > _MONTHS else month_first, aware=bool(example["zone"]), why=why)
    return _by_order(day_first, month_first, in_order, example)


def _most_usual(matches: list["re.Match[str]"]) -> "re.Match[str]":
    """Return a match of the form that most have: with seconds or without, with a zone or without."""
    parts = ("clock", "seconds", "part", "half", "zone")
    forms = [tuple(match[part] is not None for part in parts) for match in matches]
    usual = Counter(forms).most_common(1)[0][0]
    return next(match for match, form in zip(matches, forms, strict=True) if form == usual)


def _by_order(day_first: str, month_first: str, in_order: list[str], example: "re.Match[str]") -> TimeForm:
    """Decide by the order of a sorted file; a point in dates says day first; else it stays open."""
    orders = [_is_sorted(in_order, form) for form in (day_first, month_first)]
    aware = bool(example["zone"])
    if orders[0] != orders[1]:
        form = day_first if orders[0] else month_first
        return TimeForm(form, aware=aware, why="the file is sorted by time, read so")
    if example["sep"] == ".":
        return TimeForm(day_first, aware=aware, why="dates with points begin with the day")
    default, other = (month_first, day_first) if example["half"] else (day_first, month_first)
    return TimeForm(default, aware=aware, or_format=other, why="no number is above 12")


def _format(example: "re.Match[str]", *order: str) -> str:
    form = example["sep"].join(order)
    if example["clock"] is None:
        return form
    clock = ("%I" if example["half"] else "%H") + ":%M" + (":%S" if example["seconds"] else "")
    half = "" if not example["half"] else " %p" if example["half"].startswith(" ") else "%p"
    zone = "" if not example["zone"] else " %z" if example["zone"].startswith(" ") else "%z"
    return form + example["gap"] + clock + (".%f" if example["part"] else "") + half + zone


def _is_sorted(texts: list[str], form: str) -> bool:
    """Return whether times that differ go up, or all go down, in nearly all neighbouring rows."""
    times = [moment for text in texts if (moment := _read(text, form)) is not None]
    steps = [(a < b) - (a > b) for a, b in pairwise(times) if a != b]
    return len(steps) > 1 and abs(sum(steps)) >= 0.9 * len(steps)


def _read(text: str, form: str) -> datetime | None:
    try:
        return datetime.strptime(text, form).replace(tzinfo=UTC)
    except ValueError:
        return None


def _readable(texts: list[str], form: str) -> bool:
    return sum(1 for text in texts if _read(text, form)) >= _MOSTLY * len(texts)


def _epoch(texts: list[str]) -> TimeForm | None:
    """Return the unit by which whole numbers all lie between 1995 and 2050."""
    numbers = [int(text) for text in texts if text.isascii() and text.isdigit()]
    if len(numbers) < _MOSTLY * len(texts) or len(numbers) < 2:
        return None
    numbers.sort()
    middle = numbers[len(numbers) // 100 : len(numbers) - len(numbers) // 100]
    for unit, per_second in _EPOCHS.items():
        if _FIRST_S * per_second <= middle[0] and middle[-1] < _LAST_S * per_second:
            return TimeForm(epoch=unit, aware=True, why=f"all lie between 1995 and 2050 in {unit}")
    return None
