"""Actions: what may be done to a customer, at what cost, with which consent, and how often."""

from crm_ml.actions.catalog import Action, Catalog

__all__ = ["Action", "Catalog"]
