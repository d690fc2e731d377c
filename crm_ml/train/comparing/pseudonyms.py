"""Names under which customers stand in what a run logs: keyed, so that rows join and nobody is named."""

import hashlib
import hmac
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crm_ml.tables import Tables

KEY = "CRM_ML_PSEUDONYM_KEY"
_HEX = 32


def key_of(tables: "Tables") -> bytes:
    """Return the key of pseudonyms: ``CRM_ML_PSEUDONYM_KEY``, or a digest of the ids of all customers.

    The digest is logged nowhere; who can compute it has the ids already. Runs on tables with other customers
    have another one, so that rows of runs on growing tables join only where the environment names a key.
    """
    from crm_ml.tables.bundle import to_pandas

    given = os.environ.get(KEY)
    if given:
        return given.encode()
    ids = to_pandas(tables.frame("customers").select("customer_id"))["customer_id"]
    return hashlib.sha256("\0".join(sorted(ids.astype(str))).encode("utf-8", "surrogatepass")).digest()


def pseudonyms(customer_id: Iterable[str], key: bytes) -> list[str]:
    """Return the HMAC-SHA256 of each id, cut to 32 hexadecimal digits.

    References
    ----------
    .. [1] Krawczyk, Bellare and Canetti (1997). HMAC: keyed-hashing for message authentication. RFC 2104.

    Examples
    --------
    >>> first, second, again = pseudonyms(["ada", "bob", "ada"], b"key")
    >>> first == again != second
    True
    """
    known: dict[str, str] = {}
    for one in customer_id:
        if one not in known:
            text = str(one).encode("utf-8", "surrogatepass")
            known[one] = hmac.new(key, text, hashlib.sha256).hexdigest()[:_HEX]
    return [known[one] for one in customer_id]


def check_of(key: bytes) -> str:
    """Return a few digits that tell two keys apart."""
    return hmac.new(key, b"crm_ml pseudonyms", hashlib.sha256).hexdigest()[:12]
