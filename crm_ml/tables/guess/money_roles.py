"""Candidates for amount, unit price, quantity, discount and refund: what numbers mean together."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from crm_ml.tables.guess.candidates import Candidate, candidate, ranked
from crm_ml.tables.guess.column_facts import ColumnFacts, Floats
from crm_ml.tables.guess.relations import MISSING, Codes, values_each
from crm_ml.tables.role_words import hint

Facts = dict[str, ColumnFacts]
_MOST_PIECES: Final = 1_000
_LONG: Final = 1e9
_HALF: Final = 0.5
_CENT: Final = 0.011


@dataclass
class MoneyRoles:
    """Candidates of each role of numbers.

    Parameters
    ----------
    candidates : dict of str to list of Candidate
    per_order : frozenset of str
        Columns of money that stand once an order or are alike on all of its lines.
    """

    candidates: dict[str, list[Candidate]] = field(default_factory=dict)
    per_order: frozenset[str] = frozenset()


def money_roles(
    facts: Facts, order: ColumnFacts | None, item: ColumnFacts | None, taken: set[str]
) -> MoneyRoles:
    """Return the candidates for all roles of numbers.

    Parameters
    ----------
    facts : dict of str to ColumnFacts
    order, item : ColumnFacts, optional
        Best candidates.
    taken : set of str
        Columns that have another role.
    """
    numbers = [c for c in facts.values() if c.name not in taken and _may_be_counted(c)]
    roles = MoneyRoles()
    roles.candidates["quantity"] = quantity = ranked([q for c in numbers if (q := _quantity(c)) is not None])
    pieces = facts[quantity[0].column] if quantity else None
    money = [column for column in numbers if pieces is None or column.name != pieces.name]
    roles.per_order = frozenset(c.name for c in money if order is not None and _is_of_order(order.codes, c))
    of_line = [column for column in money if column.name not in roles.per_order]
    for column in of_line:
        growth = _growth(column, pieces, item)
        roles.candidates.setdefault("unit price", []).append(_unit_price(column, growth))
        roles.candidates.setdefault("amount", []).append(_amount(column, growth, 0.0))
    for column in money:
        if column.name in roles.per_order:
            roles.candidates.setdefault("amount", []).append(_amount(column, None, 0.15 if of_line else 0.0))
        for role in ("discount", "refund"):
            roles.candidates.setdefault(role, []).append(_taken_off(role, column))
    roles.candidates = {role: ranked(listed) for role, listed in roles.candidates.items()}
    return roles


def _may_be_counted(column: ColumnFacts) -> bool:
    """Return whether a column may be money or pieces: numbers, and no times or long whole ones."""
    numbers = column.numbers[~np.isnan(column.numbers)]
    if column.number is None or column.time is not None or not len(numbers):
        return False
    return column.has_signs or float(np.median(np.abs(numbers))) < _LONG


def _quantity(column: ColumnFacts) -> Candidate | None:
    """Return small whole numbers without currency signs."""
    numbers = column.numbers[~np.isnan(column.numbers)]
    against = hint("quantity", column.name)[0] < 0
    if column.has_signs or not column.is_whole or column.filled < 0.9 or against:
        return None
    middle = float(np.median(np.abs(numbers)))
    if middle > _MOST_PIECES:
        return None
    positive = float((numbers > 0).mean())
    small = 1.0 if middle <= 20 else 0.5
    repeated = 1 - min(column.differ / len(numbers), 1.0)
    by_values = 0.4 * small + 0.3 * positive + 0.3 * repeated
    return candidate("quantity", column.name, by_values, [f"whole numbers, half of them up to {middle:.0f}"])


def _is_of_order(order: Codes, column: ColumnFacts) -> bool:
    """Return whether an amount stands once an order or is alike on its lines, in orders of several lines."""
    rows = np.bincount(order[order != MISSING])
    several = rows > 1
    if not several.any():
        return False
    filled = np.bincount(order[(column.codes != MISSING) & (order != MISSING)], minlength=len(rows))
    once = bool((filled[several] <= 1).mean() > 0.99)
    counts = values_each(order, column.codes)[several & (filled > 1)]
    alike = len(counts) > 0 and bool((counts == 1).mean() > 0.98)
    return once or alike


def _growth(column: ColumnFacts, pieces: ColumnFacts | None, item: ColumnFacts | None) -> float | None:
    """Return how amounts of one item grow with its pieces: about 1 for the amount of a line, 0 for a price.

    The slope of the logarithm of the amount on that of the pieces, within items.
    """
    if pieces is None:
        return None
    usable = (column.numbers > 0) & (pieces.numbers > 0)
    groups = np.zeros(len(usable), dtype=np.int64) if item is None else item.codes
    usable &= groups != MISSING
    if not usable.any():
        return None
    log_pieces = _centred(np.log(pieces.numbers[usable]), groups[usable])
    log_amount = _centred(np.log(column.numbers[usable]), groups[usable])
    variation = float((log_pieces**2).sum())
    return float((log_pieces * log_amount).sum()) / variation if variation > 1e-6 * usable.sum() else None


def _centred(values: Floats, groups: Codes) -> Floats:
    rows = np.bincount(groups)
    means = np.bincount(groups, values) / np.maximum(rows, 1)
    return np.asarray(values - means[groups])


def _unit_price(column: ColumnFacts, growth: float | None) -> Candidate:
    numbers = column.numbers[~np.isnan(column.numbers)]
    by_values = 0.3 + 0.2 * column.has_signs + 0.2 * column.filled - 0.3 * bool((numbers == 0).mean() > _HALF)
    if growth is None:
        return candidate("unit price", column.name, by_values, ["quantities do not tell it from an amount"])
    by_values += 0.3 if growth < _HALF else -0.5
    reason = f"grows with the quantity by a power of {growth:.1f}"
    return candidate("unit price", column.name, by_values, [reason])


def _amount(column: ColumnFacts, growth: float | None, less: float) -> Candidate:
    numbers = column.numbers[~np.isnan(column.numbers)]
    zero = float((numbers == 0).mean()) if len(numbers) else 1.0
    by_values = 0.4 + 0.3 * column.has_signs + 0.1 * column.filled - 0.4 * (zero > _HALF) - less
    reasons = [f"filled in {column.filled:.0%}"] + ["decimals or a currency sign"] * column.has_signs
    if growth is not None:
        by_values += 0.2 if growth >= _HALF else -0.4
        reasons.append(f"grows with the quantity by a power of {growth:.1f}")
    return candidate("amount", column.name, by_values, reasons)


def _taken_off(role: str, column: ColumnFacts) -> Candidate:
    """Return an amount that is mostly zero or empty and never negative; without a word for it, it is none."""
    numbers = column.numbers[~np.isnan(column.numbers)]
    zero = 1 - float((numbers != 0).sum()) / max(len(column.numbers), 1)
    named = hint(role, column.name)[0] > 0
    by_values = (0.4 * (zero > _HALF) + 0.4 * bool((numbers >= 0).all()) + 0.2 * (zero < 1)) * named
    return candidate(role, column.name, by_values, [f"zero or empty in {zero:.0%}"])


def lines_less(lines: Floats, order: Codes, totals: Floats, less: Floats) -> float:
    """Return the share of orders whose lines less `less` are `totals`, within a cent."""
    groups = order[order != MISSING]
    usable = order != MISSING
    summed = np.bincount(groups, np.nan_to_num(lines[usable]))
    filled = np.bincount(groups, ~np.isnan(totals[usable]))
    total = np.bincount(groups, np.nan_to_num(totals[usable])) / np.maximum(filled, 1)
    cells = np.bincount(groups, ~np.isnan(less[usable]))
    off = np.bincount(groups, np.nan_to_num(less[usable])) / np.maximum(cells, 1)
    return float((np.abs(summed - off - total) < _CENT)[filled > 0].mean())
