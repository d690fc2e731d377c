"""Why two profiles are one customer, or why they are not."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from crm_ml.identity.bad_identifiers import values_of, why
from crm_ml.identity.profile_table import ProfileTable
from crm_ml.identity.rule_links import RuleLinks

if TYPE_CHECKING:
    from crm_ml.identity.scorer import ScoredPairs

_SHOWN, _LONG = 3, 8


@dataclass(frozen=True)
class Step:
    """Two profiles that something joins.

    Parameters
    ----------
    profile_id, next_profile_id : str
    by : str
        The columns of a rule, or ``"scorer"``.
    value : str
        Which value they share, of which only the ends are shown, or the probability.
    """

    profile_id: str
    next_profile_id: str
    by: str
    value: str


@dataclass(frozen=True)
class Explanation:
    """Why two profiles are one customer, or why they are not.

    Parameters
    ----------
    joined : bool
    steps : tuple of Step
        A shortest chain from the first to the second; empty where they are not joined.
    reasons : tuple of str
        Where they are not joined: what they share and why that does not join them.
    """

    joined: bool
    steps: tuple[Step, ...]
    reasons: tuple[str, ...]

    def __str__(self) -> str:
        lines = ["one customer" if self.joined else "two customers"]
        lines += [f"{s.profile_id} - {s.next_profile_id}: {s.by} {s.value}" for s in self.steps]
        return "\n".join([*lines, *self.reasons])


def shown(value: str) -> str:
    """Return the ends of a value, so that nobody is called by what an explanation shows.

    Examples
    --------
    >>> shown("+8613800138000"), shown("ada")
    ('+86...00', '...')
    """
    return f"{value[:_SHOWN]}...{value[-2:]}" if len(value) > _LONG else "..."


def explain(
    profiles: ProfileTable,
    links: Sequence[RuleLinks],
    pairs: "ScoredPairs | None",
    labels: npt.NDArray[np.int64],
    ends: tuple[int, int],
) -> Explanation:
    """Return why two rows are one customer, or why they are not.

    Parameters
    ----------
    profiles : ProfileTable
    links : sequence of RuleLinks
    pairs : ScoredPairs, optional
    labels : numpy.ndarray of int, shape (n,)
    ends : tuple of int
        The two rows.
    """
    first, second = ends
    if labels[first] != labels[second]:
        return Explanation(False, (), tuple(_reasons(profiles, links, pairs, ends)))
    rows = np.flatnonzero(labels == labels[first])
    return Explanation(True, tuple(_chain(profiles, links, pairs, rows, ends)), ())


def _chain(
    profiles: ProfileTable,
    links: Sequence[RuleLinks],
    pairs: "ScoredPairs | None",
    rows: npt.NDArray[np.int64],
    ends: tuple[int, int],
) -> list[Step]:
    """Return a shortest chain between two rows of one customer, breadth first."""
    scored = _likely(pairs, rows)
    came: dict[int, tuple[int, int] | None] = {ends[0]: None}
    waiting = deque([ends[0]])
    while waiting and ends[1] not in came:
        row = waiting.popleft()
        for place, link in enumerate(links):
            if link.joins[row] >= 0:
                _visit(rows[link.joins[rows] == link.joins[row]].tolist(), (row, place), came, waiting)
        _visit(sorted(scored.get(row, {})), (row, len(links)), came, waiting)
    steps: list[Step] = []
    row = ends[1]
    while (before := came[row]) is not None:
        by, value = _by(profiles, links, scored, before, row)
        steps.append(Step(_id(profiles, before[0]), _id(profiles, row), by, value))
        row = before[0]
    return steps[::-1]


def _visit(
    rows: Sequence[int],
    source: tuple[int, int],
    came: dict[int, tuple[int, int] | None],
    waiting: "deque[int]",
) -> None:
    for row in rows:
        if row not in came:
            came[row] = source
            waiting.append(row)


def _likely(pairs: "ScoredPairs | None", rows: npt.NDArray[np.int64]) -> dict[int, dict[int, float]]:
    """Return the probabilities of the pairs within some rows."""
    near: dict[int, dict[int, float]] = {}
    if pairs is not None:
        inside = np.flatnonzero(np.isin(pairs.left, rows) & np.isin(pairs.right, rows))
        for place in inside.tolist():
            left, right = int(pairs.left[place]), int(pairs.right[place])
            probability = float(1 / (1 + np.exp(-pairs.log_odds[place])))
            near.setdefault(left, {})[right] = near.setdefault(right, {})[left] = probability
    return near


def _by(
    profiles: ProfileTable,
    links: Sequence[RuleLinks],
    scored: dict[int, dict[int, float]],
    before: tuple[int, int],
    row: int,
) -> tuple[str, str]:
    source, place = before
    if place == len(links):
        return "scorer", f"{scored[source][row]:.3f}"
    return links[place].rule.name, shown(values_of(profiles, links[place], np.asarray([row]))[0])


def _reasons(
    profiles: ProfileTable,
    links: Sequence[RuleLinks],
    pairs: "ScoredPairs | None",
    ends: tuple[int, int],
) -> list[str]:
    first, second = ends
    if profiles.wall is not None and not 0 <= profiles.wall[first] == profiles.wall[second]:
        return ["a wall is between them, or one of them is joined with none"]
    reasons = []
    for link in links:
        code = link.codes[first]
        if code >= 0 and code == link.codes[second]:
            value = shown(values_of(profiles, link, np.asarray([first]))[0])
            degree = f"{link.degrees[code]:,} profiles"
            reasons.append(f"both have {link.rule.name} {value}, of {degree}: {why(link, int(code))}")
    probability = _likely(pairs, np.asarray(ends)).get(first, {}).get(second)
    if probability is not None:
        reasons.append(f"the scorer gives them {probability:.3f}; their groups are not alike enough")
    return reasons or ["they share no identifier of a rule, and no chain of profiles connects them"]


def _id(profiles: ProfileTable, row: int) -> str:
    return str(profiles.ids[row].as_py())
