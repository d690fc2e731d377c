"""The clean shop: simulated tables with refunds, and the truth of every row that an export of them has."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from crm_ml.datasets import simulated

if TYPE_CHECKING:
    import pandas as pd

ZONE = "Europe/Berlin"
KNOWN_UNTIL = "2025-03-01"
REFUNDED = 0.01
DAY_S = 86_400
LINES, EVENTS, CUSTOMERS, ITEMS = "order_lines", "events", "customers", "items"


@dataclass
class Sheet:
    """One table row by row: the cells of its source, and what is true of the row.

    Parameters
    ----------
    cells : pandas.DataFrame
        Columns of the source.
    truth : pandas.DataFrame
        Same index. The accepted columns, ``tag`` (names the true row, also in accepted tables), ``real``
        (False of a row that nothing stands for, such as the second copy of another).
    free : numpy.ndarray
        Whether a row is still as it was.
    """

    cells: "pd.DataFrame"
    truth: "pd.DataFrame"
    free: "np.ndarray[Any, np.dtype[np.bool_]]" = field(default_factory=lambda: np.empty(0, dtype=bool))

    def add(self, cells: "pd.DataFrame", truth: "pd.DataFrame") -> "np.ndarray[Any, np.dtype[np.int64]]":
        """Append rows and return their places."""
        import pandas as pd

        start = len(self.cells)
        self.cells = pd.concat([self.cells, cells], ignore_index=True)
        self.truth = pd.concat([self.truth, truth], ignore_index=True)
        self.free = np.append(self.free, np.zeros(len(cells), dtype=bool))
        return np.arange(start, len(self.cells))


def truths(customers: int, seed: int) -> "dict[str, pd.DataFrame]":
    """Return the true tables of a shop: no fault in any cell.

    Ids of customers have a letter outside ASCII, quantities differ from one, one line in a hundred is
    refunded in part, and no order is in the hour that a clock of the shop shows twice.
    """
    tables = simulated.load(
        customers=customers, seed=seed, lines_per_order=2.0, campaigns=0, events_per_customer=3.0
    )
    draw = np.random.default_rng(seed)
    lines = _named(tables.pandas(LINES), "l")
    at = _unambiguous(lines["ordered_at_epoch_s"].to_numpy())
    quantity = draw.integers(1, 5, len(lines))
    lines = lines.assign(ordered_at_epoch_s=at, quantity=quantity, currency="EUR", refund_of=None)
    events = _named(tables.pandas(EVENTS), "e")
    events = events.assign(occurred_at_epoch_s=_unambiguous(events["occurred_at_epoch_s"].to_numpy()))
    people = _named(tables.pandas(CUSTOMERS), "p")
    registered = people["registered_at_epoch_s"].to_numpy() // DAY_S * DAY_S + DAY_S // 2
    people = people.assign(registered_at_epoch_s=registered)
    items = _named(tables.pandas(ITEMS), "i")
    return {LINES: _with_refunds(lines, draw), EVENTS: events, CUSTOMERS: people, ITEMS: items}


def _named(frame: "pd.DataFrame", letter: str) -> "pd.DataFrame":
    """Return a table with tags, that tell its rows apart, and with ids of customers that are not ASCII."""
    tags = [f"{letter}{row:06d}" for row in range(len(frame))]
    frame = frame.astype(object).where(frame.notna(), None).assign(tag=tags, real=True)
    for column in {"customer_id", "order_id"} & set(frame):
        frame[column] = frame[column].str.replace("c", "Kü", n=1, regex=False)
    return frame


def _unambiguous(seconds: "np.ndarray[Any, Any]") -> "np.ndarray[Any, np.dtype[np.int64]]":
    """Return times three hours later where the clock of the shop is put back or forward that night."""
    import pandas as pd

    moments = pd.to_datetime(seconds.astype(np.int64), unit="s", utc=True).tz_convert(ZONE)
    night = moments.month.isin((3, 10)) & (moments.hour < 4) & (moments.day_of_week == 6)
    return np.asarray(seconds.astype(np.int64) + np.where(night, 4 * 3600, 0))


def _with_refunds(lines: "pd.DataFrame", draw: np.random.Generator) -> "pd.DataFrame":
    import pandas as pd

    chosen = np.sort(draw.choice(len(lines), round(len(lines) * REFUNDED), replace=False))
    chosen = chosen[lines["ordered_at_epoch_s"].to_numpy()[chosen] < _last() - 30 * DAY_S]
    refunds = refund_truth(lines.iloc[chosen], chosen, draw.integers(1, 20, len(chosen)) * DAY_S, 0.5)
    return pd.concat([lines, refunds], ignore_index=True)


def _last() -> int:
    return int(np.datetime64(KNOWN_UNTIL, "s").astype(np.int64))


def refund_truth(
    lines: "pd.DataFrame", numbers: "np.ndarray[Any, Any]", later: Any, share: float
) -> "pd.DataFrame":
    """Return the accepted rows of refunds of a share of what was paid for lines.

    Parameters
    ----------
    lines : pandas.DataFrame
        Their truth.
    numbers : numpy.ndarray
        For the tags, which are the ids of receipt of the refunds as well.
    later : int or numpy.ndarray
        Seconds after the order.
    share : float
    """
    paid = -np.maximum((lines["paid_cents"].to_numpy().astype(np.int64) * share).astype(np.int64), 1)
    return lines.assign(
        tag=[f"r{number:06d}" for number in numbers], refund_of=lines["order_id"].to_numpy(), paid_cents=paid,
        ordered_at_epoch_s=_unambiguous(lines["ordered_at_epoch_s"].to_numpy() + later), quantity=-1,
        discount_cents=0, coupon_cents=0,
    )  # fmt: skip


def accepted_columns(table: str, dialect_columns: Mapping[str, Any]) -> list[str]:
    """Return the accepted columns that an export fills, so that their cells can be right or wrong."""
    every = {
        LINES: ["customer_id", "order_id", "item_id", "ordered_at_epoch_s", "quantity", "paid_cents",
                "discount_cents", "coupon_cents", "currency", "refund_of"],
        EVENTS: ["customer_id", "kind", "occurred_at_epoch_s", "item_id", "channel"],
        CUSTOMERS: ["customer_id", "registered_at_epoch_s", "acquired_through"],
        ITEMS: ["item_id", "department", "category"],
    }  # fmt: skip
    return every[table] if table in dialect_columns else []
