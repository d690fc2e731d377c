"""Split customers by a hash of their id: the same customer is always on the same side."""

import hashlib

import numpy as np
import numpy.typing as npt


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
