"""Identity: profiles of all channels become customers whose ids stay."""

from typing import TYPE_CHECKING, Any

from crm_ml.identity.rule import Rule, Wall

if TYPE_CHECKING:
    from crm_ml.identity.average_link import AverageLink
    from crm_ml.identity.customers import Customers
    from crm_ml.identity.normalising import Identifier
    from crm_ml.identity.resolution import resolve

__all__ = ["AverageLink", "Customers", "Identifier", "Rule", "Wall", "resolve"]

_PLACES = {
    "AverageLink": "average_link",
    "Customers": "customers",
    "Identifier": "normalising",
    "resolve": "resolution",
}


def __getattr__(name: str) -> Any:
    """Import what needs more than pydantic when it is first asked for."""
    from importlib import import_module

    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PLACES.get(name, name)}"), name)
