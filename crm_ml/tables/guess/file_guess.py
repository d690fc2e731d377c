"""What one file is taken for: its columns by role, with the candidates, and what the data leave open."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import numpy as np

from crm_ml.errors import InputError
from crm_ml.tables.guess.candidates import Candidate
from crm_ml.tables.guess.column_facts import ColumnFacts, Floats, facts_of
from crm_ml.tables.guess.file_money import take_money
from crm_ml.tables.guess.header_check import refuse_without_header
from crm_ml.tables.guess.id_roles import (
    customer_candidates,
    item_candidates,
    kind_candidates,
    line_candidates,
    order_candidates,
    time_candidates,
)
from crm_ml.tables.guess.open_questions import open_questions
from crm_ml.tables.guess.read_sample import read_sample
from crm_ml.tables.guess.ready_match import ready_for
from crm_ml.tables.guess.relations import filled_down, is_on_first_row
from crm_ml.tables.guess.sample import Sample
from crm_ml.tables.role_words import is_cancelled

Facts = dict[str, ColumnFacts]
_SPARSE: Final = 0.9


@dataclass
class FileGuess:
    """A file, and what its columns are taken for.

    Parameters
    ----------
    sample : Sample
    facts : dict of str to ColumnFacts
    candidates : dict of str to list of Candidate
        By role, the best first.
    columns : dict of str to str
        Role to the column that is taken for it.
    once : frozenset of str
        Columns that are filled on the first row of each order alone.
    per_order : frozenset of str
        Amounts of a whole order.
    less : tuple of str
        Amounts of an order that are taken off its lines.
    cancelled : tuple of str
        Values of the status by which an order never came to be.
    cancels : str
        Sign with which the numbers of orders begin that take others back, and no others; or empty.
    ready : str, optional
        Ready mapping that has these columns.
    notes : list of str
        What was decided by which sign, and what is open.
    """

    sample: Sample
    facts: Facts
    candidates: dict[str, list[Candidate]] = field(default_factory=dict)
    columns: dict[str, str] = field(default_factory=dict)
    once: frozenset[str] = frozenset()
    per_order: frozenset[str] = frozenset()
    less: tuple[str, ...] = ()
    cancelled: tuple[str, ...] = ()
    cancels: str = ""
    ready: str | None = None
    notes: list[str] = field(default_factory=list)

    def column(self, role: str) -> ColumnFacts | None:
        """Return the column that is taken for a role."""
        name = self.columns.get(role)
        return self.facts[name] if name is not None else None

    def id_mapping(self, role: str) -> str | dict[str, str]:
        """Return how the ids of a role are mapped."""
        return self.facts[self.columns[role]].id_mapping()

    def line_amounts(self) -> Floats:
        """Return the amount of each line in major units, before what is taken off its order."""
        price, amount, pieces = (self.column(role) for role in ("unit price", "amount", "quantity"))
        if price is not None and pieces is not None:
            return price.numbers * pieces.numbers
        return amount.numbers if amount is not None else np.full(self.sample.rows, np.nan)

    @property
    def taken(self) -> frozenset[str]:
        """Columns that a mapping of the guess reads."""
        return frozenset((*self.columns.values(), *self.less))

    @property
    def has_money(self) -> bool:
        """Whether a column is an amount or a price."""
        return "amount" in self.columns or "unit price" in self.columns

    @property
    def amounts_on_all_lines(self) -> bool:
        """Whether the amount is of the whole order and stands on each of its lines."""
        amount = self.column("amount")
        return amount is not None and amount.name in self.per_order and amount.filled > _SPARSE

    @property
    def is_events(self) -> bool:
        """Whether rows are events, of which some have an amount, and not lines of orders."""
        amount = self.column("amount")
        no_order = "order" not in self.columns and "event" in self.columns
        return no_order and (amount is None or amount.filled < _SPARSE)


def guess_file(path: Path, sample: Sample | None = None) -> FileGuess:
    """Return what a file is taken for.

    Parameters
    ----------
    path : Path
    sample : Sample, optional
        Of the file, where it was read already.

    Raises
    ------
    InputError
        If it can't be read, has no header, or has no times or no customers.
    """
    sample = sample or read_sample(path)
    guess = FileGuess(sample, facts_of(sample), ready=ready_for(sample.names))
    refuse_without_header(path.name, guess.facts)
    _take(guess, "time", time_candidates(guess.facts))
    time = guess.column("time")
    if time is None:
        raise InputError(f"{path.name} has no column of times among its {len(sample.names)}; orders need one")
    _take(guess, "order", order_candidates(guess.facts, time))
    _fill_down(guess)
    order = guess.column("order")
    events = kind_candidates("event", guess.facts, time, order)
    if order is None and events:
        _take(guess, "event", events)
    _take(guess, "customer", customer_candidates(_free(guess), time, order))
    if "customer" not in guess.columns:
        raise InputError(f"{path.name} has no column that comes again at several times, as customers do")
    _take(guess, "status", kind_candidates("status", _free(guess)))
    _take(guess, "currency", kind_candidates("currency", _free(guess)))
    items = item_candidates(_free(guess), time, order, guess.column("customer"))
    _take(guess, "item", items)
    _take(guess, "line", line_candidates(_free(guess), order))
    take_money(guess)
    _take_states(guess)
    guess.notes += open_questions(guess)
    return guess


def _take(guess: FileGuess, role: str, candidates: list[Candidate]) -> None:
    guess.candidates[role] = candidates
    if candidates:
        guess.columns[role] = candidates[0].column


def _free(guess: FileGuess) -> Facts:
    taken = set(guess.columns.values())
    return {name: column for name, column in guess.facts.items() if name not in taken}


def _fill_down(guess: FileGuess) -> None:
    """Fill columns that stand on the first row of an order alone, to know them on all rows."""
    order = guess.column("order")
    if order is None or order.differ >= len(order.codes):
        return
    once = [
        column
        for column in guess.facts.values()
        if column.name != order.name and column.number is None and is_on_first_row(order.codes, column.codes)
    ]
    guess.once = frozenset(column.name for column in once)
    for column in once:
        guess.facts[column.name] = replace(column, codes=filled_down(order.codes, column.codes))


def _take_states(guess: FileGuess) -> None:
    """Take the states by which orders never came to be."""
    status = guess.column("status")
    if status is not None:
        values = dict.fromkeys(cell for cell in status.cells if cell is not None)
        guess.cancelled = tuple(value for value in values if is_cancelled(value))
