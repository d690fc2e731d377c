"""Digits of the minor unit of each currency: the one place that knows how many cents an amount has.

References
----------
ISO 4217, Codes for the representation of currencies, List One as published by SIX on 2026-01-01 (CcyMnrUnts,
the digits of all 178 codes; 13 codes of metals, funds and tests have none there and are taken as 2).
"""

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final

from crm_ml.errors import ConfigError, InputError

if TYPE_CHECKING:
    import narwhals as nw

MINOR_DIGITS: Final = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI",
                     "VND", "VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}  # fmt: skip


_DOLLARS: Final = {"USD": "US$", "AUD": "A$ AU$", "CAD": "C$ CA$", "NZD": "NZ$", "HKD": "HK$", "SGD": "S$",
                   "TWD": "NT$ \u5143", "MXN": "MX$", "ARS": "", "CLP": "", "COP": ""}  # fmt: skip
_SIGNS: Final = {
    **{code: f"$ {others}" for code, others in _DOLLARS.items()},
    **{
        "EUR": "€",
        "GBP": "£",
        "JPY": "¥ \u5186",
        "CNY": "¥ \u5143 RMB",
        "KRW": "₩ \uc6d0",
        "INR": "₹ Rs Rs.",
    },
    **{"RUB": "₽", "TRY": "₺ TL", "UAH": "₴", "VND": "₫", "THB": "฿", "PHP": "₱", "NGN": "₦", "ILS": "₪"},
    **{"BRL": "R$", "PLN": "zł", "CZK": "Kč", "HUF": "Ft", "CHF": "Fr Fr. SFr SFr."},
    **dict.fromkeys(("SEK", "NOK", "DKK", "ISK"), "kr kr."),
}


def signs_of(code: str) -> tuple[str, ...]:
    """Return what stands beside an amount of a currency: its code, and its signs where they are known.

    Examples
    --------
    >>> signs_of("EUR"), signs_of("AUD"), signs_of("MAD")
    (('EUR', '€'), ('AUD', '$', 'A$', 'AU$'), ('MAD',))
    """
    return (code.upper(), *_SIGNS.get(code.upper(), "").split())


def minor_digits(code: str) -> int:
    """Return the digits after the point of an amount: 2 of most currencies, and where no code is known.

    Examples
    --------
    >>> minor_digits("EUR"), minor_digits("JPY"), minor_digits("KWD"), minor_digits("")
    (2, 0, 3, 2)
    """
    return MINOR_DIGITS.get(code.upper(), 2)


def minor_per_major(code: str) -> int:
    """Return how many minor units one major unit has: 100 cents a euro, 1 of a yen, 1,000 fils a dinar."""
    units: int = 10 ** minor_digits(code)
    return units


def minor_units(amount: float | Decimal | str, code: str) -> int:
    """Return an amount of major units as whole minor units, rounded half away from zero.

    The amount is what is written: 1.005 is 1.005 and not the binary number beside it.

    Raises
    ------
    ConfigError
        If it is no finite number.

    Examples
    --------
    >>> minor_units(1.234, "KWD"), minor_units("1.005", "EUR"), minor_units(1.005, "EUR")
    (1234, 101, 101)
    """
    try:
        number = Decimal("nan") if isinstance(amount, bool) else Decimal(str(amount))
    except InvalidOperation:
        number = Decimal("nan")
    if not number.is_finite():
        raise ConfigError(f"{amount!r} is no amount of money; write a finite number such as 12.5")
    return int(number.scaleb(minor_digits(code)).to_integral_value(ROUND_HALF_UP))


def currency_of(lines: "nw.LazyFrame[Any]") -> str:
    """Return the currency that the column ``currency`` names in every row that has one; empty without any.

    Raises
    ------
    InputError
        If rows name several.
    """
    import narwhals as nw

    from crm_ml.tables.cell_shape import shown_labels

    if "currency" not in lines.collect_schema():
        return ""
    code = nw.col("currency").cast(nw.String)
    named = lines.select(least=code.min(), most=code.max())
    least, most = named.collect(backend="pyarrow").rows()[0]
    if least != most:
        raise InputError(
            f"orders: currency is mixed ({shown_labels((least, most))}); convert the amounts to one"
        )
    return str(least or "")
