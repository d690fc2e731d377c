"""Words in names of columns that hint at what a column is; the values of the column may outweigh them."""

import re
from functools import cache
from importlib import resources
from typing import Any, Final

from crm_ml.tables.safe_yaml import parse_yaml

_SPLIT: Final = re.compile(r"(?<=[a-z])(?=[A-Z])|[^\w]+|_+")


@cache
def _tables() -> dict[str, Any]:
    text = resources.files("crm_ml.tables").joinpath("role_words.yaml").read_text(encoding="utf-8")
    tables: dict[str, Any] = parse_yaml(text, "role_words.yaml")
    return tables


def is_cancelled(status: str) -> bool:
    """Return whether a status is of orders that never came to be.

    Examples
    --------
    >>> is_cancelled("Cancelled"), is_cancelled("交易关闭"), is_cancelled("paid")
    (True, True, False)
    """
    return status.strip().lower() in _tables()["cancelled"]


def words_of(name: str) -> str:
    """Return the words of a name in lower case with spaces around each.

    Examples
    --------
    >>> words_of("InvoiceDate"), words_of("order_id")
    (' invoice date ', ' order id ')
    """
    return f" {' '.join(word.lower() for word in _SPLIT.split(name) if word)} "


def is_usual(name: str) -> bool:
    """Return whether a name has a word that names of columns have.

    Examples
    --------
    >>> is_usual("Order Date"), is_usual("姓名"), is_usual("Jane Doe")
    (True, True, False)
    """
    tables = _tables()
    words, listed = words_of(name), (*tables["words"].values(), tables["personal"], tables["header"])
    return any(_stands(word, words) for of_role in listed for word in of_role)


def is_personal(name: str) -> bool:
    """Return whether the name of a column says that it names, or leads to, a person.

    Examples
    --------
    >>> is_personal("Billing Phone"), is_personal("lastName"), is_personal("product name"), is_personal("qty")
    (True, True, False, False)
    """
    tables, words = _tables(), words_of(name)
    against = any(_stands(word, words) for word in tables["against"]["personal"])
    return not against and any(_stands(word, words) for word in tables["personal"])


def hint(role: str, name: str) -> tuple[float, str]:
    """Return how much a name speaks for a role, from -1 to 1, and the word that does.

    Examples
    --------
    >>> hint("order", "order_id"), hint("order", "order_status")
    ((1.0, 'order id'), (-0.5, 'status'))
    >>> hint("amount", "实付金额")
    (1.0, '实付')
    """
    words = words_of(name)
    against = next((word for word in _tables()["against"][role] if _stands(word, words)), "")
    word = next((word for word in _tables()["words"][role] if _stands(word, words)), "")
    if against and against not in word.split():
        return -0.5, against
    if not word:
        return 0.0, ""
    return (1.0 if len(word) > 5 or " " in word or not word.isascii() or words.strip() == word else 0.7), word


def _stands(word: str, words: str) -> bool:
    """Return whether a word stands in a name: as a whole word, or anywhere in scripts without spaces."""
    if word[0] >= "\u2e80":
        return word in words
    return f" {word} " in words or f" {word}s " in words
