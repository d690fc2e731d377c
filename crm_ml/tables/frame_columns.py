"""Columns of a frame in memory: those that are read, as Arrow, with the same types whatever the engine is."""

import difflib
import warnings
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from crm_ml.errors import InputError
from crm_ml.tables.cell_shape import shown, type_name
from crm_ml.tables.contract import PLAUSIBLE_S
from crm_ml.tables.native_frames import check_frame, engine_of
from crm_ml.tables.sources import refuse_twice

if TYPE_CHECKING:
    import narwhals as nw
    import pyarrow as pa

_MIXED = (TypeError, ValueError, OverflowError, NotImplementedError)  # errors of Arrow are of these
_PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
_DATES = (19_710_101, 20_991_231)  # days written as numbers
_NEAR = 3
_MOST_NAMES = 30
_FROM_TEXT = {
    "pandas": "df[{0!r}] = pd.to_datetime(df[{0!r}], format=...)",
    "polars": "df = df.with_columns(pl.col({0!r}).str.to_datetime())",
    "duckdb": 'SELECT * REPLACE (CAST("{0}" AS TIMESTAMP) AS "{0}")',
    "pyarrow": "pyarrow.compute.strptime(table[{0!r}], format=..., unit='us')",
}
_FROM_EPOCH = {
    "pandas": "df[{0!r}] = pd.to_datetime(df[{0!r}], unit={1!r}, utc=True)",
    "polars": "df = df.with_columns(pl.from_epoch({0!r}, time_unit={1!r}).dt.replace_time_zone('UTC'))",
    "duckdb": 'SELECT * REPLACE (to_timestamp("{0}" / {2}) AS "{0}")',
    "pyarrow": "table[{0!r}].cast(pa.timestamp({1!r}, tz='UTC'))",
}
_FROM_DAYS = {
    "pandas": "df[{0!r}] = pd.to_datetime(df[{0!r}].astype(str), format='%Y%m%d')",
    "polars": "df = df.with_columns(pl.col({0!r}).cast(pl.String).str.to_date('%Y%m%d'))",
    "duckdb": 'SELECT * REPLACE (strptime(CAST("{0}" AS VARCHAR), \'%Y%m%d\') AS "{0}")',
    "pyarrow": "pyarrow.compute.strptime(table[{0!r}].cast('string'), format='%Y%m%d', unit='us')",
}
_MONEY = ("amount", "unit_price", "discount")


def arrow_of(df: Any, columns: Mapping[str, str]) -> "pa.Table":
    """Return the columns of a frame that are read, with one type for each kind of value.

    Parameters
    ----------
    df : frame of pandas, Polars, Arrow or DuckDB
    columns : mapping of str to str
        Argument, such as ``"customer"``, to the name of a column.

    Returns
    -------
    pyarrow.Table
        Whole numbers of 64 bits, decimals of 38 digits, times in microseconds (UTC where they have a zone),
        texts in place of categories.

    Raises
    ------
    InputError
        Listing every column that is absent, or holds values that can't be read as what it is taken for.
    """
    import narwhals as nw

    check_frame("from_frame", df)
    frame = nw.from_native(df).lazy()
    present = frame.collect_schema().names()
    faults = _faults_of_names(columns, present)
    read = {role: name for role, name in columns.items() if name in present and isinstance(name, str)}
    names = list(dict.fromkeys(read.values()))
    try:
        rows = _rows(frame, names)
    except _MIXED:
        mixed = {name for name in names if not _is_readable(frame, name)}
        faults += [
            f"{role}: {read.pop(role)!r} holds values of several kinds; make them one"
            for role in columns
            if read.get(role) in mixed
        ]
        rows = _rows(frame, [name for name in names if name not in mixed])
    if "time" in read:
        faults += [f"time: {read['time']!r} {fault}" for fault in _mixed_times(df, read["time"])]
    for role, name in read.items():
        faults += [f"{role}: {name!r} {fault}" for fault in _faults(role, name, rows[name], engine_of(df))]
    if faults:
        raise InputError("from_frame can't read the frame:\n  " + "\n  ".join(faults))
    try:
        refuse_twice(rows.column_names)
    except InputError as error:
        raise InputError(f"from_frame: the frame {error}, also in another case") from None
    return rows


def _rows(frame: "nw.LazyFrame[Any]", names: list[str]) -> "pa.Table":
    """Return columns of a frame, read at once: the order of rows of two queries may differ."""
    import pyarrow as pa

    with warnings.catch_warnings():  # pyarrow reads times with a zone in a way that pandas 3.1 warns of
        warnings.filterwarnings("ignore", message="Series.values returning")
        table = frame.select(names).collect(backend="pyarrow").to_native()
    return pa.table({name: _alike(table[name]) for name in names})


def _is_readable(frame: "nw.LazyFrame[Any]", name: str) -> bool:
    try:
        _rows(frame, [name])
    except _MIXED:
        return False
    return True


def _faults_of_names(columns: Mapping[str, str], present: Sequence[object]) -> list[str]:
    """Return the faults of columns that are absent, or whose name is no text."""
    faults = [_absent(role, name, present) for role, name in columns.items() if name not in present]
    return faults + [
        f"{role}: the name {name!r} is no text; write df.columns = df.columns.map(str) and take {str(name)!r}"
        for role, name in columns.items()
        if name in present and not isinstance(name, str)
    ]


def _absent(role: str, name: str, present: Sequence[object]) -> str:
    """Return that a column is absent, with the names that are most like it, or all."""
    if str(name) in map(str, present):
        return (
            f"{role}: there is no column {name!r}, but one whose name is no text; "
            "write df.columns = df.columns.map(str)"
        )
    lower = {str(other).lower(): other for other in present}
    near = difflib.get_close_matches(str(name).lower(), lower, _NEAR, 0.5)
    near += [other for other in lower if str(name).lower() in other and other not in near]
    if near:
        names = shown(repr(lower[other]) for other in near[:_NEAR])
        return f"{role}: there is no column {name!r}; near are {names}"
    if not present:
        return f"{role}: there is no column {name!r}; the frame has none"
    more = " ..." if len(present) > _MOST_NAMES else ""
    return f"{role}: there is no column {name!r}; there are {shown(map(repr, present[:_MOST_NAMES]))}{more}"


def _mixed_times(df: Any, name: str) -> Iterator[str]:
    """Yield that Python objects are times of several kinds; Arrow would read all as the first one."""
    if engine_of(df) != "pandas" or df[name].dtype != object:
        return
    kinds = {_kind_of_time(value) for value in df[name].dropna()} - {""}
    if len(kinds) > 1:
        yield f"holds {' and '.join(sorted(kinds))}; give all a zone, or none, and no days among times"


def _kind_of_time(value: object) -> str:
    if isinstance(value, datetime):
        return "times without a zone" if value.tzinfo is None else "times with a zone"
    return "days" if isinstance(value, date) else ""


def _alike(values: "pa.ChunkedArray") -> "pa.ChunkedArray":
    import pyarrow as pa

    kind = values.type
    if pa.types.is_dictionary(kind):
        return _alike(values.cast(kind.value_type))
    if pa.types.is_timestamp(kind):
        return values.cast(pa.timestamp("us", tz=kind.tz and "UTC"), safe=False)
    if pa.types.is_date(kind):
        return values.cast(pa.date32())
    if pa.types.is_float16(kind):
        return values.cast(pa.float32())
    if pa.types.is_integer(kind) and kind != pa.uint64():
        return values.cast(pa.int64())
    if pa.types.is_decimal(kind):
        return values.cast(pa.decimal128(38, kind.scale))
    return values


def _faults(role: str, name: str, values: "pa.ChunkedArray", engine: str) -> Iterator[str]:
    import pyarrow as pa

    kind = values.type
    if pa.types.is_null(kind):
        return
    if role == "time" and not (pa.types.is_timestamp(kind) or pa.types.is_date(kind)):
        yield _no_time(name, values, engine)
    if role in _MONEY and _is_text(kind):
        example = {"pandas": f": df[{name!r}] = pd.to_numeric(df[{name!r}])"}.get(engine, "")
        yield f"holds texts, no amounts; make numbers of them first, without signs of thousands{example}"


def _is_text(kind: "pa.DataType") -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _no_time(name: str, values: "pa.ChunkedArray", engine: str) -> str:
    """Return why a column holds no times and how to make them, with the unit of numbers that fits."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = values.type
    if _is_text(kind):
        return f"holds texts, no times; make times of them first: {_how(_FROM_TEXT, engine, name)}"
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
        return f"is of type {type_name(kind)}; give datetimes or dates"
    middle = pc.quantile(values.cast(pa.float64(), safe=False), 0.5)[0].as_py() or 0
    if _DATES[0] <= middle <= _DATES[1]:
        return f"holds numbers that look like days as YYYYMMDD: {_how(_FROM_DAYS, engine, name)}"
    first, end = PLAUSIBLE_S
    for unit, factor in _PER_SECOND.items():
        if first * factor <= middle < end * factor:
            how = _how(_FROM_EPOCH, engine, name, unit, factor)
            return (
                f"holds numbers, by their size {unit} since 1970 (UTC); make datetimes of them first: {how}"
            )
    return "holds numbers that are no epoch of seconds to nanoseconds; give datetimes or dates"


def _how(ways: Mapping[str, str], engine: str, *parts: object) -> str:
    return ways.get(engine, ways["pandas"]).format(*parts)
