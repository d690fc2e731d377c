"""Whether the first line of a file names its columns or is data."""

from crm_ml.errors import InputError
from crm_ml.tables.cell_shape import looks_like_data, shape_of
from crm_ml.tables.guess.column_facts import ColumnFacts
from crm_ml.tables.number_form import number_form
from crm_ml.tables.time_form import time_form


def refuse_without_header(name: str, facts: dict[str, ColumnFacts]) -> None:
    """Refuse a file whose first line is data.

    Parameters
    ----------
    name : str
        Of the file.
    facts : dict of str to ColumnFacts
        Under what stands in the first line.

    Raises
    ------
    InputError
        Says how many cells of the line look like data; shows none.
    """
    alike = [column for head, column in facts.items() if _is_data(head, column)]
    if alike:
        raise InputError(
            f"{name} line 1 is no header: {len(alike)} of its {len(facts)} cells look like data, "
            f"not like names (such as {shape_of(alike[0].name)}); write a line of names, or a mapping with "
            'header: false, in which columns are called "1", "2", ...'
        )


def _is_data(head: str, column: ColumnFacts) -> bool:
    if looks_like_data(head):
        return True
    of_time = column.time is not None and column.time.epoch is None and time_form([head], [head]) is not None
    return of_time or (column.number is not None and number_form([head]) is not None)
