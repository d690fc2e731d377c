"""Frames computed once and reused: temporary tables in DuckDB, frames in memory elsewhere."""

import itertools
from collections.abc import Callable, Hashable, Sequence
from typing import TYPE_CHECKING, Any

import narwhals as nw

if TYPE_CHECKING:
    from types import TracebackType

_numbers = itertools.count()


class Scratch:
    """Computed frames that are freed at the end of a ``with`` block.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = nw.from_native(pd.DataFrame({"a": [1]})).lazy()
    >>> with Scratch() as scratch:
    ...     scratch.once("sum", lambda: frame.select(nw.col("a") + 1)).collect()["a"].to_list()
    [2]
    """

    def __init__(self) -> None:
        self._frames: dict[Hashable, Any] = {}

    def __enter__(self) -> "Scratch":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: "TracebackType | None"
    ) -> None:
        for frame in self._frames.values():
            drop(frame)
        self._frames.clear()

    def once(self, key: Hashable, build: Callable[[], "nw.LazyFrame[Any]"]) -> "nw.LazyFrame[Any]":
        """Return the frame called `key`, computed at its first use."""
        if key not in self._frames:
            self._frames[key] = materialize(build())
        frame: nw.LazyFrame[Any] = nw.from_native(self._frames[key]).lazy()
        return frame

    def hold(self, key: Hashable, frame: "nw.LazyFrame[Any]") -> "nw.LazyFrame[Any]":
        """Compute a frame and return it under `key`."""
        return self.once(key, lambda: frame)


def materialize(frame: "nw.LazyFrame[Any]") -> Any:
    """Compute a lazy frame once and return it as a native frame of the same engine."""
    if not _is_duckdb(frame):
        return frame.collect().to_native()
    name = f"crm_ml_derived_{next(_numbers)}"
    # the relation that CREATE returns holds one number, so reading from it does not carry the query along
    created = frame.to_native().query(f"{name}_source", f"CREATE TEMP TABLE {name} AS FROM {name}_source")
    return created.query(f"{name}_created", f"SELECT * FROM {name}").set_alias(name)


def drop(native: Any) -> None:
    """Free a frame of `materialize`; it can't be read afterwards."""
    if _is_duckdb(nw.from_native(native)):
        native.query("dropped", f"DROP TABLE {native.alias}")


def left_join(
    base: "nw.LazyFrame[Any]", others: Sequence["nw.LazyFrame[Any]"], on: str
) -> "nw.LazyFrame[Any]":
    """Join computed frames, with one row per key, to the rows of `base`.

    On DuckDB one statement, since a chain of lazy joins is planned again at every step.

    Parameters
    ----------
    base : narwhals.LazyFrame
    others : sequence of narwhals.LazyFrame
        Frames of `Scratch.once`; no column except `on` may be in two of them.
    on : str
        Column that identifies a row.
    """
    if not _is_duckdb(base):
        for other in others:
            base = base.join(other, on=on, how="left")
        return base
    name = f"crm_ml_base_{next(_numbers)}"
    joins = " ".join(f'LEFT JOIN {other.to_native().alias} USING ("{on}")' for other in others)
    joined: nw.LazyFrame[Any] = nw.from_native(base.to_native().query(name, f"SELECT * FROM {name} {joins}"))
    return joined


def _is_duckdb(frame: Any) -> bool:
    return bool(frame.implementation.is_duckdb())
