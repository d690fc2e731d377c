"""Phone numbers as E.164, by Google's libphonenumber; what can't be read for certain is never guessed."""

import re
from typing import Final

from crm_ml.errors import ConfigError

BAD: Final = "bad_phone"
NO_COUNTRY: Final = "phone_without_country"
_PLAIN = re.compile(r"[+＋]?[\d\s().\-/]+")  # noqa: RUF001


def e164(phone: str, country: str | None = None) -> str:
    """Return a number in E.164, or why it has none: ``bad_phone`` or ``phone_without_country``.

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
    """
    import phonenumbers

    if not _PLAIN.fullmatch(phone):
        return BAD
    try:
        number = phonenumbers.parse(phone, country)
    except phonenumbers.NumberParseException as error:
        foreign = error.error_type == phonenumbers.NumberParseException.INVALID_COUNTRY_CODE
        return NO_COUNTRY if foreign and not phone.strip().startswith(("+", "＋")) else BAD  # noqa: RUF001
    if not phonenumbers.is_valid_number(number):
        return BAD
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def check_country(country: str | None) -> None:
    """Refuse a country that has no numbering plan.

    Raises
    ------
    ConfigError
        If the two letters are no country, or phonenumbers is not installed.
    """
    try:
        import phonenumbers
    except ImportError as error:
        raise ConfigError("phone numbers need the package phonenumbers; install it") from error
    if country is not None and country not in phonenumbers.SUPPORTED_REGIONS:
        raise ConfigError(f"--default-country {country} is no country; write two letters such as DE or CN")
