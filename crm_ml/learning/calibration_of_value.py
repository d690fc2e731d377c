"""Calibration of a list: predicted and observed shares of answers and values, by decile, with intervals."""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from crm_ml.evaluation.classification import ece
from crm_ml.evaluation.incremental import increment
from crm_ml.evaluation.ranking import Floats
from crm_ml.evaluation.significance import Interval
from crm_ml.evaluation.wilson import Z95
from crm_ml.learning.incremental_value import beside_universal, lacking

if TYPE_CHECKING:
    import pandas as pd

BINS = 10
CONTROLS_A_BIN = 20


def share_interval(hits: int, rows: int) -> Interval:
    """Return a share with its 95 % interval.

    Parameters
    ----------
    hits, rows : int
        At least one row.

    References
    ----------
    .. [1] Wilson (1927). Probable inference, the law of succession, and statistical inference. JASA 22.

    Examples
    --------
    >>> str(share_interval(190, 200))
    '0.9500 [0.9104, 0.9726]'
    """
    share, wide = hits / rows, Z95**2 / rows
    middle, half = share + wide / 2, Z95 * (share * (1 - share) / rows + wide / rows / 4) ** 0.5
    return Interval(share, (middle - half) / (1 + wide), (middle + half) / (1 + wide))


def answers_by_action(rows: "pd.DataFrame") -> dict[str, dict[str, Any]]:
    """Return rows, predicted and observed share of answers of each action-channel with p_response."""
    return {
        str(key): _share(part["p_response"].to_numpy(dtype=float), part["answered"].to_numpy(dtype=float))
        for key, part in rows.groupby("key", observed=True)
    }


def answer_calibration(rows: "pd.DataFrame") -> dict[str, Any]:
    """Return the calibration of p_response.

    Parameters
    ----------
    rows : pandas.DataFrame
        Treated rows with p_response, and answered as 0 or 1.

    Returns
    -------
    dict
        of ("p_response"), rows, ece and bins: deciles of p_response with promised (mean p), realised (share
        of answers), low, high (Wilson) and rows.
    """
    p, y = rows["p_response"].to_numpy(dtype=float), rows["answered"].to_numpy(dtype=float)
    bins = [_share(p[part], y[part]) for part in _parts(p, p, BINS)]
    return {"of": "p_response", "rows": len(p), "ece": round(ece(y, p), 6), "bins": bins}


def value_calibration(rows: "pd.DataFrame", margin: float) -> list[dict[str, Any]]:
    """Return the calibration of predicted values: deciles of the treated by their expected margin.

    There are fewer than ten bins where a decile would have fewer than 20 controls.

    Parameters
    ----------
    rows : pandas.DataFrame
        Of `crm_ml.learning.incremental_value.compared_rows`.
    margin : float
        Share of what is paid that is earned.

    Returns
    -------
    list of dict
        promised, realised, low and high in cents a customer before cost (realised against the controls whose
        prediction lies in the bin), rows, controls, and a note where they can't be estimated.
    """
    against = beside_universal(rows)
    promised = against["margin_promised"].to_numpy(dtype=float)
    treated = (against["arm"] == "treat").to_numpy()
    if not treated.any():
        return []
    y, before = margin * against["paid_cents"].to_numpy(dtype=float), against["before_cents"]
    known = np.column_stack([before.to_numpy(dtype=float), promised])
    count = min(BINS, max(1, int((~treated).sum()) // CONTROLS_A_BIN))
    return [
        _value_bin(y[part], treated[part], known[part])
        for part in _parts(promised, promised[treated], count)
        if treated[part].any()
    ]


def _value_bin(y: Floats, treated: npt.NDArray[np.bool_], known: Floats) -> dict[str, Any]:
    counts = {"rows": int(treated.sum()), "controls": int((~treated).sum())}
    figures: dict[str, Any] = {"promised": round(float(known[treated, 1].mean()), 2), **counts}
    note = lacking(y, treated)
    if note:
        return figures | {"realised": None, "low": None, "high": None, "note": note}
    value = increment(y, treated, known).adjusted
    ends = {"realised": value.value, "low": value.low, "high": value.high}
    return figures | {name: round(end, 2) for name, end in ends.items()} | {"note": None}


def _share(p: Floats, y: Floats) -> dict[str, Any]:
    share = share_interval(int(y.sum()), len(y))
    ends = {"promised": float(p.mean()), "realised": share.value, "low": share.low, "high": share.high}
    return {name: round(end, 6) for name, end in ends.items()} | {"rows": len(y)}


def _parts(values: Floats, base: Floats, count: int) -> list[npt.NDArray[np.int64]]:
    """Return the rows of each of `count` bins at the quantiles of `base`; equal values share a bin."""
    edges = np.unique(np.quantile(base, np.arange(1, count) / count)) if count > 1 else np.zeros(0)
    place = np.searchsorted(edges, values, side="right")
    parts = [np.flatnonzero(place == number) for number in range(len(edges) + 1)]
    return [part for part in parts if len(part)]
