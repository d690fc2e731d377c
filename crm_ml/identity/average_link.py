"""Average-link clustering of pairs: two groups join while the mean log-odds of their pairs is high enough.

Connected components join whatever one wrong pair connects. Here each pair of members counts: those that were
compared with their log-odds, those that were not with `absent`.
"""

import heapq
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from crm_ml.tables.strict import Strict

if TYPE_CHECKING:
    from crm_ml.identity.scorer import ScoredPairs

_Neighbours = dict[int, tuple[float, int]]


class AverageLink(Strict):
    """When two groups of profiles are one person.

    Parameters
    ----------
    absent : float
        Log-odds of two profiles that no scorer compared.
    stop : float
        Least mean log-odds of the pairs of two groups that are joined.

    References
    ----------
    Sokal and Michener (1958). A statistical method for evaluating systematic relationships (UPGMA).
    """

    absent: float = -1.0
    stop: float = 0.0


def cluster(
    labels: npt.NDArray[np.int64], pairs: "ScoredPairs", settings: AverageLink
) -> npt.NDArray[np.int64]:
    """Join groups of profiles by their pairs, and return the group of each profile.

    Parameters
    ----------
    labels : numpy.ndarray of int, shape (n,)
        Groups that are certain, such as the components of rules.
    pairs : ScoredPairs
    settings : AverageLink
    """
    left, right, odds = _between_groups(labels, pairs, settings.stop)
    sizes = np.bincount(labels).tolist()
    near: dict[int, _Neighbours] = {}
    for i, j, value in zip(left.tolist(), right.tolist(), odds.tolist(), strict=True):
        total, count = near.setdefault(i, {}).get(j, (0.0, 0))
        near[i][j] = near.setdefault(j, {})[i] = (total + value, count + 1)
    parents = _Merging(near, sizes, settings).run()
    return np.unique(_roots(parents, len(sizes))[labels], return_inverse=True)[1].astype(np.int64)


def _between_groups(
    labels: npt.NDArray[np.int64], pairs: "ScoredPairs", stop: float
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Return pairs of groups; those that no chain of pairs above `stop` connects can never join."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    left, right = labels[pairs.left], labels[pairs.right]
    likely = pairs.log_odds > stop
    groups = int(labels.max(initial=-1)) + 1
    graph = coo_array((likely[likely], (left[likely], right[likely])), shape=(groups, groups))
    part = connected_components(graph, directed=False)[1]
    keep = (part[left] == part[right]) & (left != right)
    return left[keep], right[keep], pairs.log_odds[keep]


class _Merging:
    """The merges, from the pair of groups of the highest mean down."""

    def __init__(self, near: dict[int, _Neighbours], sizes: list[int], settings: AverageLink) -> None:
        self.near, self.sizes, self.settings = near, sizes, settings
        self.turns: dict[int, int] = dict.fromkeys(near, 0)
        self.parents: dict[int, int] = {}
        self.waiting: list[tuple[float, int, int, int, int]] = []

    def run(self) -> dict[int, int]:
        """Return the group that each joined group went into."""
        for i in sorted(self.near):
            for j in self.near[i]:
                if i < j:
                    self._wait(i, j)
        while self.waiting:
            _, i, j, turn_i, turn_j = heapq.heappop(self.waiting)
            if self.turns.get(i) == turn_i and self.turns.get(j) == turn_j:
                self._join(i, j)
        return self.parents

    def _wait(self, i: int, j: int) -> None:
        total, count = self.near[i][j]
        every = self.sizes[i] * self.sizes[j]
        mean = (total + self.settings.absent * (every - count)) / every
        if mean > self.settings.stop:
            low, high = (i, j) if i < j else (j, i)
            heapq.heappush(self.waiting, (-mean, low, high, self.turns[low], self.turns[high]))

    def _join(self, i: int, j: int) -> None:
        if len(self.near[i]) < len(self.near[j]):
            i, j = j, i
        self.parents[j] = i
        self.sizes[i] += self.sizes[j]
        del self.turns[j]
        self.turns[i] += 1
        del self.near[i][j]
        for other, (total, count) in self.near.pop(j).items():
            if other == i:
                continue
            own_total, own_count = self.near[i].get(other, (0.0, 0))
            self.near[i][other] = self.near[other][i] = (own_total + total, own_count + count)
            del self.near[other][j]
        for other in self.near[i]:
            self._wait(i, other)


def _roots(parents: dict[int, int], groups: int) -> npt.NDArray[np.int64]:
    roots = np.arange(groups, dtype=np.int64)
    for child in parents:
        root = child
        while root in parents:
            root = parents[root]
        roots[child] = root
    return roots
