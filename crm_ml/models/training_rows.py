"""Training rows as numbers, in an order that depends on their key and content alone."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from crm_ml.models.checks import Floats, check_outcomes, training_order
from crm_ml.models.encoding import Encoding
from crm_ml.tables.outside_frames import as_features

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class TrainingRows:
    """Checked, encoded and ordered rows, from which several models may learn.

    Parameters
    ----------
    encoding : Encoding
        Learned from the rows.
    matrix : numpy.ndarray, shape (n, len(encoding.columns))
        Row by row in memory.
    y, weights : numpy.ndarray, shape (n,)
    weighted : bool
        Whether weights were given; they are 1 without.
    index : pandas.Index, shape (n,)
        Of the features.
    """

    encoding: Encoding
    matrix: Floats
    y: Floats
    weights: Floats
    weighted: bool
    index: "pd.Index[Any]"

    @classmethod
    def of(
        cls, objective: str, X: "pd.DataFrame", y: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None
    ) -> Self:
        """Check and encode features and outcomes.

        Outcomes and weights with an index are put into the order of the features.

        Raises
        ------
        InputError
            As `crm_ml.models.checks.check_outcomes` and `crm_ml.models.encoding.Encoding`, or if no row of a
            category has a level of its own.
        """
        X = as_features(X)
        outcomes, weights = check_outcomes(objective, y, X.index, sample_weight)
        encoding = Encoding.learn(X)
        matrix = encoding.encode(X)
        encoding.refuse_unseen(matrix)
        order = training_order(X.index, matrix, outcomes, weights)
        ordered = np.ascontiguousarray(matrix[order])
        weighted, index = sample_weight is not None, X.index[order]
        return cls(encoding, ordered, outcomes[order], weights[order], weighted, index)

    def part(self, keep: npt.NDArray[np.bool_]) -> "TrainingRows":
        """Return some of the rows, shape (n,), with the same encoding."""
        parts = {name: getattr(self, name)[keep] for name in ("matrix", "y", "weights", "index")}
        return replace(self, **parts)
