"""The layers of several days by the same edges, with the features that they follow from."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from crm_ml.features import matrices
from crm_ml.layers.cuts import Edges
from crm_ml.layers.segments import layers_of
from crm_ml.layers.settings import LayerSettings
from crm_ml.snapshots import Snapshot
from crm_ml.tables.bundle import Tables
from crm_ml.tables.zones import moment_in

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class LayerDay:
    """Features and layers of all customers known on a day, both indexed by customer_id.

    Parameters
    ----------
    day : str
        YYYY-MM-DD.
    features, layers : pandas.DataFrame
        See `crm_ml.layers.segments.layers_of`.
    """

    day: str
    features: "pd.DataFrame"
    layers: "pd.DataFrame"


def snapshot_of(tables: Tables, day: date | str, settings: LayerSettings) -> Snapshot:
    """Return the snapshot of a day, on the clock of the tables, with the horizon of moves."""
    horizon = timedelta(days=settings.moves.horizon_days)
    return Snapshot(moment_in(tables.zone, day), horizon, zone=tables.zone)


def layer_days(
    tables: Tables, snapshots: Sequence[Snapshot], settings: LayerSettings, edges: Mapping[str, Edges]
) -> Iterator[LayerDay]:
    """Give the layers of each day, from rows before it alone, by edges that are the same on all.

    Parameters
    ----------
    tables : Tables
    snapshots : sequence of Snapshot
    settings : LayerSettings
    edges : mapping of str to Edges

    Raises
    ------
    ConfigError
        If a rule does not fit the features.
    """
    frames = matrices(tables, snapshots, settings.features)
    for snapshot, features in zip(snapshots, frames, strict=True):
        yield LayerDay(str(snapshot), features, layers_of(features, settings, edges))
