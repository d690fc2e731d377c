"""Customer tables: contracts, sources, cleaning, and `Tables`, the accepted tables as one value."""

from crm_ml.tables.bundle import Tables
from crm_ml.tables.contract import Column, Contract, contracts

__all__ = ["Column", "Contract", "Tables", "contracts"]
