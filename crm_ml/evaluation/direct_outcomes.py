"""The direct model of off-policy values: the expected reward of each action, by rows of other folds."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from crm_ml.evaluation.ranking import Floats, as_floats

_PRIOR_ROWS = 20


@dataclass(frozen=True, eq=False)
class Direct:
    """Expected reward of each row by a model fitted without that row, in the unit of the reward.

    Parameters
    ----------
    logged : numpy.ndarray of float, shape (n,)
        Of the action that was logged.
    target : numpy.ndarray of float, shape (n,)
        Of the target policy: the mean over its actions.
    """

    logged: Floats
    target: Floats


def direct_outcomes(
    reward: npt.ArrayLike,
    action: npt.ArrayLike,
    target: npt.ArrayLike,
    covariates: npt.ArrayLike,
    fold: npt.ArrayLike,
) -> Direct:
    """Predict the reward of each action from rows of other folds: a common line and an offset per action.

    Parameters
    ----------
    reward : array-like of float, shape (n,)
    action : array-like of int, shape (n,)
        Number of the logged action, from 0 on.
    target : array-like of int, shape (n,), or of float, shape (n, a)
        Number of the action that the target takes, or its probability of each action.
    covariates : array-like of float, shape (n, k)
    fold : array-like of int, shape (n,)
        Such as `crm_ml.customer_hash.customer_folds`; a single fold is predicted by its own mean.

    Notes
    -----
    Offsets are shrunk towards 0 by a prior of 20 rows on the common line. Cross-fitting keeps DR unbiased
    [1]_.

    References
    ----------
    .. [1] Chernozhukov et al. (2018). Double/debiased machine learning. Econometrics Journal 21, section 3.
    """
    r, x = as_floats("reward", reward), as_floats("covariates", covariates)
    done, wanted = np.asarray(action, dtype=np.int64), np.asarray(target)
    _, folds = np.unique(np.asarray(fold), return_inverse=True)
    actions = int(wanted.shape[-1]) if wanted.ndim == 2 else int(max(done.max(), wanted.max())) + 1
    line = np.column_stack([np.ones(len(r)), (x - x.mean(axis=0)) / np.maximum(x.std(axis=0), 1e-12)])
    slopes, offsets = _fits(np.column_stack([line, r]), done, folds, actions)
    common = (line * slopes[folds]).sum(axis=1)
    if wanted.ndim == 2:
        return Direct(common + offsets[folds, done], common + (offsets[folds] * wanted).sum(axis=1))
    return Direct(common + offsets[folds, done], common + offsets[folds, wanted.astype(np.int64)])


def _fits(
    table: Floats, done: npt.NDArray[np.int64], folds: npt.NDArray[np.int64], actions: int
) -> tuple[Floats, Floats]:
    """Return line and offsets for each fold from the sums of the others; the last column is the reward."""
    count, cell = int(folds.max()) + 1, folds * actions + done
    rows = np.bincount(cell, minlength=count * actions).reshape(count, actions)
    sums = np.stack(
        [np.bincount(cell, fold, count * actions).reshape(count, actions) for fold in table.T], -1
    )
    squares = np.stack([table[part].T @ table[part] for part in (folds == fold for fold in range(count))])
    slopes, offsets = [], []
    for fold in range(count):
        rest = np.arange(count) != fold if count > 1 else np.array([True])
        square, total = squares[rest].sum(axis=0), sums[rest].sum(axis=0)
        slope = np.linalg.lstsq(square[:-1, :-1], square[:-1, -1], rcond=1e-12)[0]
        slopes.append(slope)
        offsets.append((total[:, -1] - total[:, :-1] @ slope) / (rows[rest].sum(axis=0) + _PRIOR_ROWS))
    return np.array(slopes), np.array(offsets)
