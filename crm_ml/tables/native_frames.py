"""Native frames of the three engines: which one they are of, missing values, copies into DuckDB."""

from collections.abc import Callable
from typing import Any

import narwhals as nw

from crm_ml.errors import InputError
from crm_ml.tables.engine import connect


class DuckCopies:
    """Copies frames of tables into one new DuckDB connection."""

    def __init__(self, frame: Callable[[str], nw.LazyFrame[Any]]) -> None:
        self.frame = frame
        self.connection = connect()

    def __call__(self, name: str) -> Any:
        """Return a copy of the table called `name`."""
        arrow = self.frame(name).collect(backend="pyarrow").to_native()
        self.connection.register(f"{name}_arrow", arrow)
        self.connection.execute(f'CREATE TABLE "{name}" AS SELECT * FROM "{name}_arrow"')
        self.connection.unregister(f"{name}_arrow")
        return self.connection.table(name)


def engine_of(native: Any) -> str:
    """Return the name of the engine of a native frame, as narwhals spells it."""
    return str(nw.from_native(native).implementation.value)


def with_nulls(native: Any) -> Any:
    """Convert pandas columns to Arrow types, whose integers can be null, so that engines agree on nulls."""
    return native.convert_dtypes(dtype_backend="pyarrow") if engine_of(native) == "pandas" else native


def check_frame(name: str, native: Any) -> None:
    """Refuse what is no frame, and one in which names of columns repeat.

    Raises
    ------
    InputError

    Examples
    --------
    >>> check_frame("customers", [1])
    Traceback (most recent call last):
    ...
    crm_ml.errors.InputError: customers: list is no frame; give one of pandas, Polars, Arrow or DuckDB
    """
    try:
        nw.from_native(native).collect_schema()
    except nw.exceptions.DuplicateError:
        raise InputError(f"{name}: names of columns repeat; give each column once") from None
    except TypeError:
        raise InputError(
            f"{name}: {type(native).__name__} is no frame; give one of pandas, Polars, Arrow or DuckDB"
        ) from None
