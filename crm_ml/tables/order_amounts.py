"""Declared amounts of whole orders: where they may stand, and the columns that hold them until shared."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from crm_ml.tables.contract import Column, Contract
from crm_ml.tables.mapping_parts import ColumnMapping
from crm_ml.tables.row_checks import Check

#: Column of the amounts of lines, which say how an amount of their order is shared.
PAID: Final = "paid_cents"
_PER_ORDER: Final = frozenset(("discount_cents", "coupon_cents"))


def wrong_order_amounts(contract: Contract, hows: Mapping[str, ColumnMapping]) -> list[str]:
    """Return what is wrong with ``less`` and ``per`` in the columns of a table.

    Parameters
    ----------
    contract : Contract
    hows : mapping of str to ColumnMapping
        By column of the table.
    """
    has_lines = {PAID, "order_id"} <= {column.name for column in contract.columns}
    faults = [
        f"{contract.name}.{name} has less; amounts of the order are taken off {PAID} of order_lines alone"
        for name, how in hows.items()
        if how.less and not (has_lines and name == PAID)
    ]
    shared = " and ".join(sorted(_PER_ORDER))
    return faults + [
        f"{contract.name}.{name} is per: order; shared are only {shared} of order_lines"
        for name, how in hows.items()
        if how.per is not None and not (has_lines and name in _PER_ORDER)
    ]


def as_read(column: Column, how: ColumnMapping | None) -> Column:
    """Return a column as its cells are read: an amount of the order may be empty on the other lines."""
    return column if how is None or how.per is None else replace(column, nullable=True, default=None)


def less_columns(how: ColumnMapping | None) -> list[tuple[Column, ColumnMapping]]:
    """Return a column ``paid_cents_less_<n>`` for each amount that is taken off the lines of its order."""
    if how is None:
        return []
    off = {"sum": None, "times": None, "constant": None, "less": ()}
    return [
        (Column(f"{PAID}_less_{n}", "cents", nullable=True), how.model_copy(update={"column": name, **off}))
        for n, name in enumerate(how.less, start=1)
    ]


def negative_checks(columns: Sequence[Column]) -> list[Check]:
    """Return the checks of amounts to take off that are below zero, and so would be added."""
    return [Check("negative", column.name, f"{column.name} < 0") for column in columns]
