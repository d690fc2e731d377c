"""What boosters of several seeds say of encoded rows: the mean of their margins and contributions."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from crm_ml.models.checks import Floats
from crm_ml.threads import usable

_MANY = 256  # rows from which on a second thread is worth waking


def mean_margin(boosters: Sequence[Any], matrix: Floats, num_threads: int) -> Floats:
    """Return the margin of each row of an encoded matrix, shape (n,)."""
    if not len(matrix):
        return np.empty(0)
    threads = usable(num_threads) if len(matrix) >= _MANY else 1
    each = [booster.predict(matrix, raw_score=True, num_threads=threads) for booster in boosters]
    return np.asarray(np.mean(each, axis=0))


def mean_contributions(boosters: Sequence[Any], matrix: Floats, num_threads: int) -> Floats:
    """Return the contribution of each of k columns to the margin, and the base, shape (n, k + 1)."""
    threads = usable(num_threads)
    each = [booster.predict(matrix, pred_contrib=True, num_threads=threads) for booster in boosters]
    return np.asarray(np.mean(each, axis=0))
