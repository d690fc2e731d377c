"""Decision curves: what a model's scores are worth at every cost of the action, beside all and nobody."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from crm_ml.errors import InputError
from crm_ml.evaluation.mean_intervals import interval_of_means
from crm_ml.evaluation.predictions import Predictions
from crm_ml.evaluation.ranking import Floats
from crm_ml.evaluation.significance import Interval

if TYPE_CHECKING:
    import pandas as pd

EVERYBODY, NOBODY = "everybody", "nobody"


def decision_curve(predictions: Predictions, gain: float, costs: Sequence[float]) -> "pd.DataFrame":
    """Return what acting on each model's probabilities earns a row, at each cost of the action.

    A row is acted on where its probability pays: ``p * gain >= cost``.

    Parameters
    ----------
    predictions : Predictions
    gain : float
        What acting on a row of class 1 earns beside not acting on it, before the cost; on a row of class 0 it
        earns nothing. For an offer that keeps a tenth of those who would leave: a tenth of what they are
        worth.
    costs : sequence of float
        Of one action, above 0 and below the gain, in its unit.

    Returns
    -------
    pandas.DataFrame
        A row for each model and cost, then for everybody and nobody: model, cost, threshold (``cost /
        gain``), acted_on (share), value with low and high, net_benefit, and over_rule with over_rule_low and
        over_rule_high: the value beyond the better one of everybody and nobody at this cost, paired.

    Raises
    ------
    InputError
        If the gain is not above 0, no cost is given or one is not between 0 and the gain.

    Notes
    -----
    ``net_benefit = value / (gain - cost)``, in true positives a row [1]_: ``TP / n - FP / n * t / (1 - t)``.
    Intervals are over customers. A model that is miscalibrated may be worth less than a rule.

    References
    ----------
    .. [1] Vickers and Elkin (2006). Decision curve analysis: a novel method for evaluating prediction models.
       Medical Decision Making 26.

    Examples
    --------
    >>> rows = Predictions(list("abcd"), ["june"] * 4, [1, 0, 1, 0], {"m": [0.9, 0.3, 0.4, 0.1]})
    >>> table = decision_curve(rows, gain=10, costs=[2]).set_index("model")
    >>> table[["acted_on", "value", "net_benefit"]].round(3).loc["m"].tolist()
    [0.75, 3.5, 0.438]
    >>> table["value"].to_dict()
    {'m': 3.5, 'everybody': 3.0, 'nobody': 0.0}
    """
    import pandas as pd

    odd = [cost for cost in costs if not 0 < cost < gain]
    if not (np.isfinite(gain) and gain > 0) or odd or not len(costs):
        raise InputError(
            f"gain {gain!r} and costs {list(costs)}; give a gain above 0 and costs between 0 and the gain, "
            "since an action that costs more never pays"
        )
    y = predictions.y
    customer = np.unique(predictions.customer_id, return_inverse=True)[1]
    lines = []
    for name in (*predictions.models, EVERYBODY, NOBODY):
        for cost in costs:
            earned = gain * y - cost
            acts = _acts(predictions, name, cost / gain)
            rule = earned if earned.mean() > 0 else np.zeros(len(y))
            value = _mean(acts * earned, customer)
            beyond = _mean(acts * earned - rule, customer)
            first = (name, cost, cost / gain, float(acts.mean()), value.value, value.low, value.high)
            lines.append((*first, value.value / (gain - cost), beyond.value, beyond.low, beyond.high))
    return pd.DataFrame(lines, columns=_COLUMNS)


_COLUMNS = (
    *("model", "cost", "threshold", "acted_on", "value", "low", "high"),
    *("net_benefit", "over_rule", "over_rule_low", "over_rule_high"),
)


def _acts(predictions: Predictions, name: str, threshold: float) -> npt.NDArray[np.bool_]:
    if name in predictions.models:
        return np.asarray(predictions.p[name] >= threshold)
    return np.full(len(predictions.y), name == EVERYBODY)


def _mean(values: Floats, customer: npt.NDArray[np.int64]) -> Interval:
    """Return the mean of rows with its interval over customers, by the linearisation of the ratio."""
    mean = float(values.mean())
    rows = np.bincount(customer)
    own = (np.bincount(customer, values) - mean * rows) * (len(rows) / len(values))
    return interval_of_means([1], [own + mean])
