"""Trees as arrays of their nodes, and the check of those that were read from a file."""

from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from crm_ml.errors import IntegrityError

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]


class Nodes(NamedTuple):
    """The nodes of one or several trees; a node stands before its children.

    Parameters
    ----------
    feature : numpy.ndarray of int, shape (m,)
        Column that a node splits by; negative in a leaf.
    threshold : numpy.ndarray of float, shape (m,)
        A row goes left where its value is at most this.
    left, right : numpy.ndarray of int, shape (m,)
        Places of the children.
    missing_left : numpy.ndarray of bool, shape (m,)
        Whether a row without a value goes left.
    value : numpy.ndarray of float, shape (m,)
        What a row in this node is expected to have.
    """

    feature: Places
    threshold: Floats
    left: Places
    right: Places
    missing_left: npt.NDArray[np.bool_]
    value: Floats

    @classmethod
    def of(cls, tree: Any) -> Self:
        """Return the nodes of a fitted tree of scikit-learn, without values."""
        return cls(
            tree.feature.astype(np.int64),
            tree.threshold.copy(),
            tree.children_left.astype(np.int64),
            tree.children_right.astype(np.int64),
            tree.missing_go_to_left.astype(bool),
            np.zeros(tree.node_count),
        )


def join(trees: list[Nodes]) -> tuple[Places, Nodes]:
    """Return the first node of each tree, shape (t,), and the nodes of all, whose children follow."""
    sizes = [len(tree.value) for tree in trees]
    roots = np.cumsum([0, *sizes])[:-1]
    nodes = Nodes(*(np.concatenate(arrays) for arrays in zip(*trees, strict=True)))
    shift = np.repeat(roots, sizes)
    return roots, nodes._replace(left=nodes.left + shift, right=nodes.right + shift)


def checked(path: Path, arrays: dict[str, Any], trees: int, features: int) -> tuple[Places, Nodes]:
    """Return roots and nodes of arrays that a file holds.

    Raises
    ------
    IntegrityError
        If they are no trees, so that a prediction would read elsewhere or never end.
    """
    names = {"roots", *Nodes._fields}
    size = len(arrays["value"]) if set(arrays) == names and arrays["value"].ndim == 1 else 0
    whole = size and arrays["roots"].shape == (trees,)
    if not whole or any(arrays[name].shape != (size,) for name in Nodes._fields):
        raise IntegrityError(f"{path}: its arrays are not {trees:,} trees; train the model again")
    roots, nodes = arrays["roots"], Nodes(*(arrays[name] for name in Nodes._fields))
    inner = np.flatnonzero(nodes.feature >= 0)
    children = np.concatenate([nodes.left[inner], nodes.right[inner]])
    is_below = (children > np.tile(inner, 2)).all() and (children < size).all()
    if not is_below or (nodes.feature >= features).any() or ((roots < 0) | (roots >= size)).any():
        raise IntegrityError(f"{path}: a node points to none of its trees; train the model again")
    return roots, nodes
