"""The layers of a day, published whole: edges, layers, tiers, moves since the day before and to come."""

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from crm_ml.errors import InputError
from crm_ml.layers.customer_value import value_cents
from crm_ml.layers.cuts import Edges, keep_edges
from crm_ml.layers.layer_days import LayerDay, layer_days, snapshot_of
from crm_ml.layers.layer_folder import LayerFolder, write_layers
from crm_ml.layers.layer_moves import VALUE, Moves, moves
from crm_ml.layers.move_model import MoveForecast, forecast_moves
from crm_ml.layers.segments import LAYER, layers_of
from crm_ml.layers.settings import LayerSettings
from crm_ml.layers.tiers import tier_edges, tiers_of
from crm_ml.snapshots import Snapshot
from crm_ml.storage.code_version import code_version
from crm_ml.storage.identity import identity
from crm_ml.storage.publish import check_free, publish
from crm_ml.tables.bundle import Tables
from crm_ml.tables.currencies import currency_of

if TYPE_CHECKING:
    import pandas as pd

TIER = "layer_tier"


@dataclass(frozen=True, eq=False)
class LayerResult:
    """Layers of a day with all that is told of them.

    Parameters
    ----------
    as_of, before : str
        The day, and the one that it is compared with.
    frame : pandas.DataFrame
        Indexed by customer_id: layer_name, a level of each cut, layer_value_cents, layer_before, layer_move
        (up, down, same or new), with tiers layer_tier and layer_tier_before, layer_p_move and layer_p_down.
    moves : Moves
    tier_moves : Moves, optional
    forecast : MoveForecast
    edges : mapping of str to Edges
    tier_edges : Edges, optional
    notes : tuple of str
        Which edges were learned again.
    """

    as_of: str
    before: str
    frame: "pd.DataFrame"
    moves: Moves
    tier_moves: Moves | None
    forecast: MoveForecast
    edges: dict[str, Edges]
    tier_edges: Edges | None
    notes: tuple[str, ...] = ()

    def facts(self) -> dict[str, Any]:
        """Return all but the rows of customers as JSON."""
        each = self.forecast.transitions.replace({np.nan: None}).to_dict(orient="records")
        return {
            "as_of": self.as_of,
            "before": self.before,
            "edges": {name: edges.facts() for name, edges in self.edges.items()},
            "tier_edges": None if self.tier_edges is None else self.tier_edges.facts(),
            "moves": _facts(self.moves),
            "tier_moves": None if self.tier_moves is None else _facts(self.tier_moves),
            "transitions": json.loads(json.dumps(each)),
            "verdicts": [verdict.facts() for verdict in self.forecast.verdicts],
            "notes": list(self.notes),
        }


def layers_of_day(
    tables: Tables, as_of: date | str, settings: LayerSettings, previous: LayerFolder | None = None
) -> LayerResult:
    """Return the layers of a day.

    Parameters
    ----------
    tables : Tables
    as_of : date or str
        Only rows before it are read.
    settings : LayerSettings
    previous : LayerFolder, optional
        Of an earlier day, whose edges stay, whose tiers hold back by hysteresis, and from whose layers the
        moves are counted. Without it edges are learned today, and the layers of ``moves.every_days`` before
        are made anew with them.

    Raises
    ------
    ConfigError
        If a cut, a rule or the value does not fit the features.
    InputError
        If the previous day is not before this one or of another definition, customers can't be divided, or
        too few moved.
    """
    snapshot = snapshot_of(tables, as_of, settings)
    if previous is not None:
        _check_previous(previous, snapshot, settings)
    [features] = _features(tables, [snapshot], settings)
    kept = {} if previous is None else previous.edges
    edges, notes = keep_edges(features, settings.cuts, kept, settings.tolerance, str(snapshot))
    today = LayerDay(str(snapshot), features, layers_of(features, settings, edges))
    frame = today.layers.assign(**{VALUE: value_cents(tables, snapshot, features, settings.value)})
    tiered, told = _tier_edges(frame, settings, previous, str(snapshot))
    if previous is None:
        earlier, before = _made_anew(tables, snapshot, settings, edges, tiered)
    else:
        earlier, before = previous.frame(), previous.as_of.isoformat()
    if settings.tiers and tiered:
        frame[TIER] = tiers_of(frame[VALUE], settings.tiers, tiered.values, earlier[TIER])
    forecast = forecast_moves(tables, snapshot, today, settings, edges)
    found = moves(earlier, frame, settings.order)
    lowest_last = settings.tiers.names[::-1] if settings.tiers else ()
    tier_moves = moves(earlier, frame, lowest_last, TIER) if settings.tiers else None
    frame = _with_moves(frame, earlier, settings).join(forecast.p)
    return LayerResult(
        str(snapshot), before, frame, found, tier_moves, forecast, edges, tiered, (*notes, *told)
    )


def publish_layers(
    tables: Tables, as_of: date, settings: LayerSettings, out: Path, previous: LayerFolder | None = None
) -> tuple[Path, LayerResult]:
    """Make the layers of a day and publish them as ``<out>/<day>-<id>``; ``latest.json`` points there.

    Raises
    ------
    AlreadyPublished
        If they are there already (exit code 3).
    CrmError
        As `layers_of_day`, and if the folder can't be written.
    """
    from crm_ml.layers.page.layer_page import page_of

    if not tables.fingerprint:
        raise InputError(
            "the tables have no fingerprint, so the layers could not say what they were made from"
        )
    ingredients = {
        "as_of": as_of.isoformat(),
        "code": code_version("crm_ml.layers.layer_run"),
        "data": tables.fingerprint,
        "definition": settings.definition(),
        "previous": None if previous is None else previous.manifest["layers_id"],
    }
    layers_id = identity(ingredients)
    name = f"{as_of}-{layers_id[:12]}"
    pointer = {"folder": name, "as_of": as_of.isoformat()}
    check_free(out, name, pointer)
    result = layers_of_day(tables, as_of, settings, previous)
    currency = currency_of(tables.frame("order_lines"))
    details = {
        "as_of": as_of.isoformat(), "currency": currency, "definition": identity(settings.definition()),
        "ingredients": ingredients, "layers_id": layers_id, "name": settings.name, "timezone": tables.zone,
    }  # fmt: skip

    def fill(content: Path, _scratch: Path) -> None:
        page = page_of(result, settings, currency)
        write_layers(content, result.frame, result.moves.down, result.facts(), page, **details)

    return publish(out, name, fill, pointer), result


def _features(tables: Tables, snapshots: list[Snapshot], settings: LayerSettings) -> "list[pd.DataFrame]":
    from crm_ml.features import matrices

    return list(matrices(tables, snapshots, settings.features))


def _check_previous(previous: LayerFolder, snapshot: Snapshot, settings: LayerSettings) -> None:
    breaches = []
    if previous.as_of.isoformat() >= str(snapshot):
        breaches.append(f"they are of {previous.as_of}, not before {snapshot}")
    if previous.manifest["definition"] != identity(settings.definition()):
        breaches.append("they were made by another definition of layers")
    if breaches:
        raise InputError(
            f"{previous.path}: {'; '.join(breaches)}; give the layers of an earlier day, or begin without"
        )


def _tier_edges(
    frame: "pd.DataFrame", settings: LayerSettings, previous: LayerFolder | None, day: str
) -> tuple[Edges | None, list[str]]:
    if settings.tiers is None:
        return None, []
    kept = None if previous is None else previous.tier_edges
    return tier_edges(frame[VALUE], settings.tiers, kept, settings.tolerance, day)


def _made_anew(
    tables: Tables, snapshot: Snapshot, settings: LayerSettings, edges: dict[str, Edges], tiered: Edges | None
) -> "tuple[pd.DataFrame, str]":
    """Return the layers of the day before, by the same edges."""
    earlier = snapshot.shifted(-settings.moves.every_days)
    [day] = layer_days(tables, [earlier], settings, edges)
    if day.layers.empty:
        raise InputError(
            f"nobody is known on {earlier}, the day that moves are counted from; take a later day"
        )
    frame = day.layers.assign(**{VALUE: value_cents(tables, earlier, day.features, settings.value)})
    if settings.tiers and tiered:
        frame[TIER] = tiers_of(frame[VALUE], settings.tiers, tiered.values)
    return frame, day.day


def _with_moves(frame: "pd.DataFrame", earlier: "pd.DataFrame", settings: LayerSettings) -> "pd.DataFrame":
    """Add the layer (and tier) of before, and which way each customer went."""
    places = {name: place for place, name in enumerate(settings.order)}
    before = earlier[LAYER].reindex(frame.index)
    was, now = before.map(places).to_numpy(dtype=float), frame[LAYER].map(places).to_numpy(dtype=float)
    way = np.select([np.isnan(was), now > was, now < was], ["new", "down", "up"], "same")
    moved = frame.assign(layer_before=before, layer_move=way)
    return moved.assign(layer_tier_before=earlier[TIER].reindex(frame.index)) if settings.tiers else moved


def _facts(found: Moves) -> dict[str, Any]:
    return {
        "counts": found.by_layer(),
        "entered": {str(name): int(count) for name, count in found.entered.items()},
        "left": {str(name): int(count) for name, count in found.left.items()},
        "moved": found.moved,
        "moved_down": len(found.down),
        "value_down_cents": found.value_down_cents,
    }
