"""Layers: named groups of customers by rules over cuts of features, value tiers, and moves between them."""

from crm_ml.layers.cuts import Edges, keep_edges, learn_edges
from crm_ml.layers.layer_moves import Moves, moves, transitions
from crm_ml.layers.segments import layers_of
from crm_ml.layers.settings import Cut, LayerSettings, Tiers
from crm_ml.layers.tiers import tiers_of

__all__ = [
    "Cut",
    "Edges",
    "LayerSettings",
    "Moves",
    "Tiers",
    "keep_edges",
    "layers_of",
    "learn_edges",
    "moves",
    "tiers_of",
    "transitions",
]
