"""What a column of a sample holds, by its values: times, numbers or texts, and how many differ."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from crm_ml.tables.guess.relations import MISSING, Codes, codes_of, distinct
from crm_ml.tables.guess.sample import Sample
from crm_ml.tables.number_form import NumberForm, number_form, numbers_of
from crm_ml.tables.time_form import TimeForm, time_form

Floats = npt.NDArray[np.float64]
_MOST_TEXTS: Final = 5_000
_MOST_DECIMALS: Final = 6  # of money; ids such as 12.1690000000 have more


@dataclass(frozen=True)
class ColumnFacts:
    """Facts of one column.

    Parameters
    ----------
    name : str
    cells : list of str or None
    codes : array of int64, shape (rows,)
        A number for each different cell, -1 for empty ones.
    stored : str
        Type in Parquet, empty for CSV.
    time : TimeForm, optional
    number : NumberForm, optional
    numbers : array of float64, shape (rows,)
        NaN where there is none.
    """

    name: str
    cells: list[str | None]
    codes: Codes
    stored: str
    time: TimeForm | None
    number: NumberForm | None
    numbers: Floats

    @property
    def filled(self) -> float:
        """Share of filled cells."""
        return float((self.codes != MISSING).mean())

    @property
    def differ(self) -> int:
        """Number of different values."""
        return distinct(self.codes)

    @property
    def is_whole(self) -> bool:
        """Whether all numbers are whole ones."""
        numbers = self.numbers[~np.isnan(self.numbers)]
        return self.number is not None and len(numbers) > 0 and bool((numbers == np.trunc(numbers)).all())

    @property
    def has_signs(self) -> bool:
        """Whether numbers are written as money: with a currency sign or decimals."""
        return self.number is not None and bool(self.number.currency or not self.is_whole)

    @property
    def may_be_id(self) -> bool:
        """Whether these may be ids: no times but counts since 1970, and no money."""
        if self.stored == "other" or (self.time is not None and self.time.epoch is None):
            return False
        long = self.number is not None and self.number.decimals > _MOST_DECIMALS
        return not self.has_signs or self.stored == "float" or long

    def id_mapping(self) -> str | dict[str, str]:
        """Return how ids in this column are mapped: those that are stored as floats are cast exactly."""
        return {"column": self.name, "cast": "integer"} if self.stored == "float" else self.name

    def example(self) -> str | None:
        """Return a filled cell of the most frequent kind of length, to be shown by its shape."""
        filled = [cell for cell in self.cells[:200] if cell is not None]
        return sorted(filled, key=len)[len(filled) // 2] if filled else None


def facts_of(sample: Sample) -> dict[str, ColumnFacts]:
    """Return the facts of each column."""
    return {name: _facts(name, cells, sample.stored.get(name, "")) for name, cells in sample.columns.items()}


def _facts(name: str, cells: list[str | None], stored: str) -> ColumnFacts:
    filled = [cell for cell in cells if cell is not None]
    different = list(dict.fromkeys(filled))[:_MOST_TEXTS]
    time = _stored_time(stored) if stored in ("time", "aware") else None
    if time is None and stored in ("", "text", "number"):
        time = time_form(different, filled[:_MOST_TEXTS])
    number = (
        None if (time and not time.epoch) or stored in ("other", "time", "aware") else number_form(different)
    )
    numbers = np.full(len(cells), np.nan)
    if number is not None:
        numbers = np.array([np.nan if n is None else n for n in numbers_of(cells, number)])
    return ColumnFacts(name, cells, codes_of(cells), stored, time, number, numbers)


def _stored_time(stored: str) -> TimeForm:
    return TimeForm(aware=stored == "aware")
