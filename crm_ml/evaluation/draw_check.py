"""Whether the arms of an experiment look as if they had been drawn: a joint check before any verdict."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from crm_ml.customer_hash import customer_folds
from crm_ml.errors import InputError
from crm_ml.evaluation.arm_columns import ArmColumns, arm_columns, constant_features
from crm_ml.evaluation.arm_redraws import BATCH, FOLDS, ArmComparison, ArmStatistics, Draw

if TYPE_CHECKING:
    import pandas as pd

# How often a fair draw may fail each part, in all .009; the counts of the arms have .001 of their own.
ALARMS = {"largest": 0.003, "joint": 0.002, "auc": 0.003, "constant": 0.001}
_REDRAWN = ("largest", "joint", "auc")  # of `ArmStatistics`
MOST_ROWS = 60_000
_SAME_ARM = 3.0  # standard errors beyond which the arms of a customer's rows are no draws of their own
_NAMED = 5


@dataclass(frozen=True)
class ArmDifference:
    """A column of `arm_columns`: treated less untreated in standard deviations, and in standard errors."""

    column: str
    difference: float
    z: float

    def __str__(self) -> str:
        return f"{self.column} ({self.difference:+.2f} sd)"


@dataclass(frozen=True)
class DrawCheck:
    """What tells treated from untreated rows of a draw.

    Parameters
    ----------
    holds : bool
    auc, auc_redrawn : float
        Out-of-fold AUC of the arm, and the mean of redraws.
    p_values : dict of str to float
        Of ``largest`` (standardised difference), ``joint`` (all of them) and ``auc``: share of redraws at
        least as far from a draw.
    differences : tuple of ArmDifference
        Those that tell the arm, or else the largest, the largest first.
    constant : tuple of str
        Features that have one value in an arm and others in the other.
    rows, columns, redraws : int
    """

    holds: bool
    auc: float
    auc_redrawn: float
    p_values: dict[str, float]
    differences: tuple[ArmDifference, ...]
    constant: tuple[str, ...]
    rows: int
    columns: int
    redraws: int

    def __str__(self) -> str:
        figures = (
            f"out-of-fold AUC of the arm {self.auc:.3f}, redraws {self.auc_redrawn:.3f} "
            f"(p = {self.p_values['auc']:.2g}); largest of {self.columns} differences "
            f"{self.differences[0] if self.differences else 'none'} (p = {self.p_values['largest']:.2g}), "
            f"all together p = {self.p_values['joint']:.2g}; {self.redraws:,} redraws of {self.rows:,} rows"
        )
        if self.holds:
            return figures
        columns = [f"{name} (one value in an arm)" for name in self.constant]
        columns += [str(item) for item in self.differences if item.column not in self.constant]
        return (
            f"the arm can be told from {', '.join(columns)}; leave out what was recorded after the draw or "
            "because of it, look for rows lost or added after it, declare the probability of each row where "
            f"it differs, or draw anew ({figures})"
        )


def check_draw(
    X: "pd.DataFrame",
    treated: npt.ArrayLike,
    chance: npt.ArrayLike | None = None,
    stratum: npt.ArrayLike | None = None,
    customer_id: npt.ArrayLike | None = None,
    arms: int = 1,
    columns: ArmColumns | None = None,
) -> DrawCheck:
    """Compare treated and untreated rows of a draw in all that was known before, with redraws of the arms.

    A draw fails if the largest standardised difference, all of them together, or the out-of-fold AUC of the
    arm is beyond those of redraws, or if a feature has one value in an arm and others in the other. Of all
    fair draws less than one in a hundred fails.

    Parameters
    ----------
    X : pandas.DataFrame, shape (n, k)
        Features known before the draw.
    treated : array-like of {0, 1}, shape (n,)
    chance : array-like of float, shape (n,), optional
        Known probability of being treated; arms are redrawn by it. Without it, redraws permute the arms
        within each stratum.
    stratum : array-like, shape (n,), optional
        Such as the trial: arms are compared within it.
    customer_id : array-like of str, shape (n,), optional
        By default each row is a customer. Where customers keep their arm over several rows, one row of each
        is compared.
    arms : int
        Number of comparisons that share the rate of false alarms.
    columns : ArmColumns, optional
        Of `arm_columns`, where they are known already.

    Raises
    ------
    InputError
        If lengths differ, an arm is neither 0 nor 1, a chance is not within 0 and 1, or no stratum has rows
        of both arms.

    Examples
    --------
    >>> import pandas as pd
    >>> age = np.arange(400)
    >>> drawn = np.random.default_rng(0).permutation(age % 2)
    >>> check_draw(pd.DataFrame({"age": age}), drawn).holds
    True
    >>> check_draw(pd.DataFrame({"age": age}), age > 250).differences[0].column
    'age'
    """
    known = arm_columns(X) if columns is None else columns
    draw = _draw(known, treated, chance, stratum)
    ids = np.arange(len(draw.treated)) if customer_id is None else np.asarray(customer_id)
    keep = _compared(draw, ids)
    if not keep.any():
        raise InputError("arms: no stratum has treated and untreated rows; give rows of both arms")
    known, draw, ids = known.rows(keep), draw.rows(keep), ids[keep]
    draw = draw.with_shares() if draw.permuted else draw
    return _checked(known, draw, customer_folds(ids.astype(str), FOLDS, key="draw check"), arms)


def _draw(
    columns: ArmColumns,
    treated: npt.ArrayLike,
    chance: npt.ArrayLike | None,
    stratum: npt.ArrayLike | None,
) -> Draw:
    arms = np.asarray(treated, dtype=np.float32)
    rows = len(columns.codes)
    known = np.full(rows, 0.5) if chance is None else np.asarray(chance, dtype=float)
    strata = np.zeros(rows) if stratum is None else np.asarray(stratum)
    if not arms.shape == known.shape == strata.shape == (rows,):
        shapes = f"treated {arms.shape}, chance {known.shape}, stratum {strata.shape}"
        raise InputError(f"arms: {rows:,} rows of features and {shapes}; give one of each for each row")
    odd, outside = int((~np.isin(arms, (0, 1))).sum()), int((~((known > 0) & (known < 1))).sum())
    if odd or outside:
        raise InputError(
            f"arms: treated is neither 0 nor 1 in {odd:,} and chance is not within 0 and 1 in {outside:,} of "
            f"{rows:,} rows; leave these rows out or mend them"
        )
    draw = Draw(arms, known, np.unique(strata, return_inverse=True)[1].astype(np.int64), chance is None)
    return draw.with_shares() if chance is None else draw


def _compared(draw: Draw, ids: npt.NDArray[np.generic]) -> npt.NDArray[np.bool_]:
    """Return which rows are compared: of strata with both arms, independent of one another, not too many."""
    keep = (draw.chance > 0) & (draw.chance < 1)
    names, customer = np.unique(ids, return_inverse=True)
    if len(names) < len(ids):
        residual = np.where(keep, draw.treated - draw.chance, 0.0)
        square = residual**2
        agreement = np.bincount(customer, residual) ** 2 - np.bincount(customer, square)
        error = np.sqrt((agreement**2).sum())
        if abs(agreement.sum()) > _SAME_ARM * error:
            order = np.random.default_rng(0).permutation(len(ids))
            first = order[np.unique(customer[order], return_index=True)[1]]
            keep &= np.isin(np.arange(len(ids)), first)
    if keep.sum() > MOST_ROWS:
        chosen = customer_folds(names.astype(str), 1_000, key="draw check rows")[customer]
        keep &= chosen < 1_000 * MOST_ROWS // int(keep.sum())
    share = draw.rows(keep).with_shares().chance if draw.permuted else draw.chance[keep]
    keep[np.flatnonzero(keep)[(share <= 0) | (share >= 1)]] = False
    return keep


def _checked(columns: ArmColumns, draw: Draw, fold: npt.NDArray[np.int64], arms: int) -> DrawCheck:
    from threadpoolctl import threadpool_limits

    constant = constant_features(columns, draw.treated, draw.chance, ALARMS["constant"] / arms)
    with threadpool_limits(1, "blas"):  # sums of floats would follow from the number of threads
        comparison = ArmComparison(columns, draw, fold)
        seen = comparison.observed()
        past = _redrawn(comparison, seen, arms)
    p_values = {name: float(1 + past.as_far(seen, name).sum()) / (1 + len(past.auc)) for name in _REDRAWN}
    failed = [name for name, p in p_values.items() if p <= ALARMS[name] / arms]
    return DrawCheck(
        holds=not failed and not constant,
        auc=float(seen.auc[0]),
        auc_redrawn=float(past.auc.mean()),
        p_values=p_values,
        differences=_telling(comparison, seen, past, arms),
        constant=constant,
        rows=len(draw.treated),
        columns=len(comparison.names),
        redraws=len(past.auc),
    )


def _redrawn(comparison: ArmComparison, seen: ArmStatistics, arms: int) -> ArmStatistics:
    """Return redraws, until no part can fail any more or enough are made to say that one does.

    References
    ----------
    .. [1] Besag and Clifford (1991). Sequential Monte Carlo p-values. Biometrika 78, section 2.
    """
    rng = np.random.default_rng(0)
    alarms = np.array([ALARMS[name] for name in _REDRAWN]) / arms
    most = int(np.ceil(2 / alarms.min()))
    parts: list[ArmStatistics] = []
    beyond = np.zeros(len(_REDRAWN))
    while not parts or (len(parts) * BATCH < most and (1 + beyond <= alarms * (1 + most)).any()):
        redraw = comparison.of(comparison.draw.redraws(rng, BATCH))
        beyond += [redraw.as_far(seen, name).sum() for name in _REDRAWN]
        parts.append(redraw)
    return ArmStatistics(
        np.concatenate([part.z for part in parts], axis=1),
        np.concatenate([part.joint for part in parts]),
        np.concatenate([part.auc for part in parts]),
    )


def _telling(
    comparison: ArmComparison, seen: ArmStatistics, past: ArmStatistics, arms: int
) -> tuple[ArmDifference, ...]:
    """Return the columns whose difference is beyond the largest of redraws, or else the largest one."""
    z, chance = seen.z[:, 0], comparison.draw.chance
    if not len(z):
        return ()
    limit = float(np.quantile(past.largest, 1 - ALARMS["largest"] / arms))
    order = np.argsort(-np.abs(z), kind="stable")
    beyond = [place for place in order if abs(z[place]) > limit][:_NAMED]
    scale = 1 / np.sqrt((chance * (1 - chance)).sum())
    return tuple(
        ArmDifference(comparison.names[place], float(z[place] * scale), float(z[place]))
        for place in beyond or order[:1]
    )
