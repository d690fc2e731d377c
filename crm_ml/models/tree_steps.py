"""Trees as steps of comparisons, from which a compiled kernel adds the values of all leaves.

A value becomes a code: how many thresholds of its column lie below it. A node sends a row to the right
where the code lies in a range, and then none of the leaves on its left can be reached; of those that all
nodes leave the row reaches the leftmost. No order of nodes matters, so that each compares many rows at once.

References
----------
.. [1] Lucchese et al. (2015). QuickScorer: a fast algorithm to rank documents with additive ensembles of
   regression trees. SIGIR, section 3.
.. [2] Lucchese et al. (2016). Exploiting CPU SIMD extensions to speed-up document scoring with tree
   ensembles. SIGIR, section 2.
"""

from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from crm_ml.models.trees import BY_CATEGORY as CATEGORY_BIT
from crm_ml.models.trees import Floats, Ints, Trees

Array = npt.NDArray[Any]
LEAVES: Final = 32  # of a word
BY_ZERO, BY_NAN, BY_CATEGORY = 1, 2, 3  # which values are missing; 0 for none, where NaN counts as 0
ZERO: Final = float(np.float32(1e-35))  # what is not larger is 0 to LightGBM
MOST_STEPS: Final = 256  # of a tree in the mean; LightGBM walks down larger ones sooner
_MOST_CODES, _MOST_WORDS = 1 << 16, 1 << 18
_DEFAULT_LEFT = 2


class TreeSteps(NamedTuple):
    """All trees as arrays.

    Parameters
    ----------
    feature, missing : numpy.ndarray of int, shape (columns,)
        Of each column of codes: a feature, and which of its values are missing.
    counts : numpy.ndarray of int, shape (columns,)
        Of the thresholds of a column.
    thresholds : numpy.ndarray of float
        Of all columns, ascending in each; of a column of categories these. Each is filled up with inf to one
        less than a power of two.
    column, low, width, keep : numpy.ndarray, shape (steps,)
        A row whose code in the column is at least `low`, and less than `low + width`, keeps these leaves.
    ends : numpy.ndarray of int, shape (words,)
        Where the steps of a word of 32 leaves end. The words of a tree go from the right to the left.
    values : numpy.ndarray, shape (words, 32)
        Of the leaves.
    first : numpy.ndarray of bool, shape (words,)
        Whether a word has the leftmost leaf of its tree.
    """

    feature: Array
    missing: Array
    counts: Array
    thresholds: Array
    column: Array
    low: Array
    width: Array
    keep: Array
    ends: Array
    values: Array
    first: Array


@dataclass(frozen=True, eq=False)
class _Columns:
    """Columns of codes and the ranges of codes that go to the right.

    Parameters
    ----------
    key, counts, thresholds : numpy.ndarray
        ``4 * feature + missing`` of each column, and its thresholds.
    node, column, low, width : numpy.ndarray of int
        Of each range; a node of categories may have several.
    """

    key: Ints
    counts: Ints
    thresholds: Array
    node: Ints
    column: Ints
    low: Ints
    width: Ints


def steps_of(trees: Trees) -> TreeSteps | None:
    """Return the steps of checked trees; None where LightGBM itself is quicker or a code would not fit."""
    from crm_ml.models.leaf_places import leaf_places

    by_category = np.flatnonzero(trees.decision_type & CATEGORY_BIT)
    if trees.set_words[trees.threshold[by_category].astype(np.int64)].sum() > _MOST_WORDS:
        return None
    columns = _columns(trees)
    start, width = np.zeros((2, len(trees.threshold)), dtype=np.int64)
    place = np.zeros(len(trees.leaf_value), dtype=np.int64)
    leaf_places(trees.leaves, trees.left_child, trees.right_child, place, start, width)
    words = -(-trees.leaves // LEAVES)
    last_word = np.cumsum(words) - 1  # which has the leftmost leaf
    tree = np.repeat(np.arange(len(trees.leaves)), trees.leaves - 1)
    from_, to = start // LEAVES, (start + width - 1) // LEAVES
    times = (to - from_ + 1)[columns.node]
    codes = int(columns.counts.max(initial=0)) + 2  # one more for what is missing
    if codes > _MOST_CODES or times.sum() > MOST_STEPS * len(trees.leaves):
        return None
    range_ = np.repeat(np.arange(len(times)), times)
    node = columns.node[range_]
    word = from_[node] + np.arange(len(range_)) - (np.cumsum(times) - times)[range_]
    begin, end = (np.clip(at[node] - LEAVES * word, 0, LEAVES) for at in (start, start + width))
    keep = ~((np.int64(1) << end) - (np.int64(1) << begin)) & 0xFFFFFFFF
    of_word = last_word[tree[node]] - word
    order = np.lexsort((columns.column[range_], of_word))
    code = np.uint8 if codes <= 1 << 8 else np.uint16
    values = np.zeros((int(words.sum()), LEAVES))
    leaf_tree = np.repeat(np.arange(len(trees.leaves)), trees.leaves)
    values[last_word[leaf_tree] - place // LEAVES, place % LEAVES] = trees.leaf_value
    return TreeSteps(
        feature=columns.key >> 2,
        missing=columns.key & 3,
        counts=columns.counts,
        thresholds=_filled(columns),
        column=columns.column[range_][order],
        low=columns.low[range_][order].astype(code),
        width=columns.width[range_][order].astype(code),
        keep=keep[order].astype(np.uint32),
        ends=np.cumsum(np.bincount(of_word, minlength=len(values))),
        values=values,
        first=np.isin(np.arange(len(values)), last_word),
    )


def _columns(trees: Trees) -> _Columns:
    """Return the columns that the nodes compare, and the ranges of codes that each sends to the right."""
    by_category = (trees.decision_type & CATEGORY_BIT).astype(bool)
    missing = np.where(by_category, BY_CATEGORY, trees.decision_type >> 2)
    key_of = 4 * trees.split_feature + missing
    numbers, categories = np.flatnonzero(~by_category), np.flatnonzero(by_category)
    member, category = _categories(trees, categories)
    node = np.concatenate([numbers, member])
    value = np.concatenate([trees.threshold[numbers], category])
    order = np.lexsort((value, key_of[node]))
    sorted_key, sorted_value = key_of[node][order], value[order]
    new = np.ones(len(order), dtype=bool)
    new[1:] = (sorted_key[1:] != sorted_key[:-1]) | (sorted_value[1:] != sorted_value[:-1])
    key = np.unique(key_of)
    bounds = np.searchsorted(sorted_key[new], key, side="right")
    first, count = bounds - np.diff(bounds, prepend=0), np.diff(bounds, prepend=0)
    column_of = np.searchsorted(key, key_of)
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.cumsum(new) - 1
    rank -= first[column_of[node]]
    to_right = (missing > 0) & (trees.decision_type & _DEFAULT_LEFT == 0)
    top = count[column_of] + 1 + (~by_category & to_right)
    low = rank[: len(numbers)] + 1
    gaps = _gaps(categories, top[categories] - 1, member, rank[len(numbers) :])
    range_node, low, width = (
        np.concatenate(pair) for pair in zip((numbers, low, top[numbers] - low), gaps, strict=True)
    )
    return _Columns(
        key, count, sorted_value[new],
        node=range_node, column=column_of[range_node], low=low, width=width,
    )  # fmt: skip


def _filled(columns: _Columns) -> Floats:
    """Return the thresholds of each column, filled up with inf to one less than a power of two."""
    counts = columns.counts
    sizes = (1 << np.ceil(np.log2(counts + 1)).astype(np.int64)) - 1
    filled = np.full(int(sizes.sum()), np.inf)
    shift = np.repeat(np.cumsum(sizes - counts) - (sizes - counts), counts)
    filled[np.arange(len(shift)) + shift] = columns.thresholds
    return filled


def _categories(trees: Trees, nodes: Ints) -> tuple[Ints, Ints]:
    """Return each category of the sets of some nodes, with its node; of a node they ascend."""
    sets = trees.threshold[nodes].astype(np.int64)
    words = trees.set_words[sets]
    node = np.repeat(nodes, words)
    number = np.arange(len(node)) - np.repeat(np.cumsum(words) - words, words)
    content = trees.category_words[np.repeat(trees.set_start[sets], words) + number].astype("<u4")
    at, bit = np.nonzero(np.unpackbits(content.view(np.uint8).reshape(-1, 4), axis=1, bitorder="little"))
    return node[at], 32 * number[at] + bit


def _gaps(nodes: Ints, top: Ints, member: Ints, code: Ints) -> tuple[Ints, Ints, Ints]:
    """Return the ranges of codes between those of the categories that go to the left, `top` the last."""
    node = np.concatenate([member, nodes])
    code = np.concatenate([code, top + 1])
    order = np.lexsort((code, node))
    node, code = node[order], code[order]
    low = np.zeros(len(node), dtype=np.int64)
    same = node[1:] == node[:-1]
    low[1:][same] = code[:-1][same] + 1
    some = code > low
    return node[some], low[some], (code - low)[some]
