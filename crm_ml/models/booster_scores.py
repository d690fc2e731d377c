"""What boosters say of encoded rows: margins of compiled trees, and what each feature contributes to them."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from crm_ml.models.checks import Floats
from crm_ml.models.leaf_groups import MOST_FEATURES, LeafGroups, base_of, groups_of
from crm_ml.models.tree_steps import TreeSteps, steps_of
from crm_ml.models.trees import Trees
from crm_ml.threads import usable

if TYPE_CHECKING:
    import numpy.typing as npt

_MANY = 256  # rows from which on a second thread is worth waking
_PIECE = 8_192  # rows whose columns are laid out at once
_EXPLAINED = 32_768  # rows that share tables of cases, and none does worse where they are many
COMPILED_ROWS = 1_000  # from which on the compiled trees are worth loading


@dataclass(frozen=True, eq=False)
class CheckedBooster:
    """A booster of LightGBM and the trees of its text, which were checked.

    Parameters
    ----------
    booster : lightgbm.Booster
    trees : Trees
    """

    booster: Any
    trees: Trees

    def margin(self, matrix: "npt.ArrayLike", num_threads: int) -> Floats:
        """Return the margin of each row of encoded columns, shape (n,), before any link function.

        LightGBM itself predicts few rows, and those of trees that it is quicker with. The numbers are the
        same to the bit, since both add the same leaves in the order of the trees.
        """
        rows = np.asarray(matrix)
        if len(rows) < COMPILED_ROWS or self._steps is None:
            threads = usable(num_threads) if len(rows) >= _MANY else 1
            return np.asarray(self.booster.predict(rows, raw_score=True, num_threads=threads))
        return _margin(self._steps, rows, usable(num_threads))

    def prediction(self, matrix: "npt.ArrayLike", num_threads: int) -> Floats:
        """Return what LightGBM predicts of each row, a probability or a score, shape (n,), to the bit."""
        if self.trees.objective == "lambdarank":
            return self.margin(matrix, num_threads)
        if self.trees.objective != "binary sigmoid:1":
            return np.asarray(self.booster.predict(matrix, num_threads=usable(num_threads)))
        from scipy.special import expit

        return np.asarray(expit(self.margin(matrix, num_threads)))

    def contributions(self, matrix: "npt.ArrayLike", num_threads: int) -> Floats:
        """Return what each of k columns contributes to the margin of a row, and the base, shape (n, k + 1).

        These are the Shapley values of the trees over their training rows, LightGBM's ``pred_contrib``, from
        which they differ by no more than rounding. A row has the same bits among any other rows.

        References
        ----------
        .. [1] Lundberg, Erion and Lee (2018). Consistent individualized feature attribution for tree
           ensembles, algorithm 2 (its values).
        """
        rows = np.asarray(matrix)
        if self._groups is None:
            predict = self.booster.predict
            return np.asarray(predict(rows, pred_contrib=True, num_threads=usable(num_threads)))
        explained = np.empty((len(rows), rows.shape[1] + 1))
        explained[:, :-1] = _contributions(self._groups, rows, usable(num_threads))
        explained[:, -1] = base_of(self.trees)
        return explained

    @cached_property
    def _steps(self) -> TreeSteps | None:
        return steps_of(self.trees)

    @cached_property
    def _groups(self) -> LeafGroups | None:
        return groups_of(self.trees)


def mean_margin(boosters: Sequence[CheckedBooster], matrix: Floats, num_threads: int) -> Floats:
    """Return the margin of each row of an encoded matrix, shape (n,)."""
    if not len(matrix):
        return np.empty(0)
    each = [booster.margin(matrix, num_threads) for booster in boosters]
    return np.asarray(np.mean(each, axis=0))


def mean_contributions(boosters: Sequence[CheckedBooster], matrix: Floats, num_threads: int) -> Floats:
    """Return the contribution of each of k columns to the margin, and the base, shape (n, k + 1)."""
    each = [booster.contributions(matrix, num_threads) for booster in boosters]
    return np.asarray(np.mean(each, axis=0))


def _margin(steps: TreeSteps, rows: "npt.NDArray[Any]", threads: int) -> Floats:
    """Return the margins of compiled trees; each thread takes one piece after another."""
    from crm_ml.models.tree_kernels import add_leaves

    total = np.zeros(len(rows))

    def add(start: int) -> None:
        piece = np.ascontiguousarray(rows[start : start + _PIECE].T, dtype=np.float64)
        add_leaves(piece, steps, total[start : start + _PIECE])

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(add, range(0, len(rows), _PIECE)))
    return total


def _contributions(groups: LeafGroups, rows: "npt.NDArray[Any]", threads: int) -> Floats:
    """Return what each column of some rows contributes, shape (n, k)."""
    from crm_ml.models.reason_kernels import add_contributions

    points, weights = _quadrature()
    size = max(1, min(_EXPLAINED, -(-len(rows) // threads)))

    def explain(start: int) -> Floats:
        piece = np.ascontiguousarray(rows[start : start + size].T, dtype=np.float64)
        total = np.zeros(piece.shape)
        add_contributions(piece, groups, points, weights, total)
        return total.T

    with ThreadPoolExecutor(threads) as pool:
        return np.concatenate(list(pool.map(explain, range(0, max(1, len(rows)), size))))


def _quadrature() -> tuple[Floats, Floats]:
    """Return Gauss and Legendre's points and weights from 0 to 1, of 1 point in row 1 and so on."""
    most = (MOST_FEATURES + 1) // 2
    points, weights = np.zeros((2, most + 1, most))
    for count in range(1, most + 1):
        point, weight = np.polynomial.legendre.leggauss(count)
        points[count, :count], weights[count, :count] = (point + 1) / 2, weight / 2
    return points, weights
