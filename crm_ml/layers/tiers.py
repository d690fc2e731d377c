"""Tiers of value with hysteresis: who stands near an edge stays in the tier of the day before."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from crm_ml.errors import InputError
from crm_ml.layers.cuts import Edges, Floats, distance, even_edges, shares_between
from crm_ml.layers.settings import Tiers

if TYPE_CHECKING:
    import pandas as pd


def tiers_of(
    value_cents: "pd.Series[float]",
    tiers: Tiers,
    edges: Sequence[float],
    before: "pd.Series[str] | None" = None,
) -> "pd.Series[str]":
    """Return the tier of each customer.

    Parameters
    ----------
    value_cents : pandas.Series of float, shape (n,)
        Indexed by customer_id, in minor units, without NaN.
    tiers : Tiers
    edges : sequence of float
        Ascending, above 0, in minor units; one fewer than tiers.
    before : pandas.Series of str, optional
        Tier of the day before by customer_id. Who has none, or one of another name, gets the tier of the
        edges as they are.

    Notes
    -----
    With ``up`` the number of edges at or below ``value / (1 + h)`` and ``down`` that of edges at or below
    ``value / (1 - h)``, the tier is the one of before, moved as little as needed to lie within up and down: a
    customer rises at ``edge * (1 + h)``, falls below ``edge * (1 - h)``, and stays between.

    Examples
    --------
    >>> import pandas as pd
    >>> tiers = Tiers(names=("basic", "gold"), edges_cents=(1000.0,), hysteresis=0.1)
    >>> before = pd.Series(["basic", "gold", "gold"], index=["a", "b", "c"])
    >>> value = pd.Series([1050.0, 950.0, 850.0], index=["a", "b", "c"])
    >>> tiers_of(value, tiers, [1000.0], before).tolist()
    ['basic', 'gold', 'basic']
    """
    import pandas as pd

    numbers, steps = value_cents.to_numpy(dtype=np.float64), np.asarray(edges, dtype=np.float64)
    plain = np.searchsorted(steps, numbers, side="right")
    up = np.searchsorted(steps * (1 + tiers.hysteresis), numbers, side="right")
    down = np.searchsorted(steps * (1 - tiers.hysteresis), numbers, side="right")
    place = plain
    if before is not None:
        known = before.reindex(value_cents.index).map({name: n for n, name in enumerate(tiers.names)})
        former = known.to_numpy(dtype=np.float64, na_value=np.nan)
        stays = np.clip(np.nan_to_num(former), up, down).astype(np.int64)
        place = np.where(np.isnan(former), plain, stays)
    return pd.Series(np.array(tiers.names, dtype=object)[place], index=value_cents.index, name="layer_tier")


def tier_edges(
    value_cents: "pd.Series[float]", tiers: Tiers, kept: Edges | None, tolerance: float, day: str
) -> tuple[Edges, list[str]]:
    """Return the edges of tiers: declared, kept from an earlier day, or learned of customers with a value.

    Parameters
    ----------
    value_cents : pandas.Series of float
    tiers : Tiers
    kept : Edges, optional
        Of an earlier day; they stay as those of `crm_ml.layers.cuts.keep_edges` do.
    tolerance : float
    day : str

    Returns
    -------
    Edges, list of str
        And a sentence if they were learned again.

    Raises
    ------
    InputError
        If customers with a value can't be divided so.
    """
    if tiers.edges_cents is not None:
        return Edges(tiers.edges_cents), []
    assert tiers.shares is not None
    worth: Floats = np.asarray(value_cents, dtype=np.float64)
    values = worth[worth > 0]
    notes = []
    if kept is not None and len(kept.values) == len(tiers.names) - 1:
        furthest = distance(values, kept)
        if furthest <= tolerance:
            return kept, []
        notes = [f"tiers: the share of one is {furthest:.3f} from that of {kept.since}; edges learned again"]
    edges = even_edges(values, np.cumsum(tiers.shares)[:-1].tolist())
    if len(set(edges)) != len(tiers.names) - 1:
        raise InputError(
            f"tiers: {len(values):,} customers with a value can't be divided into {len(tiers.names)} tiers; "
            "declare edges_cents, or take fewer"
        )
    return Edges(edges, shares_between(values, edges), day), notes
