"""What boosters say of encoded rows: the margins of compiled trees, equal to LightGBM's to the bit."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from crm_ml.models.checks import Floats
from crm_ml.models.tree_steps import TreeSteps, steps_of
from crm_ml.models.trees import Trees
from crm_ml.threads import usable

if TYPE_CHECKING:
    import numpy.typing as npt

_MANY = 256  # rows from which on a second thread is worth waking
_PIECE = 8_192  # rows whose columns are laid out at once
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

    @cached_property
    def _steps(self) -> TreeSteps | None:
        return steps_of(self.trees)


def mean_margin(boosters: Sequence[CheckedBooster], matrix: Floats, num_threads: int) -> Floats:
    """Return the margin of each row of an encoded matrix, shape (n,)."""
    if not len(matrix):
        return np.empty(0)
    each = [booster.margin(matrix, num_threads) for booster in boosters]
    return np.asarray(np.mean(each, axis=0))


def mean_contributions(boosters: Sequence[CheckedBooster], matrix: Floats, num_threads: int) -> Floats:
    """Return the contribution of each of k columns to the margin, and the base, shape (n, k + 1)."""
    threads = usable(num_threads)
    each = [each.booster.predict(matrix, pred_contrib=True, num_threads=threads) for each in boosters]
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
