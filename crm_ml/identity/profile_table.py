"""The table of profiles as identity reads it: checked, in one form, as codes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, Union

import numpy as np
import numpy.typing as npt

from crm_ml.errors import InputError
from crm_ml.identity.identifier_codes import Codes, codes_of, combined
from crm_ml.identity.normalising import Identifier, normalised
from crm_ml.identity.rule import Rule, Wall
from crm_ml.tables.engine import connect
from crm_ml.tables.sql import file_literal, parquet_rows

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

ID = "profile_id"
Profiles: TypeAlias = Union["pd.DataFrame", "pa.Table", Path, str]


@dataclass(frozen=True, eq=False)
class ProfileTable:
    """Profiles and their identifiers.

    Parameters
    ----------
    ids : pyarrow.ChunkedArray of str
        The profile_id of each row.
    identifiers : pyarrow.Table
        Columns that rules name, in one form.
    codes : dict of str to numpy.ndarray of int, shape (n,)
        Of the same columns.
    wall : numpy.ndarray of int, shape (n,), optional
        Code of the part within all walls; -1 where a profile is joined with none. None without walls.
    table : pyarrow.Table
        All columns, as they were.
    """

    ids: "pa.ChunkedArray"
    identifiers: "pa.Table"
    codes: Mapping[str, Codes]
    wall: Codes | None
    table: "pa.Table"

    def __len__(self) -> int:
        return len(self.ids)

    def row_of(self, profile_id: str) -> int:
        """Return the row of a profile.

        Raises
        ------
        InputError
            If there is none.
        """
        import pyarrow.compute as pc

        row = pc.index(self.ids, profile_id).as_py()
        if row < 0:
            raise InputError(f"there is no profile {profile_id!r} among {len(self):,}; give one of {ID}")
        return int(row)


def profile_table(
    profiles: Profiles, rules: Sequence[Rule], walls: Sequence[Wall], identifiers: Mapping[str, Identifier]
) -> ProfileTable:
    """Read profiles, check them, and bring their identifiers into one form.

    Raises
    ------
    InputError
        Listing every column that is absent, and profiles without an id or with that of another.
    """
    table = as_table(profiles)
    named = sorted({name for rule in rules for name in (*rule.same, *rule.agree)})
    _check(table, {ID, *named, *identifiers, *(wall.column for wall in walls)})
    ids = table[ID].cast("string")
    table = table.set_column(table.column_names.index(ID), ID, ids)
    own = normalised(table, named, identifiers) if named else table.select([])
    codes = {name: codes_of(own[name]) for name in named}
    return ProfileTable(ids, own, codes, _wall(table, walls), table)


def as_table(profiles: Profiles) -> "pa.Table":
    """Return profiles as an Arrow table: of a frame, or of a CSV or Parquet file.

    Raises
    ------
    InputError
        If the file is neither, or can't be read.
    """
    import duckdb
    import pyarrow as pa

    if isinstance(profiles, pa.Table):
        return profiles
    if not isinstance(profiles, str | Path):
        return pa.Table.from_pandas(profiles, preserve_index=False)
    file = Path(profiles)
    rows = parquet_rows(file) if file.suffix in (".parquet", ".pq") else _csv_rows(file)
    try:
        with connect() as connection:
            return connection.sql(f"FROM {rows}").to_arrow_table()
    except duckdb.Error as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{profiles}: can't be read as CSV or Parquet ({reason})") from error


def _csv_rows(file: Path) -> str:
    return f"read_csv({file_literal(file)}, header = true, all_varchar = true)"


def _check(table: "pa.Table", names: set[str]) -> None:
    import pyarrow.compute as pc

    present = sorted(table.column_names)
    faults = [f"there is no column {name}" for name in sorted(names - set(present))]
    if ID in present:
        if missing := table[ID].null_count:
            faults.append(f"{ID} is null in {missing:,} of {len(table):,} rows; give each profile an id")
        several = len(table) - missing - pc.count_distinct(table[ID]).as_py()
        if several:
            faults.append(f"{ID} repeats in {several:,} of {len(table):,} rows; keep one row a profile")
    if faults:
        raise InputError(f"profiles: {'; '.join(faults)} (columns: {', '.join(present)})")


def _wall(table: "pa.Table", walls: Sequence[Wall]) -> Codes | None:
    import pyarrow as pa
    import pyarrow.compute as pc

    if not walls:
        return None
    parts = []
    for wall in walls:
        column = pc.utf8_trim_whitespace(table[wall.column].cast("string"))
        alone = pc.is_in(column, value_set=pa.array(["", *wall.alone]))
        column = pc.if_else(alone, pa.scalar(None, pa.string()), column)
        parts.append(codes_of(column))
    return combined(parts)


def positions(ids: "pa.ChunkedArray", wanted: "pa.Array") -> npt.NDArray[np.int64]:
    """Return the rows of ids, and -1 of those that are not there."""
    import pyarrow.compute as pc

    return np.asarray(pc.fill_null(pc.index_in(wanted, value_set=ids.combine_chunks()), -1), dtype=np.int64)
