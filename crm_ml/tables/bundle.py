"""The customer tables as one value, on DuckDB, pandas or Polars."""

import contextlib
import copy
import dataclasses
import os
import threading
from collections.abc import Callable, Hashable, Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import narwhals as nw

from crm_ml.errors import ConfigError, InputError
from crm_ml.tables.contract import contracts
from crm_ml.tables.frame_checks import check_frames
from crm_ml.tables.native_frames import DuckCopies, check_frame, engine_of, with_nulls
from crm_ml.tables.order_sums import roll_up
from crm_ml.tables.scratch_frames import Scratch, materialize
from crm_ml.tables.thread_cursors import ThreadCursors
from crm_ml.tables.zones import with_clocks, zone_name

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from crm_ml.tables.cleaning_report import CleaningReport

Engine = Literal["duckdb", "pandas", "polars"]


@dataclasses.dataclass(frozen=True, eq=False)
class Tables:
    """Accepted customer tables; every field is a native frame of DuckDB, pandas or Polars.

    Times have two columns: ``<name>`` (UTC) and ``<name>_epoch_s`` (integer seconds); money is integer cents.
    `zone` is the one whose days, weekdays and hours count; unless it is UTC, times have a third column, see
    `crm_ml.tables.zones`, and `clock` is the zone of that column. `fingerprint` identifies the content of
    loaded tables, see `identified`; a copy with a changed table has none.

    Raises
    ------
    InputError
        If a table is no frame, or names of its columns repeat.
    ConfigError
        If there is no such zone, or a copy has another one.

    Examples
    --------
    >>> import pandas as pd
    >>> customers = pd.DataFrame({"customer_id": ["a"]})
    >>> lines = pd.DataFrame({"customer_id": ["a"], "order_id": ["1"], "item_id": ["x"],
    ...     "ordered_at_epoch_s": [1704103200], "quantity": [1], "paid_cents": [250], "discount_cents": [0],
    ...     "coupon_cents": [0]})
    >>> tables = Tables(customers=customers, order_lines=lines)
    >>> tables.pandas("orders")["paid_cents"].tolist()
    [250]
    """

    customers: Any
    order_lines: Any
    items: Any = None
    campaigns: Any = None
    touches: Any = None
    responses: Any = None
    assignments: Any = None
    offers: Any = None
    events: Any = None
    consents: Any = None
    report: "CleaningReport | None" = None
    zone: str = "UTC"
    cursors: ThreadCursors = dataclasses.field(default_factory=ThreadCursors, repr=False)
    clock: str = dataclasses.field(default="", repr=False)
    fingerprint: str = dataclasses.field(default="", init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "zone", zone_name(self.zone))
        if self.clock not in ("", self.zone):
            raise ConfigError(
                f"tables: their times are on the clock of {self.clock}, not of {self.zone}; make Tables(..., "
                f"zone={self.zone!r}) of the frames without <time>_local_s"
            )
        for name in self.names:
            check_frame(name, getattr(self, name))
        if self.zone != "UTC":
            object.__setattr__(self, "clock", self.zone)
            for name in self.names:
                object.__setattr__(self, name, with_clocks(name, getattr(self, name), self.zone))

    def identified(self, fingerprint: str) -> "Tables":
        """Return the same tables with a hash that identifies their content."""
        named = dataclasses.replace(self)
        object.__setattr__(named, "fingerprint", fingerprint)
        return named

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the tables that are present, in alphabetical order."""
        return tuple(name for name in sorted(contracts()) if getattr(self, name, None) is not None)

    @property
    def engine(self) -> str:
        """Engine of the frames: ``"duckdb"``, ``"pandas"``, ``"polars"`` or ``"mixed"``."""
        engines = {engine_of(getattr(self, name)) for name in self.names}
        return engines.pop() if len(engines) == 1 else "mixed"

    def frame(self, name: str) -> "nw.LazyFrame[Any]":
        """Return one table as a narwhals lazy frame; ``"orders"`` is the derived table of whole orders.

        Raises
        ------
        InputError
            If the table is absent; at the first use of tables without fingerprint, listing every breach of
            every table.
        """
        if self.here() is not self:
            return self.here().frame(name)
        self._check()
        native = self.orders if name == "orders" else getattr(self, name, None)
        if native is None:
            raise InputError(f"{name}: the table is absent; present are {', '.join(self.names)}")
        return self._lazy(name, native)

    def _lazy(self, name: str, native: Any) -> "nw.LazyFrame[Any]":
        if name not in self._with_nulls:
            self._with_nulls[name] = with_nulls(native)
        frame: nw.LazyFrame[Any] = nw.from_native(self._with_nulls[name]).lazy()
        return frame

    @cached_property
    def _with_nulls(self) -> dict[str, Any]:
        return {}

    def _check(self) -> None:
        """Refuse wrong frames, once; those with a fingerprint were cleaned."""
        if not self.fingerprint and not vars(self).get("_checked"):
            frames = {name: self._lazy(name, getattr(self, name)) for name in self.names}
            natives = {name: nw.from_native(getattr(self, name)) for name in frames}
            check_frames(frames, {name: native.collect_schema() for name, native in natives.items()})
            object.__setattr__(self, "_checked", True)

    def here(self) -> "Tables":
        """Return the same tables for the calling thread, on a DuckDB connection of its own."""
        if self.cursors.at_home:
            return self
        process, moved = getattr(self._elsewhere, "tables", (0, self))
        if process != os.getpid():
            moved = self._moved()
            self._elsewhere.tables = (os.getpid(), moved)
        return moved

    @cached_property
    def _elsewhere(self) -> threading.local:
        return threading.local()

    def _moved(self) -> "Tables":
        frames = {name: getattr(self, name) for name in self.names}
        relations = {name: native for name, native in frames.items() if engine_of(native) == "duckdb"}
        if not relations:
            return self
        relations, cursors = self.cursors.moved(relations)
        moved = dataclasses.replace(self, **relations, cursors=cursors).identified(self.fingerprint)
        object.__setattr__(moved, "_checked", vars(self).get("_checked"))
        return moved

    def has(self, name: str) -> bool:
        """Return whether the table is present."""
        return getattr(self, name, None) is not None

    def pandas(self, name: str) -> "pd.DataFrame":
        """Return one table as a pandas frame."""
        return to_pandas(self.frame(name))

    def to(self, engine: Engine) -> "Tables":
        """Return the same tables on one engine.

        Parameters
        ----------
        engine : {"duckdb", "pandas", "polars"}
        """
        if self.engine == engine:
            return self
        converters: dict[str, Callable[[str], Any]] = {
            "pandas": self.pandas,
            "polars": self._polars,
            "duckdb": DuckCopies(self.frame),
        }
        convert = converters[engine]
        frames = {name: convert(name) for name in self.names}
        cursors = ThreadCursors(convert.connection if isinstance(convert, DuckCopies) else None)
        same = dataclasses.replace(self, **frames, cursors=cursors)
        same = same.identified(self.fingerprint)
        object.__setattr__(same, "_checked", True)
        return same

    def _polars(self, name: str) -> Any:
        return self.frame(name).collect(backend="polars").to_native()

    @cached_property
    def orders(self) -> Any:
        """Whole orders, computed once: one row for each customer, order and time.

        Lines of an order with different times stay separate rows, so that no line counts before its own time.
        So do refunds: rows with ``purchase`` 0 and negative money at the time of the refund.
        """
        return materialize(roll_up(self.frame("order_lines")))

    @contextlib.contextmanager
    def scratch(self) -> Iterator["Tables"]:
        """Yield the same tables with a cache of intermediate frames (`once`) that lasts for the block."""
        self.frame("orders")
        inside = copy.copy(self.here())
        with Scratch() as scratch:
            object.__setattr__(inside, "_scratch", scratch)
            yield inside

    def once(self, key: Hashable, build: Callable[[], "nw.LazyFrame[Any]"]) -> "nw.LazyFrame[Any]":
        """Return an intermediate frame, computed only once within a block of `scratch`."""
        scratch: Scratch | None = getattr(self, "_scratch", None)
        return build() if scratch is None else scratch.once(key, build)


def need_tables(value: Any, reader: str) -> Tables:
    """Return tables, or refuse a frame or anything else in their place.

    Raises
    ------
    InputError

    Examples
    --------
    >>> need_tables([], "features.matrix")
    Traceback (most recent call last):
    crm_ml.errors.InputError: features.matrix takes Tables and got a list; make tables of it first: ...
    """
    if isinstance(value, Tables):
        return value
    from crm_ml.tables.likely_columns import call_of_from_frame

    raise InputError(
        f"{reader} takes Tables and got a {type(value).__name__}; make tables of it first: "
        f"{call_of_from_frame(value)}, or of files that a mapping describes: crm_ml.tables.load(path)"
    )


def to_pandas(frame: "nw.LazyFrame[Any]") -> "pd.DataFrame":
    """Compute a lazy frame into pandas, with the same column types for every engine."""
    result: pd.DataFrame = to_arrow(frame).to_pandas(ignore_metadata=True)
    return result


def to_arrow(frame: "nw.LazyFrame[Any]") -> "pa.Table":
    """Compute a lazy frame into an Arrow table."""
    table: pa.Table = frame.collect(backend="pyarrow").to_native().select(frame.collect_schema().names())
    return table


def write_parquet(frame: "nw.LazyFrame[Any]", path: Path) -> None:
    """Compute a lazy frame into one Parquet file, out of core where the engine can stream."""
    frame.sink_parquet(path)
