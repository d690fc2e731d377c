"""Moves between layers: who moved between two days, and how often with intervals over several days."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from crm_ml.errors import InputError
from crm_ml.evaluation.wilson import wilson_interval
from crm_ml.layers.segments import LAYER

if TYPE_CHECKING:
    import pandas as pd

VALUE = "layer_value_cents"


@dataclass(frozen=True, eq=False)
class Moves:
    """Moves between two days.

    Parameters
    ----------
    order : tuple of str
        Layers, the best first.
    counts : pandas.DataFrame
        Customers by layer before (rows) and after (columns), of those known on both days.
    entered, left : pandas.Series of int
        By layer: customers who were not known before, and those who are not known any more.
    down : pandas.DataFrame
        Who moved down, of the highest value first: customer_id (index), before, after, value_cents (of the
        day before).
    value_down_cents : int
        Their sum.
    """

    order: tuple[str, ...]
    counts: "pd.DataFrame"
    entered: "pd.Series[int]"
    left: "pd.Series[int]"
    down: "pd.DataFrame"
    value_down_cents: int

    def by_layer(self) -> dict[str, dict[str, int]]:
        """Return the counts as plain data: layer before to layer after to customers."""
        numbers = self.counts.to_numpy().tolist()
        return {
            name: dict(zip(self.order, row, strict=True))
            for name, row in zip(self.order, numbers, strict=True)
        }

    @property
    def moved(self) -> int:
        """Number of customers in another layer than before."""
        return int(self.counts.to_numpy().sum() - np.trace(self.counts.to_numpy()))


def moves(
    before: "pd.DataFrame",
    after: "pd.DataFrame",
    order: Sequence[str],
    column: str = LAYER,
    value: str = VALUE,
) -> Moves:
    """Return who moved between two days.

    Parameters
    ----------
    before, after : pandas.DataFrame
        Layers of a day, indexed by customer_id.
    order : sequence of str
        Layers, the best first; down is towards the end.
    column : str
        Such as ``"layer_tier"``.
    value : str
        Column of `before` with what each customer was worth, in minor units.

    Raises
    ------
    InputError
        If a customer is twice in a frame, or a layer is not in `order`.

    Examples
    --------
    >>> import pandas as pd
    >>> day = pd.DataFrame({"layer_name": ["good", "good"], "layer_value_cents": [500, 70]}, index=["a", "b"])
    >>> found = moves(day, day.assign(layer_name=["good", "bad"]), ["good", "bad"])
    >>> found.moved, found.value_down_cents
    (1, 70)
    """
    import pandas as pd

    for when, frame in (("before", before), ("after", after)):
        _check(frame[column], order, when)
    both = before.index.intersection(after.index, sort=True)
    was, now = before[column].loc[both], after[column].loc[both]
    counts = pd.crosstab(_ranked(was, order), _ranked(now, order), dropna=False).reindex(
        index=range(len(order)), columns=range(len(order)), fill_value=0
    )
    counts = pd.DataFrame(
        counts.to_numpy(), index=pd.Index(order, name="before"), columns=pd.Index(order, name="after")
    )
    worth = before[value].loc[both].astype("int64")
    down = pd.DataFrame({"before": was, "after": now, "value_cents": worth})
    down = down[(_ranked(now, order) > _ranked(was, order)).to_numpy()]
    down = down.rename_axis("customer_id").reset_index()
    down = down.sort_values(["value_cents", "customer_id"], ascending=[False, True]).set_index("customer_id")
    return Moves(
        tuple(order),
        counts,
        _counted(after.loc[after.index.difference(both), column], order),
        _counted(before.loc[before.index.difference(both), column], order),
        down,
        int(down["value_cents"].sum()),
    )


def transitions(
    pairs: "Sequence[tuple[pd.Series[str], pd.Series[str]]]", order: Sequence[str]
) -> "pd.DataFrame":
    """Return how often customers move from each layer to each, over several pairs of days.

    Parameters
    ----------
    pairs : sequence of (pandas.Series, pandas.Series)
        Layer of each customer on a day and some time later, both indexed by customer_id; who is not in both
        does not count.
    order : sequence of str

    Returns
    -------
    pandas.DataFrame
        A row for each layer before and after: before, after, customers (different ones in the layer before),
        rows (customer-days in it), moves (of which ended in the layer after), share, low, high (95 %).

    Raises
    ------
    InputError
        If a layer is not in `order`.

    Notes
    -----
    A customer stands in several pairs, so rows are no independent draws. The share is a ratio of sums over
    customers; its variance by linearisation, ``C / (C - 1) * sum_c (moves_c - share * rows_c)^2 / rows^2``
    over the C customers, gives the number of independent rows that would be as precise [1]_, from which the
    interval of Wilson follows [2]_. Where all or none moved the variance says nothing, and the number of
    customers stands for the rows.

    References
    ----------
    .. [1] Korn and Graubard (1998). Confidence intervals for proportions with small expected number of
       positive counts estimated from survey data. Survey Methodology 24.
    .. [2] Dean and Pagano (2015). Evaluating confidence interval methods for binomial proportions in
       clustered surveys. Journal of Survey Statistics and Methodology 3.
    """
    import pandas as pd

    places = _places(pairs, order)
    lines = []
    for was, name in enumerate(order):
        own = places[places["before"] == was]
        rows = own.groupby("customer")["after"].size()
        for now, other in enumerate(order):
            moved = (own["after"] == now).groupby(own["customer"]).sum()
            lines.append(
                (
                    name,
                    other,
                    *_share(np.asarray(moved, dtype=np.float64), np.asarray(rows, dtype=np.float64)),
                )
            )
    return pd.DataFrame(
        lines, columns=["before", "after", "customers", "rows", "moves", "share", "low", "high"]
    )


def _places(pairs: "Sequence[tuple[pd.Series[str], pd.Series[str]]]", order: Sequence[str]) -> "pd.DataFrame":
    """Return before, after (places in the order) and customer of each pair of days."""
    import pandas as pd

    frames = []
    for before, after in pairs:
        _check(before, order, "before")
        _check(after, order, "after")
        both = before.index.intersection(after.index, sort=True)
        was, now = _ranked(before.loc[both], order), _ranked(after.loc[both], order)
        frames.append(pd.DataFrame({"before": was, "after": now}).rename_axis("customer").reset_index())
    return pd.concat(frames, ignore_index=True)


def _share(
    moved: npt.NDArray[np.float64], rows: npt.NDArray[np.float64]
) -> tuple[int, int, int, float, float, float]:
    """Return customers, rows, moves, and their share with the interval of clusters."""
    customers, total, count = len(rows), int(rows.sum()), int(moved.sum())
    if not customers:
        return 0, 0, 0, np.nan, np.nan, np.nan
    share = count / total
    residual = moved - share * rows
    variance = float((residual**2).sum()) / total**2 * customers / max(customers - 1, 1)
    independent = share * (1 - share) / variance if variance > 0 else float(customers)
    [low], [high] = wilson_interval([share], [min(independent, float(total))])
    return customers, total, count, share, float(low), float(high)


def _ranked(layer: "pd.Series[str]", order: Sequence[str]) -> "pd.Series[int]":
    return layer.map({name: place for place, name in enumerate(order)}).astype("int64")


def _counted(layer: "pd.Series[str]", order: Sequence[str]) -> "pd.Series[int]":
    return layer.value_counts().reindex(list(order), fill_value=0).astype("int64")


def _check(layer: "pd.Series[str]", order: Sequence[str], when: str) -> None:
    unknown = sorted(set(layer.dropna()) - set(order))
    twice = int(layer.index.duplicated().sum())
    empty = int(layer.isna().sum())
    breaches = [f"{', '.join(unknown)} is none of {', '.join(order)}"] if unknown else []
    breaches += [f"{twice:,} customers stand twice"] if twice else []
    breaches += [f"{empty:,} customers have none"] if empty else []
    if breaches:
        raise InputError(f"layers {when}: {'; '.join(breaches)}")
