"""What a scorer of pairs of profiles is, and its pairs as rows."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from crm_ml.errors import InputError
from crm_ml.identity.profile_table import ProfileTable, positions

if TYPE_CHECKING:
    import pandas as pd

PAIRS = ("left", "right", "probability")
_CERTAIN = 1e-9


class Scorer(Protocol):
    """Whatever gives probabilities that two profiles are one person's."""

    def __call__(self, profiles: "pd.DataFrame") -> "pd.DataFrame":
        """Return pairs of profiles with columns `PAIRS`: two profile_ids and a probability.

        A pair that is not there counts as one that is unlikely; see `crm_ml.identity.average_link`.

        Parameters
        ----------
        profiles : pandas.DataFrame
            As given to `resolve`, in order of profile_id.
        """


@dataclass(frozen=True, eq=False)
class ScoredPairs:
    """Pairs of rows and their log-odds, each pair once, within walls.

    Parameters
    ----------
    left, right : numpy.ndarray of int, shape (m,)
        Left is the smaller.
    log_odds : numpy.ndarray of float, shape (m,)
    """

    left: npt.NDArray[np.int64]
    right: npt.NDArray[np.int64]
    log_odds: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.left)


def scored_pairs(scorer: Scorer, profiles: ProfileTable) -> ScoredPairs:
    """Return the pairs of a scorer; those across a wall are left out.

    Raises
    ------
    InputError
        If columns are absent, a profile is unknown, or a probability is none.
    """
    import pyarrow as pa

    frame = scorer(profiles.table.to_pandas())
    _check(frame)
    left, right = (
        positions(profiles.ids, pa.array(frame[side].astype("str"), pa.string()))
        for side in ("left", "right")
    )
    if unknown := int(((left < 0) | (right < 0)).sum()):
        raise InputError(f"scorer: {unknown:,} of {len(frame):,} pairs name no profile; give profile_ids")
    probability = np.clip(frame["probability"].to_numpy(np.float64), _CERTAIN, 1 - _CERTAIN)
    low, high = np.minimum(left, right), np.maximum(left, right)
    keep = low != high
    if profiles.wall is not None:
        keep &= (profiles.wall[low] == profiles.wall[high]) & (profiles.wall[low] >= 0)
    order = np.lexsort((-probability, high, low))
    order = order[keep[order]]
    first = np.ones(len(order), dtype=bool)
    first[1:] = (low[order][1:] != low[order][:-1]) | (high[order][1:] != high[order][:-1])
    order = order[first]
    odds = np.log(probability[order] / (1 - probability[order]))
    return ScoredPairs(low[order], high[order], odds)


def _check(frame: "pd.DataFrame") -> None:
    if absent := sorted(set(PAIRS) - set(frame.columns)):
        raise InputError(f"scorer: its pairs have no column {', '.join(absent)}; give {', '.join(PAIRS)}")
    wrong = int((~frame["probability"].between(0, 1)).sum())
    if wrong:
        raise InputError(f"scorer: {wrong:,} of {len(frame):,} probabilities are not within 0 and 1")
