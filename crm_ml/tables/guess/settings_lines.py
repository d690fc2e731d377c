"""Settings of a first mapping as lines of YAML: zone and currency, which files often do not tell."""

from typing import TYPE_CHECKING, Final

from crm_ml.tables.guess.yaml_lines import line

if TYPE_CHECKING:
    from crm_ml.tables.guess.file_guess import FileGuess

_ZONES: Final = {"CNY": "Asia/Shanghai", "JPY": "Asia/Tokyo", "KRW": "Asia/Seoul", "GBP": "Europe/London",
                 "USD": "America/New_York", "INR": "Asia/Kolkata"}  # fmt: skip
_ANY_ZONE: Final = "Europe/Berlin"
_SHARED_SIGNS: Final = {
    "USD": "the sign $ is also of CAD, AUD and others",
    "CNY": "the sign ¥ is also of the yen",
    "JPY": "the sign ¥ is also of the yuan",
    "SEK": "the sign kr is also of NOK and DKK",
}
_JAPANESE: Final = ("円", "税込", "注文")


def zone_and_currency(guess: "FileGuess") -> list[str]:
    """Return the lines of zone and currency, unless a ready mapping or a column has them."""
    from crm_ml.tables.ready_mappings import ready_content

    ready = ready_content(guess.ready) if guess.ready else {}
    code = currency_code(guess)
    named = guess.column("currency")
    lines = []
    if "timezone" not in ready:
        known = next(filter(None, named.cells), "") if named is not None else code
        time = guess.column("time")
        own = time is not None and time.time is not None and time.time.aware
        whose = "of your days" if own else "of days and times"
        lines.append(line(0, "timezone", _ZONES.get(known, _ANY_ZONE), f"{whose}; UTC without", say=True))
    if "currency" not in ready and named is None:
        why = _SHARED_SIGNS.get(code, "by the sign beside the amounts")
        why = why if code else "no sign and no column names the currency"
        lines.append(line(0, "currency", {"code": code or "EUR"}, why, say=not code))
    return lines


def currency_code(guess: "FileGuess") -> str:
    """Return the likeliest currency by the sign beside amounts, or an empty text."""
    column = guess.column("amount") or guess.column("unit price")
    code = column.number.currency if column is not None and column.number is not None else ""
    return "JPY" if code == "CNY" and _is_japanese(guess) else code


def _is_japanese(guess: "FileGuess") -> bool:
    """Return whether the header has kana or Japanese words, or the encoding is a Japanese one."""
    names = "".join(guess.sample.names)
    kana = any("\u3040" <= sign <= "\u30ff" for sign in names)
    words = any(word in names for word in _JAPANESE)
    return kana or words or guess.sample.encoding in ("shift_jis", "euc-jp")
