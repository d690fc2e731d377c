"""Shapley values of trees for many rows: compiled loops; imported where they run."""

from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from crm_ml.models.leaf_groups import LeafGroups
from crm_ml.models.tree_kernels import BLOCK, encode

Array = npt.NDArray[Any]
_ONE = np.uint64(1)


@numba.njit(cache=True, nogil=True)
def add_contributions(
    columns: Array, groups: LeafGroups, points: Array, weights: Array, total: Array
) -> None:  # pragma: no cover  (compiled)
    """Add what each feature of rows contributes to `total`, shape (features, n), as `columns` has it.

    The values of a row are added in the order of the groups, whatever other rows there are.
    """
    rows = total.shape[1]
    codes = np.empty((len(groups.feature), rows), groups.step.dtype)
    for begin in range(0, rows, BLOCK):
        end = min(begin + BLOCK, rows)
        encode(
            columns, begin, end, groups.feature, groups.missing, groups.counts, groups.thresholds,
            codes[:, begin:end],
        )  # fmt: skip
    case, slot = np.empty(rows, np.int32), np.empty(groups.cases.max(), np.int32)
    met = np.empty(rows, np.int32)
    axes0 = leaf0 = 0
    for group in range(len(groups.cases)):
        axes, leaves = groups.axis_ends[group], groups.leaf_ends[group]
        case[:] = 0
        for at in range(axes0, axes):
            step, code = groups.step[at], codes[groups.column[at]]
            for row in range(rows):
                case[row] += step[code[row]]
        slot[: groups.cases[group]] = -1
        used = 0
        for row in range(rows):
            if slot[case[row]] < 0:
                slot[case[row]] = used
                met[used] = case[row]
                used += 1
            case[row] = slot[case[row]]
        table = _of_cases(met[:used], axes0, axes, leaf0, leaves, groups, points, weights)
        for at in range(axes0, axes):
            own, out = table[at - axes0], total[groups.feature[groups.column[at]]]
            for row in range(rows):
                out[row] += own[case[row]]
        axes0, leaf0 = axes, leaves


@numba.njit(cache=True, nogil=True)
def _of_cases(
    met: Array, axes0: int, axes: int, leaf0: int, leaves: int, groups: LeafGroups,
    points: Array, weights: Array,
) -> Array:  # fmt: skip  # pragma: no cover  (compiled)
    """Return the Shapley values of the leaves of a group on each axis, in each of some cases."""
    table = np.zeros((axes - axes0, len(met)))
    cell = np.empty((axes - axes0, len(met)), np.uint64)
    for at in range(axes0, axes):
        for number in range(len(met)):
            cell[at - axes0, number] = met[number] // groups.stride[at] % groups.cells[at]
    way, slot = np.empty(len(met), np.int64), np.empty(len(met), np.int64)
    term0 = groups.term_ends[leaf0 - 1] if leaf0 else 0
    for leaf in range(leaf0, leaves):
        end = groups.term_ends[leaf]
        way[:] = 0
        for term in range(term0, end):
            inside, own, bit = groups.inside[term], cell[groups.axis[term]], term - term0
            for number in range(len(met)):
                way[number] |= np.int64(inside >> own[number] & _ONE) << bit
        slot_of, ways = np.full(1 << (end - term0), -1, np.int64), 0
        for number in range(len(met)):
            if slot_of[way[number]] < 0:
                slot_of[way[number]] = ways
                way[ways] = way[number]
                ways += 1
            slot[number] = slot_of[way[number]]
        values = _of_leaf(way[:ways], groups.value[leaf], groups.share[term0:end], points, weights)
        for term in range(term0, end):
            own, out = values[term - term0], table[groups.axis[term]]
            for number in range(len(met)):
                out[number] += own[slot[number]]
        term0 = end
    return table


@numba.njit(cache=True, nogil=True)
def _of_leaf(
    ways: Array, value: float, share: Array, points: Array, weights: Array
) -> Array:  # pragma: no cover  (compiled)
    """Return the Shapley value of each feature on the path to a leaf where bits tell which of them follow it.

    The game of a leaf is a product, its value for a coalition S the leaf's value times the shares of the
    features outside of S, or 0 where one in S does not follow. The Shapley value of feature j is the integral
    over t from 0 to 1 of (x_j - z_j) prod_{i != j} (z_i + t (x_i - z_i)), x of 0 and 1, z the shares: a
    polynomial, to which Gauss and Legendre's points are exact.
    """
    terms = len(share)
    nodes = (terms + 1) // 2
    factor, ratio = np.empty((2, terms, nodes)), np.empty((2, terms, nodes))
    for term in range(terms):
        for node in range(nodes):
            point = points[nodes, node]
            within = share[term] + point * (1.0 - share[term])
            factor[1, term, node], ratio[1, term, node] = within, (1.0 - share[term]) / within
            factor[0, term, node], ratio[0, term, node] = share[term] * (1.0 - point), -1.0 / (1.0 - point)
    values, product = np.empty((terms, len(ways))), np.empty(nodes)
    for number in range(len(ways)):
        way = ways[number]
        for node in range(nodes):
            product[node] = value * weights[nodes, node]
        for term in range(terms):
            follows = way >> term & 1
            for node in range(nodes):
                product[node] *= factor[follows, term, node]
        for term in range(terms):
            follows, found = way >> term & 1, 0.0
            for node in range(nodes):
                found += product[node] * ratio[follows, term, node]
            values[term, number] = found
    return values
