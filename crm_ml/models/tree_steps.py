"""Trees as steps of comparisons, from which a compiled kernel adds the values of all leaves.

A value becomes a code (`crm_ml.models.tree_codes`). A node sends a row to the right
where the code lies in a range, and then none of the leaves on its left can be reached; of those that all
nodes leave the row reaches the leftmost. No order of nodes matters, so that each compares many rows at once.

References
----------
.. [1] Lucchese et al. (2015). QuickScorer: a fast algorithm to rank documents with additive ensembles of
   regression trees. SIGIR, section 3.
.. [2] Lucchese et al. (2016). Exploiting CPU SIMD extensions to speed-up document scoring with tree
   ensembles. SIGIR, section 2.
"""

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from crm_ml.models.tree_codes import code_columns, filled_thresholds
from crm_ml.models.trees import BY_CATEGORY, Trees

Array = npt.NDArray[Any]
LEAVES: Final = 32  # of a word
MOST_STEPS: Final = 256  # of a tree in the mean; LightGBM walks down larger ones sooner
_MOST_CODES, _MOST_WORDS = 1 << 16, 1 << 18


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


def steps_of(trees: Trees) -> TreeSteps | None:
    """Return the steps of checked trees; None where LightGBM itself is quicker or a code would not fit."""
    from crm_ml.models.leaf_places import leaf_places

    by_category = np.flatnonzero(trees.decision_type & BY_CATEGORY)
    if trees.set_words[trees.threshold[by_category].astype(np.int64)].sum() > _MOST_WORDS:
        return None
    columns = code_columns(trees)
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
        thresholds=filled_thresholds(columns),
        column=columns.column[range_][order],
        low=columns.low[range_][order].astype(code),
        width=columns.width[range_][order].astype(code),
        keep=keep[order].astype(np.uint32),
        ends=np.cumsum(np.bincount(of_word, minlength=len(values))),
        values=values,
        first=np.isin(np.arange(len(values)), last_word),
    )
