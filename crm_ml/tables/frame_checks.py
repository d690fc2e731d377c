"""What is wrong with tables that were made from frames in memory, all of it in one error."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import narwhals as nw

from crm_ml.errors import InputError
from crm_ml.tables.contract import PLAUSIBLE_S, Column, Contract, contracts

if TYPE_CHECKING:
    import pyarrow as pa

_FIRST_S, _END_S = PLAUSIBLE_S
_END_OF_PLANS_S = 253_402_214_400  # 9999-12-31
_FITS = {
    "thousands of seconds": 1_000.0,
    "milliseconds": 1e-3,
    "microseconds": 1e-6,
    "nanoseconds": 1e-9,
    "days": 86_400.0,
}
_WANTED = {
    "id": "ids are text or whole numbers",
    "time": 'times are whole seconds since 1970: times.dt.as_unit("s").astype("int64") in pandas',
    "integer": 'whole numbers are wanted: fill what is missing and .astype("int64")',
    "cents": 'money is whole minor units of its currency: (amount * 100).round().astype("int64") for euros',
    "number": "numbers are wanted",
    "boolean": "true and false are wanted",
}

Frames = Mapping[str, "nw.LazyFrame[Any]"]


def check_frames(frames: Frames, schemas: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse tables whose columns, types, times, keys or references are not those of cleaned tables.

    Parameters
    ----------
    frames : mapping of str to narwhals.LazyFrame
        Tables by name.
    schemas : mapping of str to mapping of str to narwhals dtype
        Columns of each table with the types that they came in.

    Raises
    ------
    InputError
        With every breach of every table, one a line.
    """
    breaches: list[str] = []
    for name, frame in frames.items():
        contract, schema = contracts()[name], schemas[name]
        present = [column for column in contract.columns if _stored(column) in schema]
        counts = _counts(frame, present, schema)
        breaches += [f"{name}: {text}" for text in _of_columns(contract, schema, counts)]
        breaches += [f"{name}: {text}" for text in _repeated(contract, frame, schema)]
        breaches += [f"{name}: {text}" for text in _unknown(contract, frames, schemas)]
    if breaches:
        raise InputError(
            "Tables are not as the cleaning leaves them; the easy way is crm_ml.tables.from_frame(df, "
            "customer=..., time=..., amount=...), or a mapping (crm_ml.tables.load), which both clean; else "
            "mend:\n  " + "\n  ".join(breaches)
        )


def _stored(column: Column) -> str:
    return f"{column.name}_epoch_s" if column.kind == "time" else column.name


def _needed(column: Column) -> bool:
    return column.required or column.default is not None


def _is_kind(column: Column, dtype: Any) -> bool:
    """Return whether a type can hold a column; of unknown types, such as of nulls alone, it may."""
    if dtype in (nw.Object, nw.Unknown):
        return not _needed(column) or column.kind == "text"
    if column.kind in ("time", "integer", "cents"):
        return bool(dtype.is_integer() or (column.nullable and dtype.is_numeric()))  # pandas: NaN is a float
    if column.kind == "id":
        return bool(dtype.is_integer()) or dtype in (nw.String, nw.Categorical, nw.Enum)
    if column.kind == "boolean":
        return bool(dtype == nw.Boolean)
    return column.kind == "text" or bool(dtype.is_numeric())


def _counts(frame: "nw.LazyFrame[Any]", present: list[Column], schema: Mapping[str, Any]) -> dict[str, int]:
    """Count rows, nulls where none may be, and seconds outside their years by the unit that would fit."""
    sums = [nw.len().alias("rows")]
    for column in present:
        name, value = _stored(column), nw.col(_stored(column))
        if not column.nullable:
            sums.append(value.is_null().cast(nw.Int64).sum().alias(f"null {name}"))
        if column.kind == "time" and schema[name].is_numeric():
            end = _END_OF_PLANS_S if column.planned else _END_S
            outside = (value < _FIRST_S) | (value >= end)
            sums.append(outside.cast(nw.Int64).sum().alias(f"outside {name}"))
            for unit, seconds in _FITS.items():
                fits = (value >= _FIRST_S / seconds) & (value < _END_S / seconds)
                sums.append((outside & fits).cast(nw.Int64).sum().alias(f"{unit} {name}"))
    return {name: int(value or 0) for name, value in _only_row(frame.select(*sums)).items()}


def _only_row(frame: "nw.LazyFrame[Any]") -> dict[str, Any]:
    row: dict[str, Any] = frame.collect(backend="pyarrow").rows(named=True)[0]
    return row


def _of_columns(contract: Contract, schema: Mapping[str, Any], counts: Mapping[str, int]) -> Iterator[str]:
    rows = counts["rows"]
    for column in contract.columns:
        name = _stored(column)
        if name not in schema:
            if _needed(column):
                hint = f"; {_WANTED[column.kind]}" if column.kind in _WANTED else ""
                yield f"{name} is missing{hint}"
            continue
        if rows and not _is_kind(column, schema[name]):
            yield f"{name} has the type {schema[name]}; {_WANTED[column.kind]}"
        if counts.get(f"null {name}"):
            yield f"{name} is null in {counts[f'null {name}']:,} of {rows:,} rows"
        if outside := counts.get(f"outside {name}", 0):
            unit = max(_FITS, key=lambda unit: counts[f"{unit} {name}"])
            fits = counts[f"{unit} {name}"]
            last = "9999" if column.planned else "2099"
            likely = f", where {unit} would fit in {fits:,}; {_WANTED['time']}" if fits else ""
            yield f"{name} lies outside 1971 to {last} in {outside:,} of {rows:,} rows{likely}"


def _repeated(contract: Contract, frame: "nw.LazyFrame[Any]", schema: Mapping[str, Any]) -> Iterator[str]:
    """Tell ids that stand twice, which would count rows of other tables twice."""
    [key, *more] = contract.key
    if more or key not in schema:
        return
    distinct = nw.col(key).n_unique() - nw.col(key).is_null().any().cast(nw.Int64)
    row = _only_row(frame.select(distinct=distinct, rows=(~nw.col(key).is_null()).cast(nw.Int64).sum()))
    if repeated := int(row["rows"] or 0) - int(row["distinct"] or 0):
        yield f"{key} stands again in {repeated:,} of {row['rows']:,} rows; one row an id is wanted"


def _unknown(contract: Contract, frames: Frames, schemas: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Tell ids that the table of their rows does not have, or has in another type."""
    for name, other in contract.references.items():
        key = contracts()[other].key[0]
        if other not in frames or name not in schemas[contract.name] or key not in schemas[other]:
            continue
        own_type, key_type = schemas[contract.name][name], schemas[other][key]
        if own_type.is_numeric() != key_type.is_numeric():
            yield f"{name} has the type {own_type} and {key} of {other} {key_type}; write both as text"
            continue
        kind = nw.Int64() if own_type.is_numeric() else nw.String()
        ids, known = _distinct(frames[contract.name], name, kind), _distinct(frames[other], key, kind)
        if unknown := _count_unknown(ids, known):
            yield f"{name} has {unknown:,} ids that {other} does not have"


def _count_unknown(ids: "pa.ChunkedArray", known: "pa.ChunkedArray") -> int:
    import pyarrow.compute as pc

    return len(ids) - int(pc.sum(pc.is_in(ids, value_set=known)).as_py() or 0)


def _distinct(frame: "nw.LazyFrame[Any]", name: str, kind: Any) -> "pa.ChunkedArray":
    """Return the ids of a column, also of frames of different engines or connections."""
    import pyarrow as pa

    ids = frame.select(nw.col(name).cast(kind)).drop_nulls().unique().collect(backend="pyarrow")
    column = ids.to_native().column(name)
    return column if pa.types.is_integer(column.type) else column.cast(pa.large_string())
