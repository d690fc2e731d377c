"""A sample of the rows of a file, and how the file is written."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

FIRST_ROWS: Final = 30_000


@dataclass(frozen=True)
class Sample:
    """Rows of a file.

    Parameters
    ----------
    path : Path
    names : tuple of str
    columns : dict of str to list
        Cells as texts, None where empty, all of one length.
    stored : dict of str to str
        Of Parquet: ``text``, ``number``, ``time``, ``aware`` or ``other``; empty for CSV.
    is_whole : bool
        Whether these are all rows.
    encoding, delimiter : str
        Of CSV.
    open_encodings : tuple of str
        What the bytes can be read in where they do not tell the encoding.
    unsure_word : bytes
        A word whose reading depends on the encoding, where the bytes do not tell it.
    is_declared : bool
        Whether the encoding was declared.
    """

    path: Path
    names: tuple[str, ...]
    columns: dict[str, list[str | None]]
    stored: dict[str, str]
    is_whole: bool
    encoding: str = "utf-8"
    delimiter: str = ","
    open_encodings: tuple[str, ...] = ()
    unsure_word: bytes = b""
    is_declared: bool = False

    @property
    def rows(self) -> int:
        """Rows that were looked at."""
        return len(next(iter(self.columns.values()), ()))

    @property
    def looked_at(self) -> str:
        """How many rows were looked at, in words."""
        return f"all {self.rows:,} rows" if self.is_whole else f"{self.rows:,} rows, spread over the file"
