"""Table contracts: columns, kinds, key and references."""

import importlib
import pkgutil
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal

PLAUSIBLE_S = (31_536_000, 4_102_444_800)  # epoch seconds from 1971 to the end of 2099
Kind = Literal["id", "time", "integer", "number", "cents", "text", "boolean"]


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Parameters
    ----------
    name : str
        Name in the accepted tables.
    kind : {"id", "time", "integer", "number", "cents", "text", "boolean"}
        ``id`` is a string, unchanged; ``time`` becomes UTC with a second column ``<name>_epoch_s`` of integer
        seconds; ``cents`` is an integer in minor units of the currency.
    required : bool
        Whether the source must have the column. A missing optional column is filled with nulls or `default`.
    nullable : bool
        Whether an accepted row may have no value.
    default : int, optional
        Value for a missing optional column and for empty cells.
    planned : bool
        Whether a time may lie after the extraction of the data, such as the end of a campaign.
    any_year : bool
        Whether a time may lie in any year, such as a birthday; otherwise 1971 to 2099 are plausible.
    """

    name: str
    kind: Kind
    required: bool = True
    nullable: bool = False
    default: int | None = None
    planned: bool = False
    any_year: bool = False


@dataclass(frozen=True)
class Contract:
    """Required form of a table.

    Parameters
    ----------
    name : str
        Table name, also the attribute of `Tables`.
    columns : tuple of Column
    key : tuple of str
        Columns that identify a row. If one is absent from the source, the whole row is the key.
    references : dict of str to str
        Column to the table that must contain its value, such as ``{"customer_id": "customers"}``.
    required : bool
        Whether every set of customer tables must have this table.
    attributes : bool
        Whether further columns may be declared as attributes (customers).
    known_at : str, optional
        Time column from which on a row is known; without it rows count as always known.
    meanings : dict of str to str
        What each column holds, in a sentence of the documentation.
    """

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    references: dict[str, str] = field(default_factory=dict)
    required: bool = False
    attributes: bool = False
    known_at: str | None = None
    meanings: dict[str, str] = field(default_factory=dict, compare=False, repr=False)

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
    """Return the contracts of all tables: every module of this package that defines ``CONTRACT``."""
    package = importlib.import_module("crm_ml.tables")
    by_name: dict[str, Contract] = {}
    for module in sorted(info.name for info in pkgutil.iter_modules(package.__path__) if not info.ispkg):
        if "\nCONTRACT = " in (Path(package.__path__[0]) / f"{module}.py").read_text(encoding="utf-8"):
            contract: Contract = importlib.import_module(f"crm_ml.tables.{module}").CONTRACT
            by_name[contract.name] = contract
    return by_name
