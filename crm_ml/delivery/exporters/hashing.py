"""Hashes of personal data as advertising platforms match them, as functions of DuckDB.

All spellings of a text have one hash: characters that nobody sees are removed, what can be composed is (NFC),
spaces at the ends go, and letters are in lower case.

References
----------
.. [1] Unicode 16.0, DerivedCoreProperties.txt, Default_Ignorable_Code_Point; Unicode Standard Annex 15 (NFC).
.. [2] Google, Data Manager API: Format user data.
.. [3] Meta for Developers: Conversions API, customer information parameters; capi-param-builder.
"""

import hashlib
import re
import string
import unicodedata
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from crm_ml.delivery.exporters.phones import e164

if TYPE_CHECKING:
    import duckdb

HEX: Final = "^[0-9a-f]{64}$"
GMAIL: Final = ("gmail.com", "googlemail.com")
INVISIBLE: Final = (  # Default_Ignorable_Code_Point [1]_, as a class of Python's and of DuckDB's expressions
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_INVISIBLE: Final = re.compile(INVISIBLE)


def sha256(text: str) -> str:
    """Return the SHA-256 of a text in its one spelling, as 64 hexadecimal digits.

    Examples
    --------
    >>> sha256("  Jane@Example.com ") == hashlib.sha256(b"jane@example.com").hexdigest()
    True
    >>> sha256("Jose\N{COMBINING ACUTE ACCENT}\N{ZERO WIDTH SPACE}") == sha256("José")
    True
    """
    return hashlib.sha256(_one_spelling(text).encode()).hexdigest()


def sha256_google_email(email: str) -> str | None:
    """Return the SHA-256 of an e-mail address as Google matches it [2]_, None without anything before the @.

    At gmail.com and googlemail.com, dots before the @ and all from a plus sign to the @ are removed. The
    domain stays.

    Examples
    --------
    >>> sha256_google_email("Cloudy.City+shopping@gmail.com") == sha256("cloudycity@gmail.com")
    True
    >>> sha256_google_email("user.name+NYC@Example.com") == sha256("user.name+nyc@example.com")
    True
    """
    user, _, domain = _one_spelling(email).rpartition("@")
    if domain in GMAIL:
        user = user.partition("+")[0].replace(".", "")
    return sha256(f"{user}@{domain}") if user else None


def sha256_name(text: str) -> str:
    """Return the SHA-256 of a name without punctuation and spaces, as Meta matches it [3]_.

    Examples
    --------
    >>> sha256_name("Mary-Jane O'Neill ") == sha256("maryjaneoneill")
    True
    """
    return sha256("".join(sign for sign in text if not _divides(sign)))


def sha256_compact(text: str) -> str:
    """Return the SHA-256 of the letters, their marks and the digits of a text alone.

    Examples
    --------
    >>> sha256_compact("St. Gallen") == sha256("stgallen")
    True
    """
    return sha256("".join(sign for sign in text if unicodedata.category(sign)[0] in "LMN"))


def _one_spelling(text: str) -> str:
    if text.isascii():  # nothing to remove or to compose
        return text.strip().lower()
    composed = unicodedata.normalize("NFC", _INVISIBLE.sub("", text))
    return unicodedata.normalize("NFC", composed.strip().lower())


def _divides(sign: str) -> bool:
    return sign in string.punctuation or sign.isspace() or unicodedata.category(sign).startswith("P")


def register(connection: "duckdb.DuckDBPyConnection", default_country: str | None) -> None:
    """Add ``crm_hash``, ``crm_hash_google_email``, ``crm_hash_name``, ``crm_hash_compact`` and ``crm_e164``.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
    default_country : str, optional
        Country that ``crm_e164(phone, country)`` assumes where the country is null; an empty one is none.
    """
    import pyarrow as pa
    from duckdb.func import ARROW, SPECIAL

    def each(function: Callable[[str], str | None]) -> Callable[[Any], Any]:
        def apply(texts: Any) -> Any:
            return pa.array(
                [None if text is None else function(text) for text in texts.to_pylist()], pa.string()
            )

        return apply

    def call(phones: Any, countries: Any) -> Any:
        pairs = zip(phones.to_pylist(), countries.to_pylist(), strict=True)
        numbers = [
            None if phone is None else e164(phone, default_country if country is None else country)
            for phone, country in pairs
        ]
        return pa.array(numbers, pa.string())

    types: list[Any] = ["VARCHAR"]
    for name, function in _HASHES.items():
        connection.create_function(name, each(function), types, "VARCHAR", type=ARROW, null_handling=SPECIAL)
    connection.create_function("crm_e164", call, types * 2, "VARCHAR", type=ARROW, null_handling=SPECIAL)


_HASHES: Final[dict[str, Callable[[str], str | None]]] = {
    "crm_hash": sha256,
    "crm_hash_google_email": sha256_google_email,
    "crm_hash_name": sha256_name,
    "crm_hash_compact": sha256_compact,
}
