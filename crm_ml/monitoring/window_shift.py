"""How far labels and features moved between the rows that train a model and those that test it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from crm_ml.monitoring.bins import Numbers, Texts
from crm_ml.monitoring.drift_limits import DriftLimits
from crm_ml.monitoring.drift_verdict import rate_ratio
from crm_ml.monitoring.psi import by_chance, largest_by_chance, psi
from crm_ml.tables.column_kinds import plain_values

if TYPE_CHECKING:
    import pandas as pd

_NOISE = 4.0  # standard errors by which a rate may move by chance
_SHOWN = 5


def rate_shifts(
    labels: Mapping[str, tuple[npt.ArrayLike, npt.ArrayLike]],
    weights: Mapping[str, npt.NDArray[np.float64] | None] | None = None,
) -> "pd.DataFrame":
    """Return the rates of the label in training and in test.

    Parameters
    ----------
    labels : mapping of str to pair of array-like of {0, 1}
        Of training and test, by fold.
    weights : mapping of str to numpy.ndarray, optional
        Of the rows of training, by fold, where they were drawn.

    Returns
    -------
    pandas.DataFrame
        A row for each fold: ``fold``, ``training_rows``, ``training_rate``, ``test_rows``, ``test_rate``,
        ``ratio`` (of the rates, or of their complements where that is the larger movement) and ``shifted``:
        whether it is 2 or more in either direction, and the rates are four standard errors apart.

    Examples
    --------
    >>> rate_shifts({"May": ([0] * 95 + [1] * 5, [0] * 69 + [1] * 31)})[["ratio", "shifted"]].values.tolist()
    [[6.2, True]]
    """
    import pandas as pd

    weighing = weights or {}
    rows = [{"fold": fold, **_rates(*pair, weighing.get(fold))} for fold, pair in labels.items()]
    return pd.DataFrame(rows)


def _rates(
    training: npt.ArrayLike, test: npt.ArrayLike, weights: npt.NDArray[np.float64] | None
) -> dict[str, Any]:
    then, now = (np.asarray(part, dtype=float) for part in (training, test))
    trained = float(np.average(then, weights=weights))
    ratio = rate_ratio(float(now.mean()), trained)
    rate = (trained * len(then) + now.sum()) / (len(then) + len(now))
    error = np.sqrt(rate * (1 - rate) * (1 / len(then) + 1 / len(now)))
    far = max(ratio, 1 / ratio) >= DriftLimits().rate_warn
    return {
        "training_rows": len(then),
        "training_rate": round(trained, 6),
        "test_rows": len(now),
        "test_rate": round(float(now.mean()), 6),
        "ratio": round(ratio, 4),
        "shifted": bool(far and abs(now.mean() - trained) > _NOISE * error),
    }


def feature_shifts(
    training: "pd.DataFrame", test: "pd.DataFrame", customers: tuple[int, int]
) -> "pd.DataFrame":
    """Return the population stability index of each feature between training and test.

    Parameters
    ----------
    training, test : pandas.DataFrame
        Of the same columns, numbers and texts.
    customers : tuple of int
        Different customers in training and in test, by whom chance is measured: rows of one are alike.

    Returns
    -------
    pandas.DataFrame
        Columns ``feature``, ``psi``, ``limit`` (.25 and what chance adds, as for a scored day) and
        ``shifted``; the largest movement first.
    """
    import pandas as pd

    rows = []
    for name in training.columns:
        then, now = plain_values(training[name]), plain_values(test[name])
        if (then.dtype == object) != (now.dtype == object):
            then, now = (part.astype(object) for part in (then, now))
        bins = Texts.learn([then]) if then.dtype == object else Numbers.learn(then)
        moved, limit = psi(bins.count(then), bins.count(now)), _limit(bins.size, customers, training.shape[1])
        rows.append(
            {"feature": str(name), "psi": round(moved, 6), "limit": round(limit, 6), "shifted": moved > limit}
        )
    table = pd.DataFrame(rows, columns=["feature", "psi", "limit", "shifted"])
    return table.sort_values(["psi", "feature"], ascending=[False, True], ignore_index=True)


def shift_texts(rates: "pd.DataFrame", features: "pd.DataFrame") -> tuple[str, ...]:
    """Return what moved between training and test in sentences, the rates always among them."""
    then, now = (
        np.average(rates[f"{part}_rate"], weights=rates[f"{part}_rows"]) for part in ("training", "test")
    )
    texts = [f"rate of the label: {then:.3f} in training, {now:.3f} in test"]
    far = rates[rates["shifted"]]
    if len(far):
        most = far.iloc[int(far["ratio"].map(lambda ratio: max(ratio, 1 / ratio)).argmax())]
        texts.append(
            f"look at the rate of the label: it moved in {len(far)} of {len(rates)} test folds, most in "
            f"{most['fold']}, from {most['training_rate']:.3f} in training to {most['test_rate']:.3f}; "
            "probabilities are of the rate they learned"
        )
    moved = features[features["shifted"]]
    if len(moved):
        named = [f"{row['feature']} (PSI {row['psi']:.2f})" for row in moved.head(_SHOWN).to_dict("records")]
        texts.append(
            f"{len(moved)} of {len(features)} features moved between training and test: "
            f"{', '.join(named)}{', ...' if len(moved) > _SHOWN else ''}"
        )
    return tuple(texts)


def _limit(bins: int, customers: tuple[int, int], columns: int) -> float:
    limits = DriftLimits()
    sizes = (*customers, bins)
    return max(
        limits.psi_warn + by_chance(*sizes), largest_by_chance(*sizes, limits.false_alarm / max(columns, 1))
    )
