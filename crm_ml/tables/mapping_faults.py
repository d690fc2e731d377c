"""What is wrong in a mapping beyond the form of its keys: tables and columns that no contract has."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from crm_ml.tables.contract import contracts
from crm_ml.tables.made_ids import wrong_made_ids
from crm_ml.tables.order_amounts import wrong_order_amounts
from crm_ml.tables.personal import wrong_personal

if TYPE_CHECKING:
    from crm_ml.tables.mapping import TableMapping


def mapping_faults(tables: "Mapping[str, TableMapping]") -> list[str]:
    """Return all that is wrong between the tables of a mapping and the contracts.

    Parameters
    ----------
    tables : mapping of str to TableMapping
    """
    known = contracts()
    faults = [
        f"{name} is no table; ours are {', '.join(sorted(known))}" for name in tables if name not in known
    ]
    faults += [
        f"{name} is missing" for name, contract in known.items() if contract.required and name not in tables
    ]
    for name, table in tables.items():
        if name not in known:
            continue
        ours = {column.name for column in known[name].columns}
        faults += [f"{name} has no column {column}; ours are {', '.join(sorted(ours))}"
                   for column in table.columns if column not in ours]  # fmt: skip
        if table.attributes and not known[name].attributes:
            faults.append(f"{name} has no attributes")
        faults += [f"{name}: the attribute {column} is a column of the contract"
                   for column in table.attributes if column in ours]  # fmt: skip
        faults += wrong_made_ids(known[name], table.columns | table.attributes)
        faults += wrong_order_amounts(known[name], table.columns | table.attributes)
        faults += wrong_personal(known[name], table)
        faults += [f"{name}: ids_of names {other}, {why}" for other in table.ids_of or ()
                   if (why := _no_ids(name, other, tables))]  # fmt: skip
    return faults


def _no_ids(name: str, other: str, tables: "Mapping[str, TableMapping]") -> str:
    """Return why a table can't give the ids of another, or an empty text."""
    if other not in tables:
        return "which is not mapped"
    if tables[other].ids_of is not None:
        return "whose ids come from other tables as well; give it a source"
    known = contracts()
    return (
        ""
        if other not in known or name in known[other].references.values()
        else f"which has no ids of {name}"
    )
