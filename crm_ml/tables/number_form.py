"""How the numbers of a column are written: signs of thousands, decimals and currencies."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Final

from crm_ml.tables.currencies import signs_of

_SIGN: Final = r"[A-Za-z]{0,3}[$€£¥₩₹₽₺₴₫฿₱₦₪]|[A-Z]{3}|元|円|원|kr\.?|zł|Kč|Ft|S?Fr\.?|Rs\.?|TL"
_MONEY: Final = re.compile(
    rf"(?P<less>[(+-]?)\s*(?P<before>{_SIGN})?\s*(?P<minus>[+-]?)\s*"
    rf"(?P<number>[0-9][0-9.,'\u2019 \u00a0\u202f]*|[.,][0-9]+)\s*(?P<after>{_SIGN})?\s*(?P<behind>[-)]?)"
)
#: Currencies that a sign may stand for, the likeliest first.
_CODES: Final = (
    "USD", "EUR", "GBP", "CNY", "JPY", "KRW", "INR", "CAD", "AUD", "CHF", "SEK", "NOK", "DKK", "PLN", "CZK",
    "HUF", "RUB", "TRY", "UAH", "BRL", "MXN", "NZD", "SGD", "HKD", "TWD", "THB", "IDR", "MYR", "PHP", "VND",
    "ZAR", "AED", "SAR", "ILS", "RON", "BGN", "NGN", "ARS", "CLP", "COP", "PEN", "KWD",
)  # fmt: skip
_PLAIN: Final = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
_WRAPPED: Final = re.compile(r'="(.*)"')
_SPACES: Final = str.maketrans("\u00a0\u202f\u2019", "  '")
_WIDE: Final = {wide: wide - 0xFEE0 for wide in range(0xFF01, 0xFF5F)} | {0xFFE5: "¥", 0xFFE1: "£"}
_MOSTLY: Final = 0.98


@dataclass(frozen=True)
class NumberForm:
    """Form of the numbers of a column.

    Parameters
    ----------
    thousands, decimal : str or None
        Signs; no `decimal` where all numbers are whole.
    open_signs : bool
        Whether the data leave open which of both a sign is: all are such as ``1.234``.
    currency : str
        Code of the currency sign that stands in the cells, or empty.
    decimals : int
        That the middle one of the numbers has.
    """

    thousands: str | None = None
    decimal: str | None = None
    open_signs: bool = False
    currency: str = ""
    decimals: int = 0


def plain_text(cell: str) -> str:
    """Return a cell without what spreadsheets put around it, and with full-width signs as usual ones.

    Examples
    --------
    >>> plain_text('="007"'), plain_text("\N{FULLWIDTH YEN SIGN}10.50")
    ('007', '¥10.50')
    """
    text = cell.translate(_WIDE).strip()
    wrapped = _WRAPPED.fullmatch(text)
    return wrapped[1] if wrapped else text.removeprefix("'")


def number_form(cells: Iterable[str]) -> NumberForm | None:
    """Return the form of numbers, or None if the cells are none.

    Parameters
    ----------
    cells : iterable of str
        Different filled cells.
    """
    texts = [plain_text(cell) for cell in cells]
    matches = [match for text in texts if (match := _match(text))]
    scientific = sum(1 for text in texts if _PLAIN.fullmatch(text) and not _MONEY.fullmatch(text))
    if not texts or len(matches) + scientific < _MOSTLY * len(texts):
        return None
    numbers = [match["number"].translate(_SPACES).strip() for match in matches]
    thousands, decimal, is_open = _signs(numbers)
    decimals = sorted(len(number.partition(decimal or " ")[2]) for number in numbers) or [0]
    signs = [sign for match in matches if (sign := match["before"] or match["after"])]
    usual = max(sorted(set(signs)), key=signs.count, default="")
    return NumberForm(thousands, decimal, is_open, currency_of_sign(usual), decimals[len(decimals) // 2])


@cache
def currency_of_sign(sign: str) -> str:
    """Return the likeliest currency of a sign or code, or an empty text.

    Examples
    --------
    >>> currency_of_sign("$"), currency_of_sign("€"), currency_of_sign("SKU")
    ('USD', 'EUR', '')
    """
    return next((code for code in _CODES if sign and sign in signs_of(code)), "")


def _match(text: str) -> "re.Match[str] | None":
    """Return the parts of an amount; letters beside it are those of a currency."""
    match = _MONEY.fullmatch(text)
    signs = (match["before"], match["after"]) if match else ()
    return match if all(currency_of_sign(sign) for sign in signs if sign) else None


def numbers_of(cells: Iterable[str | None], form: NumberForm) -> "list[float | None]":
    """Return the numbers that the cells stand for in that form, None for what is none."""
    of_text: dict[str | None, float | None] = {None: None}
    numbers = []
    for cell in cells:
        if cell not in of_text:
            of_text[cell] = _number(cell or "", form)
        numbers.append(of_text[cell])
    return numbers


def _number(cell: str, form: NumberForm) -> float | None:
    text = plain_text(cell)
    match = _match(text)
    number = match["number"].translate(_SPACES).strip() if match else text
    if form.thousands:
        number = number.replace(form.thousands, "")
    number = number.replace(form.decimal or ".", ".")
    is_less = match is not None and ("-" in match["less"] + match["minus"] or bool(match["behind"]))
    try:
        return -float(number) if is_less else float(number)
    except ValueError:
        return None


def _signs(numbers: list[str]) -> tuple[str | None, str | None, bool]:
    """Return the signs of thousands and decimals, and whether the numbers leave them open."""
    marks = {number: re.sub(r"[0-9+-]", "", number) for number in numbers}
    mixed = [mark for mark in marks.values() if len(set(mark)) > 1]
    if mixed:
        return mixed[0][0], mixed[0][-1], False
    used = {mark[0] for mark in marks.values() if mark}
    if not used:
        return None, None, False
    if len(used) > 1:  # 1,234 in some and 12.50 in others
        repeated = {mark[0] for mark in marks.values() if len(mark) > 1}
        grouping = next((sign for sign in sorted(repeated | (used & {" ", "'"}))), None)
        grouping = grouping or next((s for s in sorted(used) if _only_groups(numbers, s)), ",")
        return grouping, next(iter(sorted(used - {grouping}))), False
    return _one_sign(numbers, marks, used.pop())


def _one_sign(numbers: list[str], marks: dict[str, str], sign: str) -> tuple[str | None, str | None, bool]:
    if any(len(mark) > 1 for mark in marks.values()) or sign in " '":
        return sign, None, False
    if not _only_groups(numbers, sign):
        return None, sign, False
    large = any(len(number.strip("+-")) > 3 for number in numbers if sign not in number)
    small = any(sign not in number for number in numbers)
    if small and not large:  # 944 and 1,751: all of a thousand and more have the sign
        return sign, None, sign == "."
    return (None, sign, True) if sign == "." else (sign, None, True)


def _only_groups(numbers: list[str], sign: str) -> bool:
    """Return whether three digits follow the sign wherever it stands, and one to three precede it."""
    form = re.compile(rf"[+-]?[1-9][0-9]{{0,2}}({re.escape(sign)}[0-9]{{3}})+")
    return all(form.fullmatch(number) for number in numbers if sign in number)
