"""Random numbers and folds by a keyed hash of the customer_id: the same in every run and on every machine."""

import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

_BITS = 53


def uniform(customers: Sequence[str], salt: str, what: str) -> npt.NDArray[np.float64]:
    """Return one number in [0, 1) for each customer.

    The first 53 bits of the BLAKE2b of the customer_id [1]_, keyed with a hash of salt and purpose: draws of
    different purposes are independent, and can't be predicted without the salt.

    Parameters
    ----------
    customers : sequence of str
    salt, what : str
        Secret of the project, and purpose of the draw.

    Returns
    -------
    numpy.ndarray of float, shape (len(customers),)

    References
    ----------
    .. [1] RFC 7693. The BLAKE2 cryptographic hash and message authentication code, section 2.9.

    Examples
    --------
    >>> uniform(["a", "b"], "salt", "arm").round(4).tolist()
    [0.7207, 0.7223]
    """
    key = hashlib.sha256(f"{len(salt)}:{salt}{what}".encode()).digest()
    start = hashlib.blake2b(digest_size=8, key=key)
    digests = bytearray()
    for customer in customers:
        hasher = start.copy()
        hasher.update(customer.encode())
        digests += hasher.digest()
    numbers = np.frombuffer(bytes(digests), dtype=">u8").astype(np.uint64)
    return (numbers >> np.uint64(64 - _BITS)).astype(np.float64) / 2.0**_BITS


def customer_folds(customer_id: npt.ArrayLike, folds: int, key: str = "folds") -> npt.NDArray[np.int64]:
    """Return the fold of each row, from 0 to `folds` - 1; all rows of a customer have the same.

    Parameters
    ----------
    customer_id : array-like of str, shape (n,)
    folds : int
    key : str
        Another key gives an independent split.

    Returns
    -------
    numpy.ndarray of int, shape (n,)

    Examples
    --------
    >>> customer_folds(["ada", "bob", "ada"], 2).tolist()
    [1, 0, 1]
    """
    ids, positions = np.unique(np.asarray(customer_id, dtype=str), return_inverse=True)
    fold = [_hash(value, key) % folds for value in ids.tolist()]
    return np.asarray(fold, dtype=np.int64)[positions]


def _hash(value: str, key: str) -> int:
    digest = hashlib.blake2b(value.encode("utf-8", "surrogatepass"), digest_size=8, key=key.encode()).digest()
    return int.from_bytes(digest, "big")
