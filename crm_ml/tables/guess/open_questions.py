"""What decided between two readings of a file, and what its data leave open, in sentences."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from crm_ml.tables.currencies import minor_digits
from crm_ml.tables.guess.settings_lines import currency_code
from crm_ml.tables.role_words import hint

if TYPE_CHECKING:
    from crm_ml.tables.guess.file_guess import FileGuess


def open_questions(guess: "FileGuess") -> list[str]:
    """Return a sentence for each decision that a person should know."""
    return [*_of_time(guess), *_of_numbers(guess), *_of_rows(guess)]


def _of_time(guess: "FileGuess") -> Iterator[str]:
    column = guess.column("time")
    form = column.time if column is not None else None
    if column is None or form is None or not form.why:
        return
    if form.or_format:
        other = f"read as {form.format}, else write {form.or_format}"
        yield f"{column.name}: {form.why}, so day or month may be first; {other}"
    else:
        yield f"{column.name}: {form.why}"


def _of_numbers(guess: "FileGuess") -> Iterator[str]:
    price, pieces = guess.column("unit price"), guess.column("quantity")
    if price is not None and pieces is not None and hint("amount", price.name)[0] > 0 and guess.ready is None:
        yield (
            f"{price.name} does not grow with {pieces.name}, so it is read as the price of a piece; "
            "if it is of the line, take `times` away"
        )
    for role in ("unit price", "amount", "quantity"):
        column = guess.column(role)
        form = column.number if column is not None else None
        if column is not None and form is not None and form.open_signs and minor_digits(currency_code(guess)):
            yield f"{column.name}: three digits follow its sign in all cells; thousands or decimals?"


def _of_rows(guess: "FileGuess") -> Iterator[str]:
    amounts = guess.line_amounts()
    negative = float((amounts[~np.isnan(amounts)] < 0).mean()) if (~np.isnan(amounts)).any() else 0.0
    if negative and guess.ready is None and not guess.cancels:
        yield f"{negative:.1%} of amounts are below zero: say what they take back (refund_of, cancellations)"
    customer = guess.column("customer")
    if customer is not None and customer.filled < 1:
        yield f"{customer.name} is empty in {1 - customer.filled:.1%} of rows, which are set aside"
