"""Which profiles a rule joins, within walls, caps and contradictions, and the components of several rules."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from crm_ml.identity.identifier_codes import Codes, combined, counts
from crm_ml.identity.rule import Rule


@dataclass(frozen=True, eq=False)
class RuleLinks:
    """What one rule joins: profiles with the same code of `joins`.

    Parameters
    ----------
    rule : Rule
    cap : int
        Most profiles that share a value.
    codes : numpy.ndarray of int, shape (n,)
        Code of the value of each profile within its wall; -1 without one.
    joins : numpy.ndarray of int, shape (n,)
        The same where the rule joins; -1 where it does not.
    degrees : numpy.ndarray of int
        Number of profiles of each code of `codes`.
    disputed : numpy.ndarray of bool
        Whether the profiles of a code of `codes` have several values of a column in which they must agree.
    """

    rule: Rule
    cap: int
    codes: Codes
    joins: Codes
    degrees: npt.NDArray[np.int64]
    disputed: npt.NDArray[np.bool_]


def link(rule: Rule, columns: Mapping[str, Codes], wall: Codes | None, hub_cap: int) -> RuleLinks:
    """Return what a rule joins.

    Parameters
    ----------
    rule : Rule
    columns : mapping of str to numpy.ndarray of int, shape (n,)
        Codes of identifiers.
    wall : numpy.ndarray of int, shape (n,), optional
        Code of the walled part of each profile; -1 where it is joined with none.
    hub_cap : int
        Where the rule has no cap of its own.
    """
    parts = [columns[name] for name in rule.same]
    values = combined(parts if wall is None else [*parts, wall])
    degrees = counts(values)
    cap = rule.cap or hub_cap
    over = degrees > cap
    joins = np.where((values >= 0) & ~_at(over, values), values, np.int32(-1)) if over.any() else values
    disputed = np.zeros(len(degrees), dtype=bool)
    for name in rule.agree:
        joins, several = _agreeing(values, joins, columns[name])
        disputed |= several
    return RuleLinks(rule, cap, values, joins, degrees, disputed & ~over)


def _at(flags: npt.NDArray[np.bool_], codes: Codes) -> npt.NDArray[np.bool_]:
    """Return the flag of each code; of -1 that of the last, which the caller leaves out."""
    return flags[codes] if len(flags) else np.zeros(len(codes), dtype=bool)


def _agreeing(values: Codes, joins: Codes, other: Codes) -> tuple[Codes, npt.NDArray[np.bool_]]:
    """Return joins split by another column where a value has several of it, and which values have."""
    first = np.full(int(values.max(initial=-1)) + 1, -1, dtype=np.int32)
    known = np.flatnonzero((values >= 0) & (other >= 0))
    first[values[known]] = other[known]
    several = np.zeros(len(first), dtype=bool)
    several[values[known[first[values[known]] != other[known]]]] = True
    split = (joins >= 0) & _at(several, values)
    if not split.any():
        return joins, several
    return combined([joins, np.where(split, other, np.int32(0))]), several


def components(links: Sequence[RuleLinks], profiles: int) -> npt.NDArray[np.int64]:
    """Return the number of the connected component of each profile.

    Each value joins its first profile with its others, a star in place of all pairs.

    Parameters
    ----------
    links : sequence of RuleLinks
    profiles : int
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    left, right = edges(links)
    graph = coo_array((np.ones(len(left), np.int8), (left, right)), shape=(profiles, profiles))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def edges(links: Sequence[RuleLinks]) -> tuple[Codes, Codes]:
    """Return the rows of both ends of the edges of all rules."""
    left, right = [np.empty(0, np.int32)], [np.empty(0, np.int32)]
    for one in links:
        rows = np.flatnonzero(one.joins >= 0).astype(np.int32)
        codes = one.joins[rows]
        first = np.empty(int(codes.max(initial=-1)) + 1, np.int32)
        first[codes[::-1]] = rows[::-1]  # of equal places the last assignment stays: the first row
        others = first[codes] != rows
        left.append(first[codes[others]])
        right.append(rows[others])
    return np.concatenate(left), np.concatenate(right)
