"""Numbers, money, shares and names as people read them."""

from dataclasses import dataclass
from decimal import Decimal

from crm_ml.tables.currencies import minor_digits

DASH = "—"


@dataclass(frozen=True)
class Currency:
    """A currency whose minor unit the amounts of a list are in; ``code`` is empty where it is not known.

    Examples
    --------
    >>> Currency("EUR").amount(123_456)
    '1,234.56 EUR'
    >>> Currency("JPY").amount(-1_200)
    '-1,200 JPY'
    """

    code: str = ""

    @property
    def digits(self) -> int:
        """Digits after the point of the major unit."""
        return minor_digits(self.code)

    def number(self, minor: float, further: int = 0) -> str:
        """Return an amount of minor units as a number of major units, a mean with `further` digits.

        Examples
        --------
        >>> Currency("KWD").number(1_234_567), Currency("JPY").number(12.3456, further=2)
        ('1,234.567', '12.35')
        """
        return f"{Decimal(minor).scaleb(-self.digits):,.{self.digits + further}f}"

    def amount(self, minor: float | None) -> str:
        """Return an amount of minor units as text in the major unit; a dash where there is none."""
        if minor is None:
            return DASH
        return f"{self.number(round(minor))} {self.code}".rstrip()


def share(part: float, whole: float = 1.0) -> str:
    """Return a part of a whole in per cent, with digits enough to differ from nothing and from all.

    Examples
    --------
    >>> share(1, 3), share(0, 3), share(1, 100_000), share(99_999, 100_000)
    ('33.3 %', '0 %', '0.001 %', '99.999 %')
    """
    if not whole:
        return DASH
    percent = 100 * part / whole
    if percent in (0, 100):
        return f"{percent:.0f} %"
    near = min(abs(percent), abs(100 - percent))
    digits = next((digits for digits in (1, 2, 3, 4) if near >= 10**-digits), 6)
    return f"{percent:.{digits}f} %"


def count(number: float, noun: str = "") -> str:
    """Return a whole number as text, with a noun in the singular or the plural.

    Examples
    --------
    >>> count(1_234, "row"), count(1, "day")
    ('1,234 rows', '1 day')
    """
    named = f" {noun if number == 1 else plural(noun)}" if noun else ""
    return f"{number:,.0f}{named}"


def plural(noun: str) -> str:
    """Return the plural of a regular noun.

    Examples
    --------
    >>> plural("day"), plural("category")
    ('days', 'categories')
    """
    return f"{noun[:-1]}ies" if noun.endswith("y") and noun[-2:-1] not in tuple("aeiou") else f"{noun}s"


def listed(names: list[str], most: int = 12) -> str:
    """Join names, of very many only the first.

    Examples
    --------
    >>> listed(["a", "b", "c"]), listed(["a", "b", "c"], 2)
    ('a, b and c', 'a, b and 1 more')
    """
    shown = names if len(names) <= most else [*names[:most], f"{len(names) - most:,} more"]
    return " and ".join([*([", ".join(shown[:-1])] if len(shown) > 1 else []), *shown[-1:]])


def shortened(text: str, longest: int = 300) -> str:
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
