"""Hashes of personal data as advertising platforms match them, as functions of DuckDB."""

import hashlib
import unicodedata
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from crm_ml.delivery.exporters.phones import e164

if TYPE_CHECKING:
    import duckdb

HEX = "^[0-9a-f]{64}$"


def sha256(text: str) -> str:
    """Return the SHA-256 of a text, trimmed and in lower case, as 64 hexadecimal digits.

    Examples
    --------
    >>> sha256("  Jane@Example.com ") == hashlib.sha256(b"jane@example.com").hexdigest()
    True
    """
    return hashlib.sha256(text.strip().lower().encode()).hexdigest()


def sha256_name(text: str) -> str:
    """Return the SHA-256 of a name without punctuation.

    Examples
    --------
    >>> sha256_name("O'Neill ") == sha256("oneill")
    True
    """
    return sha256("".join(sign for sign in text if not unicodedata.category(sign).startswith("P")))


def sha256_compact(text: str) -> str:
    """Return the SHA-256 of the letters and digits of a text alone.

    Examples
    --------
    >>> sha256_compact("St. Gallen") == sha256("stgallen")
    True
    """
    return sha256("".join(sign for sign in text if sign.isalnum()))


def register(connection: "duckdb.DuckDBPyConnection", default_country: str | None) -> None:
    """Add the functions ``crm_hash``, ``crm_hash_name``, ``crm_hash_compact`` and ``crm_e164``.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
    default_country : str, optional
        Country that ``crm_e164(phone, country)`` assumes where the country is null; an empty one is none.
    """
    import pyarrow as pa
    from duckdb.func import ARROW, SPECIAL

    def each(function: Callable[[str], str]) -> Callable[[Any], Any]:
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


_HASHES = {"crm_hash": sha256, "crm_hash_name": sha256_name, "crm_hash_compact": sha256_compact}
