"""Names under which persons stand in what is derived: keyed, so that rows join and nobody is named."""

import contextlib
import hashlib
import hmac
import os
import secrets
from collections.abc import Iterable
from pathlib import Path

from crm_ml import environment
from crm_ml.errors import InputError
from crm_ml.private_files import make_folder, tell_readable
from crm_ml.storage.paths import runs_folder

KEY = "CRM_ML_PSEUDONYM_KEY"
FILE = "pseudonym.key"
PSEUDONYM_SIGNS = 32  # hexadecimal digits
_BYTES, _BLOCK = 32, 64


def pseudonym_key() -> bytes:
    """Return the key of pseudonyms: ``CRM_ML_PSEUDONYM_KEY``, or that of the folder of runs.

    The second is drawn once, kept in ``pseudonym.key`` for its owner alone, and logged nowhere. Rows of runs
    from several folders, or machines, join only where the environment names one key for all.

    Raises
    ------
    InputError
        If the file has no key.
    """
    from_environment = environment.text(KEY)
    if from_environment:
        return from_environment.encode()
    path = runs_folder() / FILE
    if not path.exists():
        _keep(secrets.token_bytes(_BYTES), path)
    tell_readable(path)
    stored = path.read_bytes()
    if len(stored) != _BYTES:
        raise InputError(f"{path}: {len(stored)} bytes are no key; remove it, or set {KEY}")
    return stored


def _keep(key: bytes, path: Path) -> None:
    """Write a key whole, or not at all where another process was first."""
    make_folder(path.parent)
    part = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(key)
    with contextlib.suppress(FileExistsError):
        os.link(part, path)
    part.unlink()


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
    for customer in customer_id:
        if customer not in known:
            text = str(customer).encode("utf-8", "surrogatepass")
            known[customer] = hmac.new(key, text, hashlib.sha256).hexdigest()[:PSEUDONYM_SIGNS]
    return [known[customer] for customer in customer_id]


def hmac_pads(key: bytes) -> tuple[bytes, bytes]:
    """Return what is hashed before a text and before its hash, for engines that make pseudonyms themselves.

    References
    ----------
    .. [1] RFC 2104, section 2: H(K XOR opad, H(K XOR ipad, text)).

    Examples
    --------
    >>> inner, outer = hmac_pads(b"key")
    >>> digest = hashlib.sha256(outer + hashlib.sha256(inner + b"ada").digest()).hexdigest()
    >>> digest[:32] == pseudonyms(["ada"], b"key")[0]
    True
    """
    block = (hashlib.sha256(key).digest() if len(key) > _BLOCK else key).ljust(_BLOCK, b"\0")
    return bytes(sign ^ 0x36 for sign in block), bytes(sign ^ 0x5C for sign in block)


def check_of(key: bytes) -> str:
    """Return a few digits that tell two keys apart."""
    return hmac.new(key, b"crm_ml pseudonyms", hashlib.sha256).hexdigest()[:12]
