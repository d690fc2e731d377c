"""Rows that a model of moves learns from: features and layer of a day, and the layer some time later."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from crm_ml.errors import InputError
from crm_ml.layers.cuts import Edges
from crm_ml.layers.layer_days import LayerDay, layer_days
from crm_ml.layers.segments import LAYER
from crm_ml.layers.settings import LayerSettings
from crm_ml.models.labelled_rows import LabelledRows
from crm_ml.snapshots import Snapshot
from crm_ml.tables.bundle import Tables

if TYPE_CHECKING:
    import pandas as pd

Target = Literal["move", "down"]
TARGETS: tuple[Target, ...] = ("move", "down")


@dataclass(frozen=True, eq=False)
class MoveRows:
    """Customer-days with their layers then and one horizon later.

    Parameters
    ----------
    X : pandas.DataFrame
        Features and layers, indexed by as_of and customer_id.
    later : pandas.Series of str
        Layer one horizon after, with the same index.
    order : tuple of str
    """

    X: "pd.DataFrame"
    later: "pd.Series[str]"
    order: tuple[str, ...]

    def labelled(self, target: Target) -> LabelledRows:
        """Return the rows with 1 for those that moved, or moved down."""
        return LabelledRows(self.X, labels(self.X[LAYER], self.later, self.order, target))

    def pairs(self) -> "list[tuple[pd.Series[str], pd.Series[str]]]":
        """Return layer and later layer of each day by customer_id, as `transitions` takes them."""
        days = self.X.index.get_level_values(0).unique()
        return [(self.X[LAYER].xs(day), self.later.xs(day)) for day in days]


def labels(
    now: "pd.Series[str]", later: "pd.Series[str]", order: Sequence[str], target: Target
) -> "pd.Series[int]":
    """Return 1 where the later layer is another one; for the target ``"down"`` where it is a lower one.

    Examples
    --------
    >>> import pandas as pd
    >>> now, later = pd.Series(["good", "good", "bad"]), pd.Series(["good", "bad", "good"])
    >>> labels(now, later, ["good", "bad"], "move").tolist()
    [0, 1, 1]
    >>> labels(now, later, ["good", "bad"], "down").tolist()
    [0, 1, 0]
    """
    import pandas as pd

    places = {name: place for place, name in enumerate(order)}
    was, then = now.map(places).to_numpy(), later.map(places).to_numpy()
    return pd.Series((then > was if target == "down" else then != was).astype(np.int8), index=now.index)


def inputs_of(day: LayerDay) -> "pd.DataFrame":
    """Return what a model of moves reads: features, layer and levels."""
    import pandas as pd

    return pd.concat([day.features, day.layers], axis=1)


def move_rows(
    tables: Tables, snapshots: Sequence[Snapshot], settings: LayerSettings, edges: Mapping[str, Edges]
) -> MoveRows:
    """Return the rows of several days whose later layers are known.

    Parameters
    ----------
    tables : Tables
        That reach to the end of the label window of each snapshot.
    snapshots : sequence of Snapshot
        Each with the horizon of moves.
    settings : LayerSettings
    edges : mapping of str to Edges
        The same for all days, so that nobody moves because an edge does.

    Raises
    ------
    InputError
        If nobody is known on a day.
    """
    import pandas as pd

    days = {snapshot: snapshot.shifted(snapshot.horizon.days) for snapshot in snapshots}
    wanted = sorted({*days, *days.values()}, key=lambda snapshot: snapshot.as_of)
    starts = {str(snapshot) for snapshot in days}
    X: dict[str, pd.DataFrame] = {}
    found: dict[str, pd.Series[str]] = {}
    for snapshot, day in zip(wanted, layer_days(tables, wanted, settings, edges), strict=True):
        found[str(snapshot)] = day.layers[LAYER]
        if day.day in starts:
            X[day.day] = inputs_of(day)
    empty = sorted(day for day, rows in X.items() if rows.empty)
    if empty:
        raise InputError(
            f"moves: nobody is known on {', '.join(empty)}; take fewer days (moves.train_days, test_days)"
        )
    later = {str(now): found[str(then)].reindex(X[str(now)].index) for now, then in days.items()}
    names = ["as_of", "customer_id"]
    rows = pd.concat(dict(sorted(X.items())), names=names)
    return MoveRows(rows, pd.concat(dict(sorted(later.items())), names=names), settings.order)
