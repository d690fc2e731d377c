"""Customers whom a combination of tags describes."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from crm_ml.rules.grammar import Node
from crm_ml.tags.packed_facts import unpack

if TYPE_CHECKING:
    import pandas as pd

    from crm_ml.tags.tag_planes import TagPlanes


@dataclass(frozen=True, eq=False)
class Audience:
    """Customers of whom a rule over tags is surely true.

    Parameters
    ----------
    store : TagPlanes
    rule : str
    node : Node
        The parsed rule.
    """

    store: "TagPlanes"
    rule: str
    node: Node

    def count(self) -> int:
        """Return how many customers it has."""
        return sum(int(np.bitwise_count(true).sum()) for true, _ in self.store.truths(self.node))

    def ids(self) -> npt.NDArray[np.str_]:
        """Return the ids of its customers in ascending order, shape (n,)."""
        numbers, start = [], 0
        for (true, _), rows in zip(self.store.truths(self.node), self.store.block_rows(), strict=True):
            numbers.append(start + np.flatnonzero(unpack(true, rows)))
            start += rows
        return np.sort(self.store.customers.texts(np.concatenate(numbers)))

    def to_list(self, action: str) -> "pd.DataFrame":
        """Return a row for each customer with an action, for a campaign tool.

        It knows no consent, limit or value; a list that does is made by `crm_ml.decide` or ``python -m
        crm_ml.score``, with the tags in the rules of its actions.

        Returns
        -------
        pandas.DataFrame, shape (n, 4)
            Columns customer_id, action, as_of and audience, in ascending order of the customers.
        """
        import pandas as pd

        frame = pd.DataFrame({"customer_id": self.ids()})
        return frame.assign(action=action, as_of=str(self.store.as_of), audience=self.rule)
