"""Columns of a file that name a person or lead to one, by the words of their names and the shape of cells."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Final

from crm_ml.tables.role_words import is_personal

_E_MAIL: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_PHONE: Final = re.compile(r"(\+|00)[\d ()/.-]{7,20}|\(?0\d{1,4}[ )/-][\d /-]{4,}")
_MOST: Final = 0.5
_LOOKED_AT: Final = 200


def personal_columns(columns: Mapping[str, Sequence[str | None]], taken: Collection[str]) -> list[str]:
    """Return the columns to declare as ``personal`` before they are read, in the order of the file.

    Parameters
    ----------
    columns : mapping of str to sequence of str or None
        Cells by the name of the column.
    taken : collection of str
        Columns that the mapping reads, such as an e-mail that is the id of the customer.

    Examples
    --------
    >>> personal_columns({"Email": ["a@b.de"], "contact": ["+49 151 23456"], "qty": ["1"]}, ["Email"])
    ['contact']
    """
    free = {name: cells for name, cells in columns.items() if name not in taken}
    return [name for name, cells in free.items() if is_personal(name) or _holds_persons(cells)]


def _holds_persons(cells: Sequence[str | None]) -> bool:
    """Return whether most cells are e-mails or phone numbers."""
    filled = [cell.strip() for cell in cells[:_LOOKED_AT] if cell is not None]
    alike = sum(1 for cell in filled if _E_MAIL.fullmatch(cell) or _PHONE.fullmatch(cell))
    return alike > _MOST * len(filled)
