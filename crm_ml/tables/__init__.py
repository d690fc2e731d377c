"""Customer tables: contracts, cleaning, sources and the bundle that everything else reads."""

from crm_ml.tables.bundle import Tables
from crm_ml.tables.contract import Column, Contract, contracts

__all__ = ["Column", "Contract", "Tables", "contracts"]
