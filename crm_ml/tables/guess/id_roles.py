"""Candidates for customer, order, time, item, status, event and currency: columns that name something."""

import re
from typing import Final

import numpy as np

from crm_ml.tables.guess.candidates import Candidate, candidate, ranked
from crm_ml.tables.guess.column_facts import ColumnFacts
from crm_ml.tables.guess.relations import contiguity, distinct, share_of_one, share_of_several
from crm_ml.tables.number_form import currency_of_sign
from crm_ml.tables.role_words import hint, is_cancelled, words_of

Facts = dict[str, ColumnFacts]
_MOST_KINDS: Final = 60
_OF_IDS: Final = frozenset(("id", "no", "number", "nr", "nummer", "code", "key", "sku"))
_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def time_candidates(facts: Facts) -> list[Candidate]:
    """Return columns of times; that of an order is filled, and has many values."""
    listed = []
    for column in facts.values():
        if column.time is None:
            continue
        kind = f"epoch in {column.time.epoch}" if column.time.epoch else column.time.format or "ISO 8601"
        spread = min(column.differ / 20, 1.0)
        doubt = 0.4 if column.time.epoch and hint("time", column.name)[0] <= 0 else 0.0
        by_values = (0.5 + 0.3 * column.filled + 0.2 * spread) - doubt
        listed.append(candidate("time", column.name, by_values, [f"{kind}, filled in {column.filled:.0%}"]))
    return ranked(listed)


def order_candidates(facts: Facts, time: ColumnFacts) -> list[Candidate]:
    """Return columns whose rows have one time, stand together, and have several rows in part."""
    listed = []
    for column in _ids(facts, time):
        rows = column.filled * len(column.codes) / max(column.differ, 1)
        one_time = share_of_one(column.codes, time.codes)
        if column.filled < 0.9 or column.differ < 2 or one_time < 0.9:
            continue
        if rows > 1.02:
            block = contiguity(column.codes)
            # fewer values than times and customers: an attribute of orders, not their id
            per_time = column.differ / max(distinct(time.codes), 1)
            by_values = 0.4 + 0.3 * one_time + 0.3 * block * min(per_time, 1.0)
            reasons = [f"{rows:.1f} rows each, at one time in {one_time:.0%}"]
        else:
            by_values, reasons = 0.5, ["differs in every row"]
        listed.append(candidate("order", column.name, by_values, reasons))
    return ranked(listed)


def customer_candidates(facts: Facts, time: ColumnFacts, order: ColumnFacts | None) -> list[Candidate]:
    """Return ids that are one for each order and come again at other times."""
    listed = []
    moments = order or time
    for column in _ids(facts, time, order):
        if column.differ < 2:
            continue
        again = share_of_several(column.codes, moments.codes)
        per_order = share_of_one(order.codes, column.codes) if order else 1.0
        many = min(column.differ / max(moments.differ * 0.02, 2), 1.0)
        emails = column.example() is not None and bool(_EMAIL.fullmatch(column.example() or ""))
        by_values = (0.35 * per_order + 0.35 * min(again * 2, 1) + 0.2 * emails + 0.1) * many
        if per_order < 0.95:
            by_values *= 0.3
        reasons = [f"{column.differ:,} values, {again:.0%} with several {'orders' if order else 'times'}"]
        if order is not None:
            reasons.append(f"one an order in {per_order:.0%}")
        listed.append(candidate("customer", column.name, by_values, reasons + ["e-mail addresses"] * emails))
    return ranked(listed)


def item_candidates(
    facts: Facts, time: ColumnFacts, order: ColumnFacts | None, customer: ColumnFacts | None
) -> list[Candidate]:
    """Return ids of which an order has several, and which other customers have as well."""
    listed = []
    for column in _ids(facts, time, order, customer):
        in_order = share_of_several(order.codes, column.codes) if order else 0.0
        others = share_of_several(column.codes, (customer or time).codes)
        enough = 1.0 if column.differ > _MOST_KINDS // 3 else 0.5
        by_values = (0.5 * min(in_order * 2, 1) + 0.4 * others + 0.1 * column.filled) * enough * column.filled
        reasons = [f"several in {in_order:.0%} of orders", f"{others:.0%} with several customers"]
        listed.append(candidate("item", column.name, by_values, reasons))
    return ranked(listed)


def line_candidates(facts: Facts, order: ColumnFacts | None) -> list[Candidate]:
    """Return columns that tell the lines of an order apart: different in every row, or within each order."""
    listed = []
    for column in _ids(facts, order):
        if order is None or order.differ == len(order.codes) or column.filled < 1:
            continue
        differ = len(np.unique(order.codes * (column.differ + 1) + column.codes))
        if differ == len(order.codes):
            everywhere = column.differ == len(column.codes)
            by_values, where = (0.8, "every row") if everywhere else (0.4, "the rows of each order")
            listed.append(candidate("line", column.name, by_values, [f"differs in {where}"]))
    return ranked(listed)


def kind_candidates(role: str, facts: Facts, *taken: ColumnFacts | None) -> list[Candidate]:
    """Return texts of few values, for a status or the kind of an event."""
    listed = []
    for column in _ids(facts, *taken):
        if not 1 <= column.differ <= _MOST_KINDS or column.number is not None or column.filled < 0.05:
            continue
        words = {cell.lower() for cell in dict.fromkeys(column.cells) if cell}
        of_cancelled = any(map(is_cancelled, words))
        codes = all(currency_of_sign(word.upper()) == word.upper() for word in words)
        if role == "currency" and not codes:
            continue
        by_values = 0.4 + 0.4 * (of_cancelled if role == "status" else codes or role == "event")
        reasons = [f"{column.differ} different texts"] + ["one is of cancelled orders"] * of_cancelled
        scored = candidate(role, column.name, by_values, reasons)
        if role == "currency" or hint(role, column.name)[0] > 0 or (role == "status" and of_cancelled):
            listed.append(scored)
    return ranked(listed)


def _is_named_money(column: ColumnFacts) -> bool:
    """Return whether whole numbers are called an amount or a price, which may differ as ids do."""
    words = words_of(column.name).split()
    named = any(hint(role, column.name)[0] > 0 for role in ("amount", "unit price"))
    return column.number is not None and named and not _OF_IDS.intersection(words)


def _ids(facts: Facts, *taken: ColumnFacts | None) -> list[ColumnFacts]:
    """Return columns that may be ids and have no role yet."""
    names = {column.name for column in taken if column is not None}
    return [
        column
        for column in facts.values()
        if column.name not in names and column.may_be_id and not _is_named_money(column)
    ]
