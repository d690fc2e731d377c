"""Ids that an export does not have: orders made of a customer's time or day, and places of lines."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from crm_ml.tables.contract import Contract
from crm_ml.tables.mapping_parts import ColumnMapping
from crm_ml.tables.sources import ROW
from crm_ml.tables.sql import literal

if TYPE_CHECKING:
    import duckdb

#: What each column may be made from; only tables that have all of `_NEEDED` may make ids.
FORMS: Final = {"order_id": ("customer_time", "customer_day"), "line_id": ("position",)}
_NEEDED: Final = frozenset(("customer_id", "order_id", "line_id", "ordered_at"))


def wrong_made_ids(contract: Contract, hows: Mapping[str, ColumnMapping]) -> list[str]:
    """Return what is wrong with ``made`` in the columns of a table.

    Parameters
    ----------
    contract : Contract
    hows : mapping of str to ColumnMapping
        By column of the contract.
    """
    makes = {column.name for column in contract.columns} >= _NEEDED
    faults = []
    for name, how in hows.items():
        forms = FORMS.get(name, ()) if makes else ()
        if how.made is not None and how.made not in forms:
            can = f"it can be made: {' or '.join(forms)}" if forms else "it can't be made; name its column"
            faults.append(f"{contract.name}.{name} is made: {how.made}; {can}")
    return faults


def instead(contract: Contract, name: str) -> str:
    """Return how a column that the source does not have can be made, for the end of an error, or nothing.

    Parameters
    ----------
    contract : Contract
    name : str
        A column of the contract.
    """
    if name == "item_id":
        return "; without items: item_id: {constant: any}"
    if name != "order_id" or not {column.name for column in contract.columns} >= _NEEDED:
        return ""
    return (
        "; without order ids: order_id: {made: customer_time}, what a customer buys in one second, or "
        "{made: customer_day}, on one day"
    )


def make_ids(
    connection: "duckdb.DuckDBPyConnection", stage: str, hows: Mapping[str, ColumnMapping], timezone: str
) -> None:
    """Fill the ids that are declared as made into a typed table.

    They follow from the rows alone: an order is ``<customer_id>@<time in UTC>``, in whole seconds, or
    ``<customer_id>@<day>``, of the zone; a line is its place in its order, from 1, as the source is ordered.
    Where a part is missing so is the id; such rows are set aside for that part.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
    stage : str
        Quoted name of the typed table, changed in place.
    hows : mapping of str to ColumnMapping
        By column of the contract.
    timezone : str
        Zone of the days.
    """
    made = {name: how.made for name, how in hows.items() if how.made is not None}
    if "order_id" in made:
        moment = "strftime(ordered_at, '%Y-%m-%dT%H:%M:%SZ')"
        if made["order_id"] == "customer_day":
            moment = f"strftime(timezone({literal(timezone)}, timezone('UTC', ordered_at)), '%Y-%m-%d')"
        connection.execute(f"UPDATE {stage} SET order_id = customer_id || '@' || {moment}")
    if "line_id" in made:
        place = f"row_number() OVER (PARTITION BY order_id ORDER BY {ROW}) AS place"
        connection.execute(
            f"UPDATE {stage} AS s SET line_id = CAST(p.place AS VARCHAR) FROM "
            f"(SELECT {ROW}, {place} FROM {stage}) AS p WHERE p.{ROW} = s.{ROW}"
        )
