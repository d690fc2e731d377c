"""Ridge regression of amounts, on the design matrix of the logistic regression."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from crm_ml.models.logistic import Floats, Logistic

if TYPE_CHECKING:
    import pandas as pd


@dataclass(kw_only=True, eq=False)
class Ridge(Logistic):
    """Linear regression with an L2 penalty of ``1 / strength``, on standardised and cut features.

    Parameters
    ----------
    strength : float
        Weight of the data against the penalty.
    """

    objective = "regression"

    def expected(self, X: "pd.DataFrame | npt.ArrayLike") -> Floats:
        """Return the amount of each row, shape (n,)."""
        return self.margin(X)

    def _solve(self, design: Floats, y: Floats, weights: Floats) -> tuple[Floats, float]:
        total = weights.sum()
        centre, mean = weights @ design / total, float(weights @ y / total)
        centred = design - centre
        gram = (centred * weights[:, None]).T @ centred
        gram[np.diag_indices_from(gram)] += 1 / self.strength
        coefficients = np.linalg.solve(gram, centred.T @ (weights * (y - mean)))
        return coefficients, mean - float(centre @ coefficients)
