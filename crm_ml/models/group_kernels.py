"""Paths to leaves, and leaves in groups: compiled loops; imported where they run."""

from typing import Any

import numba
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
_MOST_CELLS = 64  # of an axis: the bits of a word
_ONE = np.uint64(1)
_ANY = 1 << 40


@numba.njit(cache=True, nogil=True)
def leaf_terms(
    leaves: Array, left: Array, right: Array, node_count: Array, leaf_count: Array,
    column_of: Array, codes: Array, range_ends: Array, low: Array, width: Array, most: int,
) -> Any:  # fmt: skip  # pragma: no cover  (compiled)
    """Return the fields of `crm_ml.models.leaf_groups.LeafTerms`, and whether no path has too many features.

    Parameters
    ----------
    leaves, left, right, node_count, leaf_count : numpy.ndarray of int
        Of `crm_ml.models.trees.Trees`.
    column_of : numpy.ndarray of int, shape (nodes,)
    codes : numpy.ndarray of int, shape (columns,)
        How many codes a column has.
    range_ends, low, width : numpy.ndarray of int
        Where the ranges of codes that a node sends to the right end, and these.
    most : int
        Features of a path.
    """
    every, widest = len(leaf_count), codes.max() if len(codes) else 0
    of_place, ends = np.empty(every, np.int64), np.empty(every, np.int64)
    column, share = np.empty(every * most, np.int64), np.empty(every * most)
    leads = np.empty((every, widest), np.bool_)
    to_right = np.empty(widest, np.bool_)
    node0 = leaf0 = end = 0
    for count in leaves:
        parent, order = _ways(count, left[node0:], right[node0:])
        for place in range(count):
            leaf, start = order[place], end
            child, rows = -1 - leaf, leaf_count[leaf0 + leaf]
            node = parent[count - 1 + leaf]
            while node >= 0:
                term = start
                while term < end and column[term] != column_of[node0 + node]:
                    term += 1
                if term == end:
                    if end - start == most:
                        return of_place, ends, column, share, leads, False
                    if end == len(leads):
                        leads = np.concatenate((leads, np.empty((end, widest), np.bool_)))
                    column[end], share[end], leads[end] = column_of[node0 + node], 1.0, True
                    end += 1
                share[term] *= rows / node_count[node0 + node]
                to_right[:] = False
                for way in range(
                    range_ends[node0 + node - 1] if node0 + node else 0, range_ends[node0 + node]
                ):
                    to_right[low[way] : low[way] + width[way]] = True
                went_right = right[node0 + node] == child
                for code in range(widest):
                    leads[term, code] &= to_right[code] == went_right
                child, rows = node, node_count[node0 + node]
                node = parent[node]
            of_place[leaf0 + place], ends[leaf0 + place] = leaf0 + leaf, end
        node0 += count - 1
        leaf0 += count
    return of_place, ends, column[:end].copy(), share[:end].copy(), leads[:end].copy(), True


@numba.njit(cache=True, nogil=True)
def _ways(count: int, left: Array, right: Array) -> Any:  # pragma: no cover  (compiled)
    """Return the parent of each node, then of each leaf of a tree, and its leaves from the left."""
    nodes = count - 1
    parent, order = np.full(nodes + count, -1, np.int64), np.zeros(count, np.int64)
    waiting, place = [0 if nodes else -1], 0
    while waiting:
        at = waiting.pop()
        if at < 0:
            order[place] = -1 - at
            place += 1
            continue
        for child in (right[at], left[at]):
            parent[child if child >= 0 else nodes - 1 - child] = at
            waiting.append(child)
    return parent, order


@numba.njit(cache=True, nogil=True)
def grouped(
    tree_ends: Array, term_ends: Array, column: Array, leads: Array, codes: Array, most_cases: int
) -> Any:  # pragma: no cover  (compiled)
    """Return the fields of `crm_ml.models.leaf_groups.LeafGroups` from ``axis`` on.

    A group takes the next leaf of its tree as long as it has at most `most_cases` cases.
    """
    every, most = len(term_ends), len(column)
    axis, inside = np.empty(most, np.int64), np.zeros(most, np.uint64)
    leaf_ends, axis_ends, cases = (
        np.empty(every, np.int64),
        np.empty(every, np.int64),
        np.empty(every, np.int64),
    )
    columns, cells, stride = np.empty(most, np.int64), np.empty(most, np.int64), np.empty(most, np.int64)
    step = np.empty((most, leads.shape[1]), np.int32)
    axis_of = np.full(len(codes), -1, np.int64)
    groups = axes = start = 0
    for tree_end in tree_ends:
        while start < tree_end:
            first_term = term_ends[start - 1] if start else 0
            leaf = start + 1
            while leaf < tree_end:
                found = _cells(
                    first_term, term_ends[leaf], column, leads, codes, axis_of,
                    axis, columns[axes:], cells[axes:], step[axes:], most_cases,
                )  # fmt: skip
                if not found:
                    break
                leaf += 1
            _cells(
                first_term, term_ends[leaf - 1], column, leads, codes, axis_of,
                axis, columns[axes:], cells[axes:], step[axes:], _ANY,
            )  # fmt: skip
            own, joint = 0, 1
            for term in range(first_term, term_ends[leaf - 1]):
                own = max(own, axis[term] + 1)
                at = axes + axis[term]
                for code in range(codes[column[term]]):
                    if leads[term, code]:
                        inside[term] |= _ONE << np.uint64(step[at, code])
            for at in range(axes, axes + own):
                stride[at] = joint
                step[at, : codes[columns[at]]] *= joint
                joint *= cells[at]
            axes += own
            leaf_ends[groups], axis_ends[groups], cases[groups] = leaf, axes, joint
            groups += 1
            start = leaf
    return (
        axis, inside, leaf_ends[:groups].copy(), axis_ends[:groups].copy(), cases[:groups].copy(),
        columns[:axes].copy(), cells[:axes].copy(), stride[:axes].copy(), step[:axes].copy(),
    )  # fmt: skip


@numba.njit(cache=True, nogil=True)
def _cells(
    start: int, end: int, column: Array, leads: Array, codes: Array, axis_of: Array,
    axis: Array, columns: Array, cells: Array, step: Array, most_cases: int,
) -> bool:  # fmt: skip  # pragma: no cover  (compiled)
    """Write the axes of some terms and the cells that they part the codes into; return whether these fit."""
    axes, joint, fits = 0, 1, True
    number = np.empty(2 * _MOST_CELLS, np.int64)
    for term in range(start, end):
        at = axis_of[column[term]]
        if at < 0:
            at = axes
            axis_of[column[term]], columns[at], cells[at] = at, column[term], 1
            step[at] = 0
            axes += 1
        axis[term] = at
        number[:] = -1
        found = 0
        for code in range(codes[column[term]]):
            pair = 2 * step[at, code] + leads[term, code]
            if number[pair] < 0:
                number[pair] = found
                found += 1
            step[at, code] = number[pair]
        joint = joint // cells[at] * found
        cells[at] = found
        if joint > most_cases or found > _MOST_CELLS:
            fits = False
            break
    for at in range(axes):
        axis_of[columns[at]] = -1
    return fits
