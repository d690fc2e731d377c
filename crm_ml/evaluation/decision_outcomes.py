"""What one decision changes in each of several outcomes, estimated from a logged experiment."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from crm_ml.errors import InputError
from crm_ml.evaluation.policy_value import LoggedExperiment
from crm_ml.evaluation.significance import Interval

if TYPE_CHECKING:
    import pandas as pd

TOTAL = "all together"


def decision_outcomes(
    outcomes: Mapping[str, LoggedExperiment],
    policy: npt.ArrayLike,
    base: npt.ArrayLike,
    worth: Mapping[str, float],
    cost: npt.ArrayLike = 0.0,
) -> "pd.DataFrame":
    """Return how each outcome differs under a policy from that under another one, with 95 % intervals.

    Parameters
    ----------
    outcomes : mapping of str to LoggedExperiment
        The same rows, arms and probabilities with the outcome of each name.
    policy, base : array-like of int, shape (n,)
        Number of the arm of each row by the decision, and by what it is compared with, such as no treatment.
    worth : mapping of str to float
        Of one unit of each outcome, in minor units of money.
    cost : float or array-like of float, shape (a,)
        Of each arm for a row that gets it, in minor units of money; the last row of the table counts it.

    Returns
    -------
    pandas.DataFrame
        Columns outcome, difference (a row of the experiment), low, high, verdict (``more``, ``less`` or
        ``not known``). The last row has all outcomes weighted by their worth; its interval knows how they
        move together.

    Raises
    ------
    InputError
        If an outcome has no worth or the other way round, or the experiments differ in rows, arms or
        probabilities.

    Notes
    -----
    The doubly robust difference of `LoggedExperiment.value`; the total has the weighted outcomes of each row.
    """
    import pandas as pd

    if set(outcomes) != set(worth) or not outcomes:
        odd = sorted(set(outcomes) ^ set(worth)) or ["none at all"]
        raise InputError(
            f"outcomes and worth must have the same names; only in one of them: {', '.join(odd)}"
        )
    first = next(iter(outcomes.values()))
    strange = [name for name, each in outcomes.items() if not _same_rows(first, each)]
    if strange:
        raise InputError(
            f"outcomes: {', '.join(strange)} have other rows, arms or probabilities than the first"
        )
    intervals = {name: each.value(policy, base) for name, each in outcomes.items()}
    intervals[TOTAL] = _total(outcomes, worth, cost).value(policy, base)
    rows = [(name, each.value, each.low, each.high, _verdict(each)) for name, each in intervals.items()]
    return pd.DataFrame(rows, columns=["outcome", "difference", "low", "high", "verdict"])


def _total(
    outcomes: Mapping[str, LoggedExperiment], worth: Mapping[str, float], cost: npt.ArrayLike
) -> LoggedExperiment:
    first = next(iter(outcomes.values()))
    y, outcome, paid = (
        np.sum([worth[name] * getattr(each, part) for name, each in outcomes.items()], axis=0)
        for part in ("y", "outcome", "cost")
    )
    return LoggedExperiment(first.arm, y, first.probability, outcome, paid + cost, first.customer_id)


def _same_rows(first: LoggedExperiment, other: LoggedExperiment) -> bool:
    return np.array_equal(first.arm, other.arm) and np.array_equal(first.probability, other.probability)


def _verdict(difference: Interval) -> str:
    if difference.low > 0:
        return "more"
    return "less" if difference.high < 0 else "not known"
