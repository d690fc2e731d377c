"""What a table must look like: columns, kinds, key and references."""

import importlib
import pkgutil
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal

Kind = Literal["id", "time", "integer", "number", "cents", "text", "boolean"]


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Parameters
    ----------
    name : str
        Name in our tables.
    kind : {"id", "time", "integer", "number", "cents", "text", "boolean"}
        ``id`` is a string kept as written; ``time`` becomes UTC with an integer ``<name>_epoch_s`` beside it;
        ``cents`` is an integer in minor units of the currency.
    required : bool
        Whether the source must have the column. A missing optional column is filled with nulls or `default`.
    nullable : bool
        Whether an accepted row may have no value here.
    default : int, optional
        Value that fills a missing optional column, and cells without a value in it.
    planned : bool
        Whether a time may lie after the moment the data was taken, such as the end of a campaign.
    """

    name: str
    kind: Kind
    required: bool = True
    nullable: bool = False
    default: int | None = None
    planned: bool = False


@dataclass(frozen=True)
class Contract:
    """What a table must look like.

    Parameters
    ----------
    name : str
        Table name, also the attribute of `Tables`.
    columns : tuple of Column
    key : tuple of str
        Columns that name a row. If one of them is absent from the source, the whole row is the key.
    references : dict of str to str
        Column to the table that must know its value, such as ``{"customer_id": "customers"}``.
    required : bool
        Whether no set of customer tables can do without it.
    attributes : bool
        Whether columns beyond the contract may be declared and kept (customers).
    known_at : str, optional
        Time column that says since when a row is known; rows of other tables count as always known.
    """

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    references: dict[str, str] = field(default_factory=dict)
    required: bool = False
    attributes: bool = False
    known_at: str | None = None

    def column(self, name: str) -> Column:
        """Return the column called `name`.

        Raises
        ------
        KeyError
            If the contract has no such column.
        """
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"{self.name} has no column {name!r}")


@cache
def contracts() -> dict[str, Contract]:
    """Return the contracts of all tables, found by the modules of this package that define ``CONTRACT``."""
    package = importlib.import_module("crm_ml.tables")
    found: dict[str, Contract] = {}
    for module in sorted(info.name for info in pkgutil.iter_modules(package.__path__)):
        if "\nCONTRACT = " in (Path(package.__path__[0]) / f"{module}.py").read_text(encoding="utf-8"):
            contract: Contract = importlib.import_module(f"crm_ml.tables.{module}").CONTRACT
            found[contract.name] = contract
    return found
