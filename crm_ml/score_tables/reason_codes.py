"""Reason codes of a score: the features that moved it most, each with its value and contribution."""

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from crm_ml.score_tables.score_rows import Reasons

if TYPE_CHECKING:
    import pandas as pd

REASONS = 3


def reasons_of(model: Any) -> Reasons | None:
    """Return what gives the reason codes of a fitted model; None where it can't explain itself."""
    if not (hasattr(model, "reasons") and hasattr(getattr(model, "model", model), "reasons")):
        return None

    def reasons(features: "pd.DataFrame") -> list[list[str]]:
        return reason_texts(features, model.reasons(features, top=REASONS))

    return reasons


def reason_texts(features: "pd.DataFrame", reasons: "pd.DataFrame") -> list[list[str]]:
    """Say what moves each row, the feature with its value and its contribution in log-odds.

    Parameters
    ----------
    features : pandas.DataFrame, shape (n, k)
        Indexed by customer_id, each once.
    reasons : pandas.DataFrame
        Up to some rows for each of `features`, indexed like it, with the columns feature and contribution.

    Returns
    -------
    list of list of str
        One list a row of `features`, in its order.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = pd.DataFrame({"days": [41.0], "stage": ["dormant"]}, index=["a"])
    >>> moved = pd.DataFrame({"feature": ["days", "stage"], "contribution": [0.831, -0.2]}, index=["a", "a"])
    >>> reason_texts(rows, moved)
    [['days=41 (+0.83)', 'stage=dormant (-0.20)']]
    """
    rows = features.index.get_indexer(reasons.index)
    names, contributions = reasons["feature"].to_numpy(), reasons["contribution"].tolist()
    shown = [""] * len(rows)
    for name in set(names):
        places = np.flatnonzero(names == name)
        for place, value in zip(places.tolist(), features[name].iloc[rows[places]].tolist(), strict=True):
            shown[place] = _shown(value)
    texts: list[list[str]] = [[] for _ in range(len(features))]
    for row, name, value, contribution in zip(rows.tolist(), names, shown, contributions, strict=True):
        texts[row].append(f"{name}={value} ({contribution:+.2f})")
    return texts


def _shown(value: object) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "unknown"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
