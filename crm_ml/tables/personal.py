"""Source columns declared ``personal``: their cells are keyed pseudonyms from the moment a source is open."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from crm_ml.errors import InputError
from crm_ml.storage.pseudonyms import PSEUDONYM_SIGNS, check_of, hmac_pads, pseudonym_key
from crm_ml.tables.cell_shape import shown_of_file
from crm_ml.tables.contract import Contract
from crm_ml.tables.nulls import ID_NULLS
from crm_ml.tables.sql import ident, literal

if TYPE_CHECKING:
    import duckdb

    from crm_ml.tables.mapping import TableMapping

#: Ids that a list hands over: a campaign tool would not know their pseudonyms.
_HANDED_OVER: Final = ("customer_id", "item_id")
_INNER, _OUTER = "pseudonym_inner", "pseudonym_outer"


def wrong_personal(contract: Contract, table: "TableMapping") -> list[str]:
    """Return why columns of a table can't be personal: what reads them needs their cells as they are.

    Parameters
    ----------
    contract : Contract
    table : TableMapping
    """
    declared = set(table.personal)
    faults = [f"{name} is personal and ignored; name it once" for name in declared & set(table.ignore)]
    faults += [f"{reader} reads {theirs}, which is personal: {why}"
               for reader, theirs, why in _needed_plain(contract, table) if theirs in declared]  # fmt: skip
    return [f"{contract.name}: {fault}" for fault in sorted(faults)]


def _needed_plain(contract: Contract, table: "TableMapping") -> Iterator[tuple[str, str, str]]:
    """Yield what needs the cells of a source column as they are: its name, the column, and why."""
    kinds = {column.name: column.kind for column in contract.columns}
    theirs = {name: (name,) for name in kinds} | {name: how.named for name, how in table.columns.items()}
    casts = [name for name, how in table.columns.items() if how.cast is not None]
    for ours, names in theirs.items():
        if ours in _HANDED_OVER:
            why = "a list names it as the campaign tool does; make an id of its own at the source"
        elif kinds.get(ours) != "id" or ours in casts:
            why = "only ids without cast and attributes of kind text may be; ignore it, or map another column"
        else:
            continue
        yield from ((ours, name, why) for name in names)
    for ours, how in table.attributes.items():
        if how.kind != "text" or how.cast is not None:
            yield from ((ours, name, f"a pseudonym is no {how.kind}; ignore it") for name in how.named)
    compared = "it compares its cells; name another column"
    if table.cancelled is not None:
        yield "cancelled", table.cancelled.column, compared
    if table.cancellations is not None:
        yield "cancellations", table.cancellations.column, compared
    if table.where is not None:
        from crm_ml.rules.grammar import columns, parse

        yield from (("where", test.column, compared) for test in columns(parse(table.where)))


def pseudonymised(
    connection: "duckdb.DuckDBPyConnection",
    source: str,
    view: str,
    types: dict[str, str],
    table: "TableMapping",
) -> dict[str, str]:
    """Create a view of an open source in which the cells of personal columns are pseudonyms.

    A pseudonym is that of the cell as text (`crm_ml.storage.pseudonyms`). Cells that are empty or hold a word
    for a missing value stay as they are. The key is a variable of the connection, so it stands in no SQL.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
    source, view : str
        Names of the opened source and of the view.
    types : dict of str to str
        Raw columns and their DuckDB types.
    table : TableMapping

    Returns
    -------
    dict of str to str
        `types`, with text for pseudonyms.

    Raises
    ------
    InputError
        If the source lacks a personal column, or the key can't be read.
    """
    absent = [name for name in table.personal if name not in types]
    if absent:
        raise InputError(
            f"has no column {', '.join(absent)}, which is declared personal; personal names columns of the "
            f"source, present are {shown_of_file(types, types, table.personal)}"
        )
    for name, pad in zip((_INNER, _OUTER), hmac_pads(pseudonym_key()), strict=True):
        connection.execute(f"SET VARIABLE {name} = ?", [pad])
    cells = ", ".join(f"{_pseudonym(name, _nulls(table, name))} AS {ident(name)}" for name in table.personal)
    connection.execute(f"CREATE VIEW {ident(view)} AS SELECT * REPLACE ({cells}) FROM {ident(source)}")
    return types | dict.fromkeys(table.personal, "VARCHAR")


def key_check(tables: "dict[str, TableMapping]") -> str:
    """Return what tells the key of pseudonyms from another, or an empty text where no column is personal."""
    return check_of(pseudonym_key()) if any(table.personal for table in tables.values()) else ""


def _nulls(table: "TableMapping", name: str) -> tuple[str, ...]:
    """Return the words for a missing value in a source column."""
    hows = (*table.columns.values(), *table.attributes.values())
    words = [how.nulls for how in hows if name in how.named and how.nulls is not None]
    return () if () in words else (*ID_NULLS, *(word for of_column in words for word in of_column))


def _pseudonym(name: str, nulls: tuple[str, ...]) -> str:
    text = f"CAST({ident(name)} AS VARCHAR)"
    missing = " ".join(f"WHEN {literal(word.strip().lower())} THEN {text}" for word in ("", *nulls))
    inner = f"sha256(getvariable('{_INNER}') || encode({text}))"
    digest = f"substr(sha256(getvariable('{_OUTER}') || unhex({inner})), 1, {PSEUDONYM_SIGNS})"
    return f"CASE lower(trim(regexp_replace({text}, '[\\s\\p{{Z}}]+', ' ', 'g'))) {missing} ELSE {digest} END"
