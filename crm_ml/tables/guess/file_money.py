"""What the money of a file is: of a piece, a line or an order, and what is taken off it."""

from typing import TYPE_CHECKING, Final

import numpy as np

from crm_ml.tables.guess.column_facts import ColumnFacts
from crm_ml.tables.guess.money_roles import lines_less, money_roles

if TYPE_CHECKING:
    from crm_ml.tables.guess.file_guess import FileGuess

_PROVEN: Final = 0.95


def take_money(guess: "FileGuess") -> None:
    """Take columns for amounts, prices, quantities, discounts and refunds, and what sums and signs prove."""
    order, item = guess.column("order"), guess.column("item")
    roles = money_roles(guess.facts, order, item, set(guess.columns.values()))
    guess.candidates |= roles.candidates
    guess.per_order = roles.per_order
    for role in ("quantity", "discount", "refund"):
        if roles.candidates.get(role):
            guess.columns[role] = roles.candidates[role][0].column
    amounts, prices = roles.candidates.get("amount", []), roles.candidates.get("unit price", [])
    of_line = [c for c in amounts if c.column not in roles.per_order]
    taken = {guess.columns.get("discount"), guess.columns.get("refund")}
    amounts = [c for c in of_line or amounts if c.column not in taken]
    prices = [c for c in prices if c.column not in taken]
    if prices and "quantity" in guess.columns and (not amounts or prices[0].score > amounts[0].score):
        guess.columns["unit price"] = prices[0].column
    elif amounts:
        guess.columns["amount"] = amounts[0].column
    elif prices and "quantity" not in guess.columns:
        guess.columns["amount"] = prices[0].column
    _take_off(guess)
    guess.cancels = _sign_of_cancellations(guess)


def _sign_of_cancellations(guess: "FileGuess") -> str:
    """Return the letter with which orders of negative amounts begin, and no others, as in C536379."""
    order = guess.column("order")
    negative = guess.line_amounts() < 0
    if order is None or not negative.any():
        return ""
    signs = np.array([(cell or " ")[0] for cell in order.cells])
    letters, counts = np.unique(signs[negative], return_counts=True)
    letter = str(letters[counts.argmax()])
    usual = counts.max() > _PROVEN * negative.sum() and not (signs[guess.line_amounts() > 0] == letter).any()
    return letter if usual and letter.isalpha() else ""


def _take_off(guess: "FileGuess") -> None:
    """Take discounts and refunds of orders off their lines, where sums do not speak against it."""
    order, discount = guess.column("order"), guess.column("discount")
    refund = guess.columns.get("refund")
    less = []
    if order is not None and discount is not None and discount.name in guess.per_order:
        total = _total_less(guess, order, discount)
        if total:
            less.append(discount.name)
            guess.notes.append(f"{total} is what the lines of an order come to, less {discount.name}")
        else:
            guess.notes.append(f"no sum tells whether amounts are before {discount.name}; taken as after it")
    if refund in guess.per_order and refund is not None:
        less.append(refund)
    guess.less = tuple(less)


def _total_less(guess: "FileGuess", order: ColumnFacts, discount: ColumnFacts) -> str:
    """Return the amount of an order that its lines less the discount come to, or an empty text."""
    lines = guess.line_amounts()
    for name in sorted(guess.per_order - {discount.name}):
        totals = guess.facts[name].numbers
        if (
            lines_less(lines, order.codes, totals, discount.numbers)
            > _PROVEN
            > lines_less(lines, order.codes, totals, np.zeros(len(lines)))
        ):
            return name
    return ""
