"""Log-odds that labelled pairs bear out."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt

from crm_ml.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

Array = npt.NDArray[np.float64]
LEAST, _HALF = 50, 0.5


@dataclass(frozen=True, eq=False)
class Recalibration:
    """A rising function from log-odds to log-odds, by isotonic regression on labelled pairs.

    Each step has half a pair more of either kind, so that no probability is 0 or 1; between the middles of
    steps it is a straight line.

    Parameters
    ----------
    said, true : numpy.ndarray of float, shape (k,)
        Mean log-odds of each step, and those that labels bear out.
    pairs : int
        Labelled pairs it was learnt from.

    References
    ----------
    Zadrozny and Elkan (2002). Transforming classifier scores into accurate multiclass probability estimates.
    """

    said: Array
    true: Array
    pairs: int

    @classmethod
    def fit(cls, frame: "pd.DataFrame", log_odds: Array, labelled: "pd.DataFrame") -> Self:
        """Learn from the labelled pairs among those of a scorer.

        Parameters
        ----------
        frame : pandas.DataFrame
            left and right, profile_ids of the pairs of a scorer.
        log_odds : numpy.ndarray of float, shape (len(frame),)
        labelled : pandas.DataFrame
            left, right (in either order) and same.

        Raises
        ------
        InputError
            If fewer than 50 labelled pairs are among them, or all are of one kind.
        """
        from sklearn.isotonic import IsotonicRegression

        own = labelled.assign(
            low=labelled[["left", "right"]].min(axis=1), high=labelled[["left", "right"]].max(axis=1)
        ).drop_duplicates(["low", "high"])
        sides = frame[["left", "right"]]
        table = sides.assign(low=sides.min(axis=1), high=sides.max(axis=1), said=log_odds)
        both = table.merge(own[["low", "high", "same"]], on=["low", "high"])
        same = both["same"].to_numpy(np.float64)
        if len(both) < LEAST or not 0 < same.mean() < 1:
            raise InputError(
                f"labelled: {len(both):,} of {len(labelled):,} pairs are compared, {int(same.sum()):,} of "
                f"them of one person; give {LEAST} or more of both kinds that share a block"
            )
        odds = both["said"].to_numpy(np.float64)
        step = np.unique(IsotonicRegression().fit_transform(odds, same), return_inverse=True)[1]
        pairs, true = np.bincount(step), np.bincount(step, same)
        probability = np.maximum.accumulate((true + _HALF) / (pairs + 2 * _HALF))
        said = np.bincount(step, odds) / pairs
        return cls(said, np.log(probability / (1 - probability)), len(both))

    def log_odds(self, said: Array) -> Array:
        """Return the recalibrated log-odds of a scorer's."""
        return np.interp(said, self.said, self.true)
