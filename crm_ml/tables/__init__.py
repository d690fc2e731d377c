"""Customer tables: contracts, sources, cleaning, and `Tables`, the accepted tables as one value.

`from_frame` makes tables of a frame in memory, `load` of the files that a mapping describes.
"""

from typing import TYPE_CHECKING, Any

from crm_ml.tables.bundle import Tables
from crm_ml.tables.contract import Column, Contract, contracts

if TYPE_CHECKING:
    from crm_ml.tables.config_file import load_config as load
    from crm_ml.tables.own_frame import from_frame

__all__ = ["Column", "Contract", "Tables", "contracts", "from_frame", "load"]


def __getattr__(name: str) -> Any:
    """Import what reads sources when it is first asked for."""
    if name == "from_frame":
        from crm_ml.tables.own_frame import from_frame

        return from_frame
    if name == "load":
        from crm_ml.tables.config_file import load_config

        return load_config
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
