"""Columns that a source may have: how many, how long their names are, and each name once."""

from collections import Counter
from collections.abc import Collection

from crm_ml.errors import InputError
from crm_ml.storage.input_limits import MOST_COLUMNS, MOST_NAME_BYTES

_MOST_SHOWN = 20


def refuse_many(columns: int) -> None:
    """Refuse more columns than a table may have.

    Raises
    ------
    InputError

    Examples
    --------
    >>> refuse_many(4_096)
    """
    if columns > MOST_COLUMNS:
        raise InputError(
            f"has {columns:,} columns; a table has at most {MOST_COLUMNS:,}, export those that are needed"
        )


def refuse_columns(names: Collection[str]) -> None:
    """Refuse too many columns, and names that are longer than any column needs.

    Raises
    ------
    InputError
    """
    refuse_many(len(names))
    for place, name in enumerate(names, start=1):
        size = len(name.encode("utf-8", "surrogatepass"))
        if size > MOST_NAME_BYTES:
            raise InputError(
                f"names column {place} by {size:,} bytes; a name has at most {MOST_NAME_BYTES:,}"
            )


def repeated(names: Collection[str]) -> list[str]:
    """Return names that stand twice, also in another case, sorted; the first 20 of more.

    Examples
    --------
    >>> repeated(["id", "paid", "ID"])
    ['ID', 'id']
    """
    times = Counter(name.lower() for name in names)
    return sorted({name for name in names if times[name.lower()] > 1})[:_MOST_SHOWN]
