"""Trees as arrays, from a text of LightGBM that was checked."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
BY_CATEGORY: Final = 1  # the lowest bit of a decision type; then default left, and what is missing


@dataclass(frozen=True, eq=False)
class Trees:
    """All trees of a checked text, with their nodes, leaves and sets of categories behind each other.

    Parameters
    ----------
    objective : str
        As `crm_ml.models.booster_lines.TreeLines` has it.
    leaves : numpy.ndarray of int, shape (trees,)
    split_feature, decision_type, left_child, right_child : numpy.ndarray of int, shape (nodes,)
        Children are nodes of the same tree, behind their parent, or -1 - leaf.
    threshold : numpy.ndarray, shape (nodes,)
        Of a split by categories the number of their set in `set_start`.
    leaf_value : numpy.ndarray, shape (all leaves,)
    leaf_count, internal_count : numpy.ndarray of int, shape (all leaves,) and (nodes,)
        Rows of training that reached them.
    set_start, set_words : numpy.ndarray of int, shape (sets,)
        Where a set begins in `category_words`, and how many words it has.
    category_words : numpy.ndarray of int
        A bit for each category, 32 in a word.
    """

    objective: str
    leaves: Ints
    split_feature: Ints
    decision_type: Ints
    left_child: Ints
    right_child: Ints
    threshold: Floats
    leaf_value: Floats
    leaf_count: Ints
    internal_count: Ints
    set_start: Ints
    set_words: Ints
    category_words: Ints
