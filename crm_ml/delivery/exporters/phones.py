"""Phone numbers as E.164, by Google's libphonenumber; what can't be read for certain is never guessed.

A number without ``+`` may be national, or carry the code of its country already: 4915123456789 in Germany is
a mobile number behind the country code, and a number of the area 04915. Where both are valid and differ, the
number is ambiguous.
"""

import re
from typing import TYPE_CHECKING, Final

from crm_ml.errors import ConfigError
from crm_ml.extras import require

if TYPE_CHECKING:
    import phonenumbers

BAD: Final = "bad_phone"
NO_COUNTRY: Final = "phone_without_country"
AMBIGUOUS: Final = "ambiguous_phone"
_PLUS: Final = ("+", "＋")  # noqa: RUF001
_PLAIN = re.compile(r"[+＋]?[\d\s().\-/]+")  # noqa: RUF001


def e164(phone: str, country: str | None = None) -> str:
    """Return a number in E.164, or why it has none: one of `BAD`, `NO_COUNTRY` and `AMBIGUOUS`.

    Parameters
    ----------
    phone : str
        With country code, or without it where `country` is given. Letters and extensions are refused.
    country : str, optional
        Two letters (ISO 3166).

    References
    ----------
    ITU-T recommendation E.164 (2010); the numbering plans of the package phonenumbers.

    Examples
    --------
    >>> e164("(0151) 234-56789", "DE"), e164("0151 23456789"), e164("+49 12")
    ('+4915123456789', 'phone_without_country', 'bad_phone')
    >>> e164("4915123456789", "DE"), e164("8613800000000", "CN"), e164("16505551212", "US")
    ('ambiguous_phone', '+8613800000000', '+16505551212')
    """
    import phonenumbers

    if not _PLAIN.fullmatch(phone):
        return BAD
    plain = not phone.strip().startswith(_PLUS)
    try:
        number = phonenumbers.parse(phone, country)
    except phonenumbers.NumberParseException as error:
        foreign = error.error_type == phonenumbers.NumberParseException.INVALID_COUNTRY_CODE
        return NO_COUNTRY if foreign and plain else BAD
    if not phonenumbers.is_valid_number(number):
        return BAD
    if plain and _carries_code(phonenumbers.normalize_digits_only(phone), number):
        return AMBIGUOUS
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def _carries_code(digits: str, national: "phonenumbers.PhoneNumber") -> bool:
    """Whether the digits are another number of the same country where they begin with its code."""
    import phonenumbers

    if not digits.startswith(str(national.country_code)):
        return False
    try:
        whole = phonenumbers.parse(f"+{digits}")
    except phonenumbers.NumberParseException:
        return False
    return phonenumbers.is_valid_number(whole) and bool(whole != national)


def check_country(country: str | None) -> None:
    """Refuse a country that has no numbering plan.

    Raises
    ------
    ConfigError
        If the two letters are no country, or phonenumbers is not installed.
    """
    require("phonenumbers", "an export of phone numbers")
    import phonenumbers

    if country is not None and country not in phonenumbers.SUPPORTED_REGIONS:
        raise ConfigError(f"--default-country {country} is no country; write two letters such as DE or CN")
