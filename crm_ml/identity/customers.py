"""Customers that profiles became: ids, what changed, bad identifiers, and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from crm_ml.identity.bad_identifiers import bad_identifiers
from crm_ml.identity.explanation import Explanation, explain
from crm_ml.identity.profile_table import ProfileTable
from crm_ml.identity.rule_links import RuleLinks
from crm_ml.identity.scorer import ScoredPairs

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


@dataclass(frozen=True, eq=False)
class Customers:
    """What `resolve` returns.

    Parameters
    ----------
    table : pyarrow.Table
        profile_id and customer_id, in order of profile_id.
    changes : pandas.DataFrame
        What became of the customers of `previous`, see `crm_ml.identity.lasting_ids.LastingIds`.
    retired : frozenset of str
        Ids that were used before and are no longer; none of them is given again.
    profiles : ProfileTable
    links : tuple of RuleLinks
        What each rule joins.
    pairs : ScoredPairs, optional
        Of the scorer.
    labels : numpy.ndarray of int, shape (n,)
        Number of the customer of each row of `profiles`.
    """

    table: "pa.Table"
    changes: "pd.DataFrame"
    retired: frozenset[str]
    profiles: ProfileTable
    links: Sequence[RuleLinks]
    pairs: ScoredPairs | None
    labels: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return int(self.labels.max(initial=-1)) + 1

    def to_pandas(self) -> "pd.DataFrame":
        """Return profile_id and customer_id, in order of profile_id."""
        frame: pd.DataFrame = self.table.to_pandas()
        return frame

    @property
    def bad_identifiers(self) -> "pd.DataFrame":
        """The values by which nobody is joined; see `crm_ml.identity.bad_identifiers`."""
        return bad_identifiers(self.profiles, self.links)

    def explain(self, a: str, b: str) -> Explanation:
        """Return why two profiles are one customer, or why they are not.

        Parameters
        ----------
        a, b : str
            profile_ids.

        Raises
        ------
        InputError
            If there is no such profile.
        """
        ends = self.profiles.row_of(a), self.profiles.row_of(b)
        return explain(self.profiles, self.links, self.pairs, self.labels, ends)
