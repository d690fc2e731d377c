"""What each of several snapshots knows: rows of all of them in one frame, keyed by customer and snapshot."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import narwhals as nw

from crm_ml.features.day_rows import day_rows
from crm_ml.features.expressions import count_if, nothing, without_refunds
from crm_ml.features.snapshot_constants import SnapshotConstants, constants_for
from crm_ml.snapshots import DAY_S, Snapshot, whole_days
from crm_ml.tables.bundle import Tables, to_pandas
from crm_ml.tables.zones import on_clock

ROW = "row"
_STRIDE = 1 << 32  # rows of two snapshots never meet: there are fewer customers
_ROWS, _CUSTOMERS = 5_000_000, 500_000  # in one pass, counted once for each snapshot
_SOURCES = (("orders", "ordered_at"), ("touches", "sent_at"), ("events", "occurred_at"))


class Past:
    """Rows of tables that several snapshots know.

    In place of ``customer_id`` its frames have

    - `known`: ``customer``, the number of the customer, and ``known_from``, how many of the snapshots in the
      order of time do not know the row yet; the ``_epoch_s`` of its time is on the clock of the tables'
      zone, as ``as_of_epoch_s`` is;
    - `each` and what follows from it: ``row``, the number of a customer at a snapshot. A row of a table is
      there once for every snapshot that knows it.

    So what does not depend on the snapshot is summed by ``customer`` and ``known_from`` before `each`.

    Parameters
    ----------
    tables : Tables
        Within a block of `Tables.scratch`, intermediate frames are computed once.
    snapshots : sequence of Snapshot
        At least one, in any order.
    constants : SnapshotConstants, optional
        See `constants_for`; groups read them as ``past.constants``.
    """

    def __init__(
        self, tables: Tables, snapshots: Sequence[Snapshot], constants: SnapshotConstants | None = None
    ) -> None:
        self.tables = tables
        self.constants = constants_for(tables, constants)
        self.snapshots = in_order([snapshot.on_clock for snapshot in snapshots])
        self.first_rows = [number * _STRIDE for number in range(len(self.snapshots))]
        self._moments = tuple(snapshot.clock_s for snapshot in self.snapshots)

    def once(self, name: str, build: Callable[[], "nw.LazyFrame[Any]"]) -> "nw.LazyFrame[Any]":
        """Return an intermediate frame of these snapshots, see `Tables.once`."""
        return self.tables.once((name, self._moments), build)

    @cached_property
    def customers(self) -> "nw.LazyFrame[Any]":
        """The customers with a registration, order, touch or event before the newest snapshot.

        Columns are customer_id, ``customer`` (numbers in the order of ids, from 0) and ``known_from``.
        """
        return self.once("customers", self._customers)

    def known(self, frame: "nw.LazyFrame[Any]", at: str) -> "nw.LazyFrame[Any]":
        """Return the rows of a frame with customer_id that the newest snapshot knows.

        Parameters
        ----------
        frame : narwhals.LazyFrame
        at : str
            Name of the time column, such as ``"ordered_at"``.
        """
        numbers = self.customers.select("customer_id", "customer")
        return self._dated(frame, at).join(numbers, on="customer_id", how="inner").drop("customer_id")

    def each(self, rows: "nw.LazyFrame[Any]") -> "nw.LazyFrame[Any]":
        """Return rows of `known` once for every snapshot that knows them, with its ``as_of_epoch_s``."""
        columns = [name for name in rows.collect_schema().names() if name not in ("customer", "known_from")]
        if not self.is_several:
            as_of = nw.lit(self._moments[0]).cast(nw.Int64).alias("as_of_epoch_s")
            return rows.filter(nw.col("known_from") == 0).select(
                *columns, as_of, nw.col("customer").alias(ROW)
            )
        row = (nw.col("customer") + nw.col("first")).alias(ROW)
        return rows.join(self.pairs, on="known_from", how="inner").select(*columns, "as_of_epoch_s", row)

    @property
    def is_several(self) -> bool:
        """Whether there are several snapshots, so that a customer may have several rows."""
        return len(self.snapshots) > 1

    def each_customer(self, frame: "nw.LazyFrame[Any]") -> "nw.LazyFrame[Any]":
        """Return rows by customer_id and without a date, for every snapshot that knows the customer."""
        return self.each(self.customers.join(frame, on="customer_id", how="inner")).drop("customer_id")

    @cached_property
    def known_orders(self) -> "nw.LazyFrame[Any]":
        """Whole orders (``purchase`` 1) and refunds (0, negative money), as `known` returns them."""
        orders = self.tables.frame("orders")
        return self.once("orders", lambda: self.known(orders, "ordered_at").drop("order_id", "quantity"))

    def known_lines(self) -> "nw.LazyFrame[Any]":
        """Return the order lines that are purchases, not refunds, as `known` does."""
        return self.known(without_refunds(self.tables.frame("order_lines")), "ordered_at")

    @cached_property
    def sales(self) -> "nw.LazyFrame[Any]":
        """Orders and refunds before each snapshot with ``days_ago`` (whole days)."""
        return self.each(self.known_orders).with_columns(days_ago=days_ago("ordered_at"))

    @cached_property
    def orders(self) -> "nw.LazyFrame[Any]":
        """The `sales` that are orders."""
        return self.sales.filter(nw.col("purchase") == 1)

    @cached_property
    def order_days(self) -> "nw.LazyFrame[Any]":
        """The `days_with` orders; amounts paid that day are ``paid_cents``."""
        orders = self.known_orders.filter(nw.col("purchase") == 1)
        return self.days_with("order days", orders, "ordered_at", "paid_cents")

    def days_with(self, name: str, rows: "nw.LazyFrame[Any]", at: str, amount: str) -> "nw.LazyFrame[Any]":
        """Return one row for each customer, snapshot and day with a row of `known` before it.

        Columns are ``days_ago``, the sum of `amount` that day, the ``gap`` in days to the previous such day
        (null for the first), the ``silence``, the days since the newest such day of the customer, and the
        ``rank`` of the day, 1 for the newest.

        Parameters
        ----------
        name : str
            Of the intermediate frames; other rows need another one.
        rows : narwhals.LazyFrame
        at : str
            Name of the time column.
        amount : str
            Column of integers.
        """
        days = self._each_day(name, rows, at, amount)
        newest = self.once(
            f"newest {name}",
            lambda: days.group_by(ROW).agg(
                nw.col("days_ago").min().alias("silence"), nw.col("position").max().alias("days")
            ),
        )
        ranked = days.join(newest, on=ROW, how="inner")
        return ranked.with_columns(rank=nw.col("days") - nw.col("position") + 1).drop("days", "position")

    def by_row(self, frame: "nw.LazyFrame[Any]") -> "nw.LazyFrame[Any]":
        """Return a frame of the one snapshot by ``row`` in place of customer_id."""
        ids = self.customers.select("customer_id", nw.col("customer").alias(ROW))
        return frame.join(ids, on="customer_id", how="inner").drop("customer_id")

    def _customers(self) -> "nw.LazyFrame[Any]":
        frames = [
            self._dated(self.tables.frame(name), at)
            for name, at in _SOURCES
            if name == "orders" or self.tables.has(name)
        ]
        registered = self.tables.frame("customers")
        if "registered_at_epoch_s" in registered.collect_schema().names():
            frames.append(self._dated(registered, "registered_at"))
        if self.tables.has("responses"):  # numbered, though a response alone does not make them known
            answered = self._dated(self.tables.frame("responses"), "responded_at")
            frames.append(answered.with_columns(known_from=nothing(nw.col("known_from"))))
        rows: nw.LazyFrame[Any] = nw.concat([frame.select("customer_id", "known_from") for frame in frames])
        known = rows.group_by("customer_id").agg(nw.col("known_from").min()).with_columns(_one=nw.lit(1))
        number = nw.col("_one").cum_sum().over(order_by="customer_id").cast(nw.Int64) - 1
        return known.with_columns(customer=number).drop("_one")

    def _dated(self, frame: "nw.LazyFrame[Any]", at: str) -> "nw.LazyFrame[Any]":
        past: nw.LazyFrame[Any] = self.snapshots[-1].past(frame, at=at)
        known_from = nw.lit(0).cast(nw.Int64)
        for snapshot in self.snapshots[:-1]:
            known_from = known_from + count_if(~snapshot.knows(past, at))
        rows = past.with_columns(known_from=known_from)
        return rows if self.tables.zone == "UTC" else on_clock(rows, at)

    def _each_day(self, name: str, rows: "nw.LazyFrame[Any]", at: str, amount: str) -> "nw.LazyFrame[Any]":
        phases = {moment % DAY_S for moment in self._moments}
        dated = self.once(name, lambda: day_rows(rows, at, amount, phases))
        days = dated.join(self._moments_frame, on="phase", how="inner")
        row = (nw.col("customer") + nw.col("first")).alias(ROW)
        ago = nw.col("last_day") - nw.col("day")
        return days.select(row, amount, "gap", "position", days_ago=ago).filter(nw.col("days_ago") >= 0)

    def of_snapshots(self, name: str, rows: "Sequence[Mapping[str, int | str]]") -> "nw.LazyFrame[Any]":
        """Return a row for each snapshot, in the order of time: its ``first`` row, and the given columns."""

        def build() -> "nw.LazyFrame[Any]":
            one_row = self.tables.frame("customers").select(nw.len().alias("_rows"))
            numbered = [{"first": first, **row} for first, row in zip(self.first_rows, rows, strict=True)]
            frames = [one_row.with_columns(**{key: _literal(row[key]) for key in row}) for row in numbered]
            frame: nw.LazyFrame[Any] = nw.concat(frames).drop("_rows")
            return frame

        return self.once(name, build)

    @cached_property
    def _moments_frame(self) -> "nw.LazyFrame[Any]":
        rows = [
            {
                "number": number,
                "as_of_epoch_s": moment,
                "phase": moment % DAY_S,
                "last_day": moment // DAY_S - 1,
            }
            for number, moment in enumerate(self._moments)
        ]
        return self.of_snapshots("snapshots", rows)

    @cached_property
    def pairs(self) -> "nw.LazyFrame[Any]":
        """Each ``known_from`` with the ``first`` row and ``as_of_epoch_s`` of the snapshots that know it."""
        snapshots = self._moments_frame
        pairs = snapshots.select(nw.col("number").alias("known_from")).join(snapshots, how="cross")
        known = pairs.filter(nw.col("known_from") <= nw.col("number"))
        return self.once("pairs", lambda: known.select("known_from", "first", "as_of_epoch_s"))


def _literal(value: int | str) -> nw.Expr:
    return nw.lit(value).cast(nw.Int64) if isinstance(value, int) else nw.lit(value)


def in_order(snapshots: Sequence[Snapshot]) -> list[Snapshot]:
    """Return snapshots in the order of time, as `Past` numbers them."""
    return sorted(snapshots, key=lambda snapshot: snapshot.as_of)


def snapshots_in_a_pass(tables: Tables) -> int:
    """Return how many snapshots one pass may have so that it stays small in memory; at least one."""
    names = ["customers", "orders", *(name for name in ("events",) if tables.has(name))]
    counts = [tables.frame(name).select(nw.len().alias("rows")) for name in names]
    customers, *rows = (max(1, int(to_pandas(count)["rows"].iloc[0])) for count in counts)
    return max(1, min(_ROWS // max(rows), _CUSTOMERS // customers))


def days_ago(at: str) -> nw.Expr:
    """Return the whole days between a time of rows of `Past.each` and their snapshot."""
    return whole_days(nw.col(f"{at}_epoch_s"), nw.col("as_of_epoch_s")).cast(nw.Int64)


def numbers_of(snapshots: Sequence[Snapshot]) -> dict[Snapshot, tuple[int, int]]:
    """Return for each snapshot the least ``row`` that it may have, and the least of the next one."""
    ordered = in_order(snapshots)
    return {snapshot: (k * _STRIDE, (k + 1) * _STRIDE) for k, snapshot in enumerate(ordered)}
