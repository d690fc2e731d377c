"""Faults of rows: repeated ones, keys that conflict, and refunds with every kind of id."""

import numpy as np
import pandas as pd
from clean_shop import DAY_S, refund_truth
from faults import Planting, Rows, fault
from shop_exports import clock, local

_TWICE = "duplicate equal_refund"
_CONFLICT = "conflicting_key"
_UNLINKED = "unlinked_refund"
_REFUNDED = 500_000


def _copies(at: Planting, real: bool = False) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the cells and the truth of second copies of the rows."""
    return at.sheet.cells.loc[at.rows].copy(), at.sheet.truth.loc[at.rows].assign(real=real)


@fault("rows that stand twice", "aside", "text european whole typed", _TWICE)
def twice(at: Planting) -> Rows:
    """Export the row again."""
    return at.sheet.add(*_copies(at))


@fault("rows again with another id of the export", "aside", "text whole typed", _TWICE)
def again(at: Planting) -> Rows:
    """Export the row again, with another cell in a column that is not mapped."""
    cells, truth = _copies(at)
    return at.sheet.add(cells.assign(export_id=[f"y{row}" for row in at.rows]), truth)


@fault("events that are replayed", "aside", "text whole typed", f"{_TWICE} unknown_customer_id",
       table="events")  # fmt: skip
def replayed(at: Planting) -> Rows:
    """Send the event again."""
    return at.sheet.add(*_copies(at))


@fault("customers that stand twice", "aside", "text typed", _TWICE, table="customers")
def customers_twice(at: Planting) -> Rows:
    """Export the customer again."""
    return at.sheet.add(*_copies(at))


@fault("one key for two lines", "aside", "text whole", _CONFLICT)
def one_key(at: Planting) -> Rows:
    """Give a new line the ids of another one."""
    cells, truth = _copies(at, real=True)
    items = list(reversed(at.of("item_id")))
    paid = [int(cents) + 100 for cents in at.of("paid_cents")]
    cells["sku"], cells["paid"] = items, at.dialect.money(paid)
    return at.sheet.add(cells, truth.assign(item_id=items, paid_cents=paid))


@fault("two versions of a line", "unknowable", "text whole", told="conflicting_key", reasons=_CONFLICT)
def versions(at: Planting) -> Rows:
    """Export the line again with another amount; only one of them is true."""
    cells, truth = _copies(at)
    factors = at.pick([0.5, 2])
    paid = [int(int(cents) * factor) + 1 for cents, factor in zip(at.of("paid_cents"), factors, strict=True)]
    return at.sheet.add(cells.assign(paid=at.dialect.money(paid)), truth)


def _refunds(at: Planting, later: int = 3 * DAY_S, share: float = 0.4) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the cells and the truth of refunds of the rows, with ids of their own."""
    numbers = _REFUNDED + len(at.sheet.cells) + np.arange(len(at.rows))
    truth = refund_truth(at.sheet.truth.loc[at.rows], numbers, later, share)
    return at.dialect.cells("order_lines", truth).set_index(truth.index), truth


@fault("refunds with the ids of the line", "repair", "text european whole typed", told="refund_netted")
def of_line(at: Planting) -> Rows:
    """Refund a line under its own ids."""
    cells, truth = _refunds(at)
    cells["receipt"], cells["position"] = at.cells("receipt"), at.cells("position")
    return at.sheet.add(cells, truth.assign(tag=at.of("tag")))


@fault("refunds without an id of line", "repair", "text whole typed", told="refund_netted")
def of_order(at: Planting) -> Rows:
    """Refund part of an order, under an id of its own and without one of a line."""
    cells, truth = _refunds(at)
    return at.sheet.add(cells.assign(position=None), truth)


@fault("two equal partial refunds of a second", "repair", "text whole typed", told="refund_netted")
def two_equal(at: Planting) -> Rows:
    """Refund twice the same; a column that is not mapped tells the two apart."""
    cells, truth = _refunds(at)
    first = at.sheet.add(cells.assign(export_id=[f"a{row}" for row in at.rows]), truth)
    return np.append(first, at.sheet.add(cells.assign(export_id=[f"b{row}" for row in at.rows]), truth))


@fault("two equal partial refunds in all cells", "unknowable", "text whole", "equal_refund",
       told="equal another in every cell")  # fmt: skip
def all_equal(at: Planting) -> Rows:
    """Refund twice the same, and nothing tells the two apart from one that was exported again."""
    cells, truth = _refunds(at)
    cells["export_id"] = [f"a{row}" for row in at.rows]
    at.sheet.add(cells, truth)
    return at.sheet.add(cells, truth)


@fault("refunds that are exported again", "aside", "text whole typed", _TWICE, refunds=True)
def refund_again(at: Planting) -> Rows:
    """Export the refund again."""
    return at.sheet.add(*_copies(at))


def _dated(at: Planting, cells: pd.DataFrame, seconds: list[int]) -> pd.DataFrame:
    return cells.assign(sold_at=at.dialect.time(np.asarray(seconds)))


@fault("refunds dated by the day of their order", "repair", "text whole typed", told="refund_")
def same_day(at: Planting) -> Rows:
    """Refund on the day of the order, with the day alone for a time: midnight, which is before the order."""
    cells, truth = _refunds(at, later=0)
    seconds = truth["ordered_at_epoch_s"].tolist()
    days = [int(moment.normalize().timestamp()) for moment in local(seconds)]
    if at.dialect.form == "csv":
        return at.sheet.add(cells.assign(sold_at=[text[:10] for text in clock(seconds)]), truth)
    return at.sheet.add(_dated(at, cells, days), truth)


@fault("refunds of orders that are not there", "aside", "text european whole typed", _UNLINKED)
def no_order(at: Planting) -> Rows:
    """Refund an order of another shop."""
    cells, truth = _refunds(at)
    return at.sheet.add(cells.assign(refunded=[f"z{row}" for row in at.rows]), truth)


@fault("refunds before their order", "aside", "text whole typed", _UNLINKED)
def too_early(at: Planting) -> Rows:
    """Refund a day before the order."""
    cells, truth = _refunds(at)
    seconds = [int(second) - 2 * DAY_S + 1 for second in at.of("ordered_at_epoch_s")]
    return at.sheet.add(_dated(at, cells, seconds), truth)


@fault("refunds to somebody else", "aside", "text whole typed", _UNLINKED)
def other_customer(at: Planting) -> Rows:
    """Refund the order of another customer."""
    cells, truth = _refunds(at)
    people = at.sheet.truth["customer_id"].to_numpy()
    strangers = [people[(row + len(people) // 2) % len(people)] for row in at.rows]
    return at.sheet.add(cells.assign(client=strangers), truth)


@fault("refunds of a word for nothing", "aside", "text whole typed", _UNLINKED)
def no_name(at: Planting) -> Rows:
    """Name no order in a refund."""
    cells, truth = _refunds(at)
    return at.sheet.add(cells.assign(refunded=at.pick(["NULL", "nan", ""])), truth)


@fault("refunds of more than was paid", "unknowable", "text whole", told="more than was paid")
def too_much(at: Planting) -> Rows:
    """Refund ten times what was paid."""
    cells, truth = _refunds(at)
    return at.sheet.add(
        cells.assign(paid=at.dialect.money([-10 * int(c) for c in at.of("paid_cents")])), truth
    )
