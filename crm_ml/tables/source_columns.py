"""Which source column each column of a table is read from, and what is missing or left over."""

from difflib import get_close_matches
from typing import TYPE_CHECKING

from crm_ml.tables.cell_shape import shown_of_file
from crm_ml.tables.column_sql import raw
from crm_ml.tables.contract import Column
from crm_ml.tables.csv_header import better_delimiter
from crm_ml.tables.file_sources import CsvFile
from crm_ml.tables.made_ids import instead
from crm_ml.tables.mapping import TableMapping
from crm_ml.tables.mapping_parts import ColumnMapping
from crm_ml.tables.ready_mappings import expects
from crm_ml.tables.row_currency import code_in_capitals
from crm_ml.tables.row_filter import named_columns
from crm_ml.tables.sources import TableSource
from crm_ml.tables.sql import literal

if TYPE_CHECKING:
    from crm_ml.tables.staging import Staged

Hows = list[tuple[Column, ColumnMapping | None]]


def resolve(staged: "Staged", source: TableSource, types: dict[str, str]) -> Hows:
    """Return how each column is read, None for those that the source does not have.

    Parameters
    ----------
    staged : Staged
        Its columns, refusals and warnings are filled in place.
    source : TableSource
    types : dict of str to str
        Raw columns and their DuckDB types.
    """
    mapping, hows = staged.mapping, []
    attributes = tuple(
        Column(name, how.kind, nullable=True, any_year=True) for name, how in mapping.attributes.items()
    )
    staged.columns = (*staged.contract.columns, *attributes)
    declared = declared_columns(mapping)
    for column in staged.columns:
        how = mapping.columns.get(column.name) or mapping.attributes.get(column.name)
        if how is None and column.name in types and column.name not in mapping.ignore:
            how = ColumnMapping(column=column.name)
        if how is None and column.required:
            staged.refusals.append(
                f"{column.name} is missing; name its column under columns{_hint(source, types)}"
                f"{instead(staged.contract, column.name)}"
            )
        absent = [name for name in (how.named if how else ()) if name not in types]
        if absent:
            staged.refusals.append(
                f"{column.name} reads {', '.join(absent)}, which the source does not have"
                f"{_hint(source, types)}{_nearest(staged, column, absent, declared)}; present are "
                f"{shown_of_file(types, types, declared)}"
            )
        hows.append((column, None if absent else how))
    if mapping.cancellations is not None and mapping.cancellations.column not in types:
        staged.refusals.append(
            f"cancellations reads {mapping.cancellations.column}, which the source does not have"
        )
    used = {name for _, how in hows if how for name in how.named} | named_columns(mapping)
    staged.used = frozenset(used)
    _warn_unused(staged)
    return hows


def declared_columns(mapping: TableMapping) -> set[str]:
    """Return the source columns that a mapping names."""
    hows = (*mapping.columns.values(), *mapping.attributes.values())
    named = {name for how in hows for name in how.named}
    return named | named_columns(mapping) | set(mapping.ignore) | set(mapping.personal)


def currency_of_row(staged: "Staged", hows: Hows) -> str:
    """Return the SQL of the currency that a row names; empty where rows name none."""
    of_contract = {column.name: how for column, how in hows if column in staged.contract.columns}
    how = of_contract.get("currency")
    if how is None:
        return ""
    if how.constant is not None:
        return code_in_capitals(literal(str(how.constant)))
    return code_in_capitals(f"nullif(CAST({raw(how.theirs[0])} AS VARCHAR), '')")


def _hint(source: TableSource, types: dict[str, str]) -> str:
    return better_delimiter(list(types), source.delimiter) if isinstance(source, CsvFile) else ""


def _nearest(staged: "Staged", column: Column, absent: list[str], declared: set[str]) -> str:
    """Return who expects absent columns, where that is a ready mapping, and which columns have such names."""
    expected = any(expects(staged.like, staged.name, name) for name in absent)
    who = f"; the ready mapping {staged.like} expects it" if expected else ""
    if expected and not column.required:
        who += f", {column.name}: null does without"
    near = [other for name in absent for other in get_close_matches(name, staged.types, n=3)]
    return who + (f"; nearest are {shown_of_file(near, staged.types, declared)}" if near else "")


def _warn_unused(staged: "Staged") -> None:
    extra = [name for name in staged.kept if name not in staged.used | set(staged.mapping.personal)]
    if extra:
        names = shown_of_file(extra, staged.types, declared_columns(staged.mapping) | staged.used)
        staged.report.warnings.append(f"columns not used: {names}; map them or list them under ignore")
