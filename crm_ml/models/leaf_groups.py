"""Neighbouring leaves in groups, whose Shapley values a row shares with all rows of the same case.

To a leaf counts only which of the features on its path lead a row to it; to neighbouring leaves, in which
cell each of their features lies, for they share most of them. A group has few cases, each worked out once.
"""

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from crm_ml.models.tree_codes import CodeColumns, code_columns, filled_thresholds
from crm_ml.models.trees import BY_CATEGORY, Trees

Array = npt.NDArray[Any]
MOST_CASES: Final = 8_192  # of a group of several leaves
MOST_FEATURES: Final = 20  # of the path to a leaf, whose cases are 2 to their power
_MOST_WORDS, _MOST_CODES, _MOST_TABLES = 1 << 18, 1 << 12, 1 << 25


class LeafTerms(NamedTuple):
    """What leads to the leaves of all trees, those of a tree from the left to the right.

    Parameters
    ----------
    leaf : numpy.ndarray of int, shape (leaves,)
        Which of all leaves.
    ends : numpy.ndarray of int, shape (leaves,)
        Where the terms of a leaf end: the features of the nodes on its path.
    column : numpy.ndarray of int, shape (terms,)
    share : numpy.ndarray, shape (terms,)
        Of the training rows at these nodes, the part that follows the path.
    leads : numpy.ndarray of bool, shape (terms, codes)
        Which codes of the column follow the path.
    """

    leaf: Array
    ends: Array
    column: Array
    share: Array
    leads: Array


class LeafGroups(NamedTuple):
    """All leaves of all trees in groups.

    Parameters
    ----------
    feature, missing, counts, thresholds : numpy.ndarray
        Columns of codes, as `crm_ml.models.tree_steps.TreeSteps` has them; no two of one feature.
    value, term_ends : numpy.ndarray, shape (leaves,)
        Of a leaf its value, and where its terms end.
    share : numpy.ndarray, shape (terms,)
        See `LeafTerms`.
    axis, inside : numpy.ndarray of int, shape (terms,)
        Which axis of its group a term is, and a bit for each cell of it that follows the path.
    leaf_ends, axis_ends : numpy.ndarray of int, shape (groups,)
        Where the leaves of a group end, and its axes: the columns that its leaves compare.
    cases : numpy.ndarray of int, shape (groups,)
        The product of the cells of its axes.
    column, cells, stride : numpy.ndarray of int, shape (axes,)
        The column of an axis, in how many cells it parts the codes, and by what its cell counts in the
        number of a case.
    step : numpy.ndarray of int, shape (axes, codes)
        The cell of each code, times the stride.
    """

    feature: Array
    missing: Array
    counts: Array
    thresholds: Array
    value: Array
    term_ends: Array
    share: Array
    axis: Array
    inside: Array
    leaf_ends: Array
    axis_ends: Array
    cases: Array
    column: Array
    cells: Array
    stride: Array
    step: Array


def groups_of(trees: Trees) -> LeafGroups | None:
    """Return the groups of checked trees; None where a path or a column has too much for tables of cases."""
    from crm_ml.models.group_kernels import grouped

    by_category = np.flatnonzero(trees.decision_type & BY_CATEGORY)
    if trees.set_words[trees.threshold[by_category].astype(np.int64)].sum() > _MOST_WORDS:
        return None
    columns = code_columns(trees)
    feature = columns.key >> 2
    if columns.counts.max(initial=0) > _MOST_CODES or len(np.unique(feature)) < len(feature):
        return None
    terms = _terms(trees, columns)
    if terms is None:
        return None
    tree_ends = np.cumsum(trees.leaves)
    found = grouped(tree_ends, terms.ends, terms.column, terms.leads, columns.counts + 2, MOST_CASES)
    return LeafGroups(
        feature, columns.key & 3, columns.counts, filled_thresholds(columns),
        trees.leaf_value[terms.leaf], terms.ends, terms.share, *found,
    )  # fmt: skip


def base_of(trees: Trees) -> float:
    """Return the mean of the trees' sum over the rows of training."""
    tree = np.repeat(np.arange(len(trees.leaves)), trees.leaves)
    count = np.where(trees.leaves[tree] > 1, trees.leaf_count, 1)  # a lone leaf has none
    sums = np.bincount(tree, trees.leaf_value * count)
    return float((sums / np.bincount(tree, count)).sum())


def _terms(trees: Trees, columns: CodeColumns) -> LeafTerms | None:
    """Return what leads to the leaves; None where it is more than is worth holding."""
    from crm_ml.models.group_kernels import leaf_terms

    order = np.argsort(columns.node, kind="stable")
    range_ends = np.cumsum(np.bincount(columns.node, minlength=len(trees.threshold)))
    codes = columns.counts + 2  # one more for what is missing
    if trees.leaves.sum() * codes.max(initial=1) > _MOST_TABLES:
        return None
    leaf, ends, column, share, leads, fits = leaf_terms(
        trees.leaves, trees.left_child, trees.right_child, trees.internal_count, trees.leaf_count,
        columns.column_of, codes, range_ends, columns.low[order], columns.width[order], MOST_FEATURES,
    )  # fmt: skip
    return LeafTerms(leaf, ends, column, share, leads) if fits else None
