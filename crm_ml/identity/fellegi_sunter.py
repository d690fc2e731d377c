"""Probabilities that two profiles are one person's, learnt without labels (Fellegi and Sunter)."""

from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from crm_ml.errors import InputError
from crm_ml.identity.compared_pairs import ComparedPairs, compared_pairs
from crm_ml.identity.comparison import Comparison
from crm_ml.identity.profile_table import ID
from crm_ml.identity.recalibration import Recalibration

if TYPE_CHECKING:
    import pandas as pd

Array = npt.NDArray[np.float64]
_FIRST_EQUAL, _HALF = 0.8, 0.5


class FellegiSunter:
    """A scorer: agreement of some columns as likelihood ratios, learnt by expectation maximisation.

    The pairs of all profiles are matches (a share of `prior_`) and others. At level g of a comparison are a
    share ``m_[g]`` of the matches and ``u_[g]`` of the others; the log-odds of a pair are those of the prior
    and the sum of log(m/u), where a value is absent 0 ([1]_, equations 3 to 8). Of an equal value with
    `frequency`, u is the share of the profiles that have it. Pairs that share no block are others.

    Parameters
    ----------
    comparisons : sequence of Comparison
    blocks : sequence of str, optional
        Which profiles are compared: those with equal columns, such as ``"surname[:4] + birth_date"``. By
        default each compared column and each two of them.
    block_cap : int
        Most profiles of a block; larger ones are left out.
    turns : int
        Of expectation and maximisation.
    labelled : pandas.DataFrame, optional
        Pairs (left, right: profile_ids; same: whether they are one person), by which probabilities are
        recalibrated; those of the model are seldom right, since columns depend on each other.
    seed : int
        Of the sample of profiles by which all pairs are estimated.

    References
    ----------
    .. [1] Fellegi and Sunter (1969). A theory for record linkage. JASA 64, 1183 to 1210.
    .. [2] Winkler (1988). Using the EM algorithm for weight computation in the Fellegi-Sunter model of record
       linkage. Proceedings of the section on survey research methods.
    """

    def __init__(
        self,
        comparisons: Sequence[Comparison],
        blocks: Sequence[str] | None = None,
        block_cap: int = 100,
        turns: int = 25,
        labelled: "pd.DataFrame | None" = None,
        seed: int = 0,
    ) -> None:
        self.comparisons = tuple(comparisons)
        self.blocks = usual_blocks(self.comparisons) if blocks is None else tuple(blocks)
        self.block_cap = block_cap
        self.turns = turns
        self.labelled = labelled
        self.seed = seed

    def __call__(self, profiles: "pd.DataFrame") -> "pd.DataFrame":
        """Learn from profiles, and return the pairs that share a block with their probabilities.

        Raises
        ------
        InputError
            If a column is absent, or no two profiles share a block.
        """
        import pandas as pd

        names = {one.column for one in self.comparisons}
        if absent := sorted(names - set(profiles.columns)):
            raise InputError(f"profiles: there is no column {', '.join(absent)} to compare")
        pairs = compared_pairs(profiles, self.comparisons, self.blocks, self.block_cap, self.seed)
        if not len(pairs.left):
            raise InputError("profiles: no two share a block; give wider blocks, or a higher block_cap")
        self._learn(pairs)
        ids = profiles[ID].to_numpy()
        frame = pd.DataFrame({"left": ids[pairs.left], "right": ids[pairs.right]})
        log_odds = self._log_odds(pairs)
        if self.labelled is not None:
            self.recalibration_ = Recalibration.fit(frame, log_odds, self.labelled)
            log_odds = self.recalibration_.log_odds(log_odds)
        return frame.assign(probability=1 / (1 + np.exp(-log_odds)))

    def _learn(self, pairs: ComparedPairs) -> None:
        """Learn prior_, m_ and u_ from the patterns of levels and how often each occurs."""
        patterns, counts = np.unique(pairs.levels, axis=0, return_counts=True)
        every = pairs.rows * (pairs.rows - 1) / 2
        self.prior_ = pairs.rows / every
        self.m_ = [_first(len(total)) for total in pairs.all_pairs]
        self.u_ = [_share(total) for total in pairs.all_pairs]
        for _ in range(self.turns):
            odds = np.log(self.prior_ / (1 - self.prior_)) + self._weights(patterns)
            matches = counts / (1 + np.exp(-odds))
            self.prior_ = max(float(matches.sum()), 1.0) / every
            for place, total in enumerate(pairs.all_pairs):
                level = patterns[:, place]
                at = np.bincount(level[level >= 0], matches[level >= 0], minlength=len(total))
                self.m_[place] = _share(at)
                self.u_[place] = _share(np.maximum(total - at, 0.0))

    def _weights(self, levels: npt.NDArray[np.int8]) -> Array:
        """Return the sum of log(m/u) of each row of levels."""
        total = np.zeros(len(levels))
        for place, (m, u) in enumerate(zip(self.m_, self.u_, strict=True)):
            weight = np.append(np.log(m / u), 0.0)  # -1, an absent value, is the last
            total += weight[levels[:, place]]
        return total

    def _log_odds(self, pairs: ComparedPairs) -> Array:
        total = np.log(self.prior_ / (1 - self.prior_)) + self._weights(pairs.levels)
        for place, comparison in enumerate(self.comparisons):
            if comparison.frequency:
                equal = pairs.levels[:, place] == 0
                total[equal] += np.log(self.u_[place][0] / pairs.shares[equal, place])
        return np.asarray(total)


def usual_blocks(comparisons: Sequence[Comparison]) -> tuple[str, ...]:
    """Return each compared column, and each two of them, as blocks.

    Examples
    --------
    >>> usual_blocks([Comparison(column="name"), Comparison(column="birth_date")])
    ('name', 'birth_date', 'name + birth_date')
    """
    names = [one.column for one in comparisons]
    return (*names, *(" + ".join(pair) for pair in combinations(names, 2)))


def _first(levels: int) -> Array:
    """Return shares of the matches to begin with: most are equal."""
    rest = np.full(levels - 1, (1 - _FIRST_EQUAL) / (levels - 1))
    return np.concatenate([[_FIRST_EQUAL], rest])


def _share(counts: npt.NDArray[Any]) -> Array:
    """Return shares of counts, none of them 0."""
    own = counts + _HALF
    return np.asarray(own / own.sum())
