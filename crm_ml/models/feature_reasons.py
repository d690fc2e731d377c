"""The features with the largest contributions to a predicted probability."""

from typing import TYPE_CHECKING

import numpy as np

from crm_ml.models.checks import Floats
from crm_ml.models.trees import Ints

if TYPE_CHECKING:
    import pandas as pd


def top_reasons(contributions: "pd.DataFrame", top: int = 3, raising: bool = False) -> "pd.DataFrame":
    """Return the features with the largest contributions to the log-odds of each row.

    Parameters
    ----------
    contributions : pandas.DataFrame, shape (n, k + 1)
        Contribution of each feature to the log-odds, and the column ``base``.
    top : int
    raising : bool
        Only features that raise the probability; a row may then have fewer than `top`.

    Returns
    -------
    pandas.DataFrame
        Up to `top` rows for each row in its order, indexed like it, with columns rank (from 1), feature,
        contribution (in log-odds).
    """
    import pandas as pd

    terms = contributions.drop(columns="base")
    values = terms.to_numpy()
    size = np.where(values > 0, values, 0.0) if raising else np.abs(values)
    order = _largest(size, min(top, size.shape[1]))
    row = np.repeat(np.arange(len(terms)), order.shape[1])
    column = order.ravel()
    table = pd.DataFrame(
        {
            "rank": np.tile(np.arange(1, order.shape[1] + 1), len(terms)),
            "feature": terms.columns.to_numpy()[column],
            "contribution": values[row, column],
        },
        index=terms.index[row],
    )
    return table[size[row, column] > 0]


def _largest(size: Floats, top: int) -> Ints:
    """Return the columns of the largest values of each row, descending, of equal ones the first."""
    order, left = np.empty((len(size), top), dtype=np.int64), size.copy()
    for rank in range(top):
        order[:, rank] = left.argmax(axis=1)
        left[np.arange(len(left)), order[:, rank]] = -1.0
    return order
