"""How a contract column is read from a source, as SQL, and what the columns of a table share."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from crm_ml.tables.row_checks import Check
from crm_ml.tables.row_currency import RowCurrency


@dataclass(frozen=True)
class Reading:
    """How a contract column is read from a source.

    Parameters
    ----------
    value : str
        SQL of the value, over the raw columns ``"r:<theirs>"``.
    checks : tuple of Check
        Predicates over the raw columns and the value under its contract name.
    refusal : str
        Why the whole column can't be used; empty if it can.
    cells : dict of str to str
        SQL of cells in plain form, by the names under which `value` and `checks` use them.
    kind_of_type : str
        Type by which ids of two tables are compared: ``"integer"``, ``"text"``, ``"float"``, or empty if
        unknown.
    """

    value: str
    checks: tuple[Check, ...] = ()
    refusal: str = ""
    kind_of_type: str = ""
    cells: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ReadingContext:
    """Settings shared by all columns of a table.

    Parameters
    ----------
    types : dict of str to str
        DuckDB types of the raw columns.
    timezone : str
        Zone of times without one.
    known_until : str
        UTC moment as text, or empty.
    untyped : bool
        Whether the source has no types (CSV), so that text may mean any type.
    currency : RowCurrency
        Of the amounts of a row.
    """

    types: Mapping[str, str]
    timezone: str = "UTC"
    known_until: str = ""
    untyped: bool = False
    currency: RowCurrency = field(default_factory=RowCurrency)
