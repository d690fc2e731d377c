"""Value of another policy that fills lists of items, from logged lists with a reward at each position."""

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from crm_ml.errors import InputError
from crm_ml.evaluation.direct_outcomes import Direct
from crm_ml.evaluation.mean_intervals import interval_of_means
from crm_ml.evaluation.ranking import Floats, as_floats
from crm_ml.evaluation.significance import Interval

Interaction = Literal["independent", "cascade", "whole"]
INTERACTIONS = ("independent", "cascade", "whole")


def slate_value(
    list_id: npt.ArrayLike,
    position: npt.ArrayLike,
    reward: npt.ArrayLike,
    propensity: npt.ArrayLike,
    target_probability: npt.ArrayLike,
    interaction: Interaction = "cascade",
    direct: Direct | None = None,
    self_normalised: bool = False,
) -> Interval:
    """Return the mean reward of a list under the target policy, the sum over positions, with its interval.

    Parameters
    ----------
    list_id : array-like, shape (n,)
        A row for each position of each list; lists may differ in length.
    position : array-like of int, shape (n,)
        From the top, such as 1, 2, 3.
    reward : array-like of float, shape (n,)
        Such as a click on the item at the position.
    propensity, target_probability : array-like of float, shape (n,)
        Of the item at its position under the logging and the target policy: given the items above it, for
        `independent` whatever they are.
    interaction : {"independent", "cascade", "whole"}
        What a reward depends on: its item alone (least variance), those above it too, or the whole list (most
        variance, never biased).
    direct : Direct, optional
        For the doubly robust value of `cascade`: expected reward from the position on, given the items up to
        it (`logged`), and its mean over the items that the target may put there (`target`).
    self_normalised : bool
        Divide by the mean weight of each position.

    Raises
    ------
    InputError
        If shapes differ, a position repeats within a list, there are fewer than two lists, a value is NaN or
        infinite, a propensity is not in (0, 1] or a target probability not in [0, 1], or a direct model
        stands beside another interaction; the message lists all problems.

    Notes
    -----
    Weights are the product of ``target_probability / propensity`` over the positions that the interaction
    names: item-position IPS [1]_, reward-interaction IPS [2]_, IPS, and cascade-DR [3]_. The interval is over
    lists; lists of one customer should be one list, or few.

    References
    ----------
    .. [1] Li et al. (2018). Offline evaluation of ranking policies with click models. KDD.
    .. [2] McInerney et al. (2020). Counterfactual evaluation of slate recommendations with sequential reward
       interactions. KDD, equation 6.
    .. [3] Kiyohara et al. (2022). Doubly robust off-policy evaluation for ranking policies under the cascade
       behavior model. WSDM, equation 8.

    Examples
    --------
    >>> lists, place = [1, 1, 2, 2], [1, 2, 1, 2]
    >>> clicks, p, target = [1, 0, 0, 1], [0.5, 0.5, 0.5, 0.5], [1, 1, 0.5, 1]
    >>> [slate_value(lists, place, clicks, p, target, each).value for each in INTERACTIONS]
    [2.0, 2.0, 3.0]
    """
    names = ("reward", "propensity", "target_probability")
    given = (reward, propensity, target_probability)
    columns = [as_floats(name, values) for name, values in zip(names, given, strict=True)]
    model = [] if direct is None else [as_floats("direct", each) for each in (direct.logged, direct.target)]
    lists, places = np.asarray(list_id), np.asarray(position)
    _check(lists, places, [*columns, *model], interaction)
    row, column = (np.unique(each, return_inverse=True)[1] for each in (lists, places))
    shape = (int(row.max()) + 1, int(column.max()) + 1)

    def table(values: Floats, filled: float) -> Floats:
        cells = np.full(shape, filled)
        cells[row, column] = values
        return cells

    ratio, earned = table(columns[2] / columns[1], 1.0), table(columns[0], 0.0)
    weight = _weights(ratio, interaction)
    before = np.column_stack([np.ones(len(ratio)), weight[:, :-1]])
    logged, target = (table(each, 0.0) for each in model) if model else (0.0, 0.0)
    if self_normalised:
        return _normalised(earned - logged, target, weight, before)
    return interval_of_means([1], [(weight * (earned - logged) + before * target).sum(axis=1)])


def _weights(ratio: Floats, interaction: Interaction) -> Floats:
    if interaction == "independent":
        return ratio
    if interaction == "cascade":
        return np.asarray(np.cumprod(ratio, axis=1), dtype=float)
    whole: Floats = ratio.prod(axis=1, keepdims=True)
    return np.broadcast_to(whole, ratio.shape)


def _normalised(gap: Floats, target: Floats | float, weight: Floats, before: Floats) -> Interval:
    """Return the value with each position's weights divided by their mean, by its linearisation."""
    total = np.zeros(len(gap))
    for share, values in ((weight, gap), (before, np.broadcast_to(target, gap.shape))):
        mean = share.mean(axis=0)
        scaled = np.divide(share, mean, out=np.zeros_like(share), where=mean > 0)
        centre = (scaled * values).mean(axis=0)
        total += (centre + scaled * (values - centre)).sum(axis=1)
    return interval_of_means([1], [total])


def _check(
    lists: npt.NDArray[Any], places: npt.NDArray[Any], columns: list[Floats], interaction: str
) -> None:
    shapes = [column.shape for column in (lists, places, *columns)]
    n = len(lists) if lists.ndim == 1 else 0
    if n == 0 or any(shape != (n,) for shape in shapes):
        raise InputError(f"lists of items: columns have shapes {shapes}; give one value a row in each")
    if interaction not in INTERACTIONS:
        raise InputError(f"interaction is {interaction!r}; there are {', '.join(INTERACTIONS)}")
    reward, p, target, *model = columns
    odd = {
        "a reward or the direct model is NaN or infinite": ~np.isfinite([reward, *model]).all(axis=0),
        "propensity is not in (0, 1]": ~((p > 0) & (p <= 1)),
        "target_probability is not in [0, 1]": ~((target >= 0) & (target <= 1)),
    }
    breaches = [f"{what} in {int(bad.sum()):,} of {n:,} rows" for what, bad in odd.items() if bad.any()]
    number, place = (np.unique(each, return_inverse=True)[1] for each in (lists, places))
    twice = n - len(np.unique(number * (int(place.max()) + 1) + place))
    if twice:
        breaches.append(f"{twice:,} rows repeat a position within a list")
    if number.max() < 1:
        breaches.append("there is one list; give two at least")
    if model and interaction != "cascade":
        breaches.append(f"a direct model is for the interaction cascade, not for {interaction}")
    if breaches:
        raise InputError(f"lists of items: {'; '.join(breaches)}")
