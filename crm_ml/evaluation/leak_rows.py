"""What reveals labels beside values: orders of rows and ids, ends of texts, copied rows, own labels."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from crm_ml.evaluation.ranking import Floats

if TYPE_CHECKING:
    import pandas as pd

_FORMED = 20  # rows that a value needs for its rate
_LEVELS = 3
_SURE = 1e-6  # chance of an alarm where the null holds
_AFFIXES = (1, 2, 3, -1, -2)  # first and last characters
_BLOCKS = 8
_TWINS = 3  # customers that share a row; more are a common kind of customer
_DISAGREE = 0.05  # of the disagreements that chance would give
_MIXING = (np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53), np.uint64(33))
Codes = npt.NDArray[np.int64]


def orders(index: "pd.Index[Any]", customer: Codes, ids: "pd.Index[Any]") -> dict[str, Codes]:
    """Return the place of each row within its fold, and of its customer_id among all in order.

    Parameters
    ----------
    index : pandas.Index, shape (n,)
        With the fold as first level, if it has several.
    customer : numpy.ndarray of int, shape (n,)
        Place of each row's id in `ids`.
    ids : pandas.Index
        Ids are ordered by length, then as texts, so that 9 comes before 10.
    """
    import pandas as pd

    place: npt.NDArray[Any] = np.arange(len(index))
    if index.nlevels > 1:
        fold = pd.factorize(index.get_level_values(0))[0]
        place = pd.Series(place).groupby(fold).cumcount().to_numpy()
    texts = ids.astype(str)
    rank = np.empty(len(ids), dtype=np.int64)
    rank[np.lexsort([texts.to_numpy(dtype=object), texts.str.len().to_numpy()])] = np.arange(len(ids))
    return {"order of rows": place, "order of ids": rank[customer]}


def affixes(texts: npt.NDArray[np.object_], customers: int) -> Iterator[tuple[str, Codes]]:
    """Yield the first one to three and the last one or two characters of texts that hardly repeat.

    Parameters
    ----------
    texts : numpy.ndarray of object, shape (n,)
    customers : int
        Among the rows; texts of fewer than half as many levels are categories, and yield nothing.

    Examples
    --------
    >>> [(name, code.tolist()) for name, code in affixes(np.array(["ab", "ac"], dtype=object), 2)][:2]
    [('first 1 of', [0, 0]), ('first 2 of', [0, 1])]
    """
    import pandas as pd

    place, levels = pd.factorize(texts)
    if len(levels) * 2 < customers:
        return
    names = pd.Index(levels).astype(str).str
    for length in _AFFIXES:
        short = pd.factorize(names.slice(0, length) if length > 0 else names.slice(length))[0]
        code = np.append(short, short.max() + 1)[place]
        yield f"{'first' if length > 0 else 'last'} {abs(length)} of", code


def formed_of_labels(values: Floats, y: Floats) -> float:
    """Return the chance that rates by value agree as well with the value itself, if it was not made of them.

    A target encoding, or the rate of a household, that includes the row's own label *is* the rate of the rows
    that have its value, to the digit; a probability that was known before agrees as well as chance lets it.

    Parameters
    ----------
    values : numpy.ndarray of float, shape (n,)
    y : numpy.ndarray of {0, 1}, shape (n,)

    Returns
    -------
    float
        Lower tail of Pearson's chi-square of labels against the values as their probabilities, over values
        strictly between 0 and 1 that at least 20 rows have; 1 where fewer than three such values exist.

    References
    ----------
    .. [1] Fisher (1936). Has Mendel's work been rediscovered? Annals of Science 1 (agreement too good for
       chance, by the lower tail of chi-square).

    Examples
    --------
    >>> rate = np.repeat([0.25, 0.5, 0.75], 20)
    >>> formed_of_labels(rate, np.tile([0.0, 1.0], 30)) > 0.1
    True
    >>> formed_of_labels(rate, (np.arange(60) % 20 < 20 * rate).astype(float))
    0.0
    """
    from scipy.special import gammainc

    known = (values > 0) & (values < 1)
    level, place, rows = np.unique(values[known], return_inverse=True, return_counts=True)
    often = rows >= _FORMED
    if often.sum() < _LEVELS:
        return 1.0
    gap = np.bincount(place, weights=y[known], minlength=len(level)) - rows * level
    statistic = (gap**2 / (rows * level * (1 - level)))[often].sum()
    return float(gammainc(often.sum() / 2, statistic / 2))


@dataclass(frozen=True)
class CopiedRows:
    """Pairs of customers whose rows are equal in nearly all features, and how often their labels differ.

    Parameters
    ----------
    pairs, differ : int
    expected : float
        Differences if labels were drawn by their rate. Labels of honest rows that are equal agree more often,
        as far as the features explain them; hardly one in twenty of these says that they are copies.
    """

    pairs: int
    differ: int
    expected: float

    @property
    def same(self) -> bool:
        """Whether labels agree so often that the rows are one customer's."""
        from scipy.special import pdtr

        few = self.differ <= _DISAGREE * self.expected
        return bool(few and pdtr(self.differ, self.expected) < _SURE)


def copied_rows(columns: Mapping[str, npt.NDArray[Any]], customer: Codes, y: Floats) -> CopiedRows:
    """Return the pairs of customers of equal rows, but for one in eight of the features.

    Rows are compared by the sums of hashes of their values without each of eight blocks of features. Values
    that more than three customers share in this way are those of a common kind of customer, such as of one
    order of one article, and are no pair.

    Parameters
    ----------
    columns : mapping of str to numpy.ndarray, shape (n,)
        Floats or texts.
    customer : numpy.ndarray of int, shape (n,)
    y : numpy.ndarray of {0, 1}, shape (n,)

    Returns
    -------
    CopiedRows
        Of the block without which most pairs are equal, if their labels agree beyond chance in any.
    """
    hashes = [hashed for values in columns.values() if (hashed := _hashed(values)).min() != hashed.max()]
    if len(hashes) <= _LEVELS:
        return CopiedRows(0, 0, 0.0)
    salts = np.random.default_rng(0).integers(1, 2**63, len(hashes)).astype(np.uint64) | np.uint64(1)
    mixed = [_mixed(hashed * salt) for hashed, salt in zip(hashes, salts, strict=True)]
    blocks = [sum(mixed[block::_BLOCKS], np.zeros(len(y), np.uint64)) for block in range(_BLOCKS)]
    whole = sum(blocks, np.zeros(len(y), np.uint64))
    compared = [_pairs(whole - block, customer, y) for block in blocks[: len(hashes)]]
    return max(compared, key=lambda pairs: (pairs.same, pairs.pairs))


def _pairs(key: npt.NDArray[np.uint64], customer: Codes, y: Floats) -> CopiedRows:
    order = np.lexsort([customer, key])
    start = np.append(True, np.diff(key[order]) != 0)
    first = order[start | np.append(True, np.diff(customer[order]) != 0)]  # a row of each customer
    group = np.cumsum(np.append(True, np.diff(key[first]) != 0)) - 1
    few = np.bincount(group)[group] <= _TWINS
    twin = np.flatnonzero((np.diff(group) == 0) & few[1:])
    a, b = first[twin], first[twin + 1]
    known = np.unique(np.column_stack([customer[a], customer[b]]), axis=0, return_index=True)[1]
    a, b = a[known], b[known]
    if not len(a):
        return CopiedRows(0, 0, 0.0)
    rate = float(np.concatenate([y[a], y[b]]).mean())
    return CopiedRows(len(a), int((y[a] != y[b]).sum()), len(a) * 2 * rate * (1 - rate))


def _hashed(values: npt.NDArray[Any]) -> npt.NDArray[np.uint64]:
    import pandas as pd

    if values.dtype == object:
        return np.asarray(pd.util.hash_array(values), dtype=np.uint64)
    return np.where(np.isnan(values), np.nan, values + 0.0).view(np.uint64)


def _mixed(values: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Spread the bits of whole numbers (the finalizer of MurmurHash3)."""
    for factor in _MIXING[:2]:
        values = (values ^ (values >> _MIXING[2])) * factor
    return values ^ (values >> _MIXING[2])
