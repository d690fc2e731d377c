"""A first mapping from the files of a shop: ``python -m crm_ml.tables --guess FILE``."""
