"""The columns that trees compare, as codes: how many thresholds of its column lie below a value.

A split by a number sends one range of codes to the right, one by categories several.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from crm_ml.models.trees import BY_CATEGORY as CATEGORY_BIT
from crm_ml.models.trees import Floats, Ints, Trees

Array = npt.NDArray[Any]
BY_ZERO, BY_NAN, BY_CATEGORY = 1, 2, 3  # which values are missing; 0 for none, where NaN counts as 0
ZERO: Final = float(np.float32(1e-35))  # what is not larger is 0 to LightGBM
_DEFAULT_LEFT = 2


@dataclass(frozen=True, eq=False)
class CodeColumns:
    """Columns of codes and the ranges of codes that go to the right.

    Parameters
    ----------
    key, counts, thresholds : numpy.ndarray
        ``4 * feature + missing`` of each column, and its thresholds.
    column_of : numpy.ndarray of int, shape (nodes,)
    node, column, low, width : numpy.ndarray of int
        Of each range; a node of categories may have several.
    """

    key: Ints
    counts: Ints
    thresholds: Array
    column_of: Ints
    node: Ints
    column: Ints
    low: Ints
    width: Ints


def code_columns(trees: Trees) -> CodeColumns:
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
    return CodeColumns(
        key, count, sorted_value[new], column_of,
        node=range_node, column=column_of[range_node], low=low, width=width,
    )  # fmt: skip


def filled_thresholds(columns: CodeColumns) -> Floats:
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
