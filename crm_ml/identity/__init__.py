"""Identity: profiles of all channels become customers whose ids stay."""

from typing import TYPE_CHECKING, Any

from crm_ml.identity.rule import Rule, Wall

if TYPE_CHECKING:
    from crm_ml.identity.average_link import AverageLink
    from crm_ml.identity.cluster_metrics import b_cubed, pairwise
    from crm_ml.identity.comparison import Comparison
    from crm_ml.identity.customers import Customers
    from crm_ml.identity.fellegi_sunter import FellegiSunter
    from crm_ml.identity.normalising import Identifier
    from crm_ml.identity.resolution import resolve
    from crm_ml.identity.scorer import Scorer
    from crm_ml.identity.splink_scorer import SplinkScorer

__all__ = [
    "AverageLink", "Comparison", "Customers", "FellegiSunter", "Identifier", "Rule", "Scorer",
    "SplinkScorer", "Wall", "b_cubed", "pairwise", "resolve",
]  # fmt: skip

_PLACES = {
    "AverageLink": "average_link",
    "Comparison": "comparison",
    "Customers": "customers",
    "FellegiSunter": "fellegi_sunter",
    "Identifier": "normalising",
    "Scorer": "scorer",
    "SplinkScorer": "splink_scorer",
    "b_cubed": "cluster_metrics",
    "pairwise": "cluster_metrics",
    "resolve": "resolution",
}


def __getattr__(name: str) -> Any:
    """Import what needs more than pydantic when it is first asked for."""
    from importlib import import_module

    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PLACES.get(name, name)}"), name)
