"""What a fault is, and the registry that the modules ``faults_of_*`` fill."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from clean_shop import LINES, Sheet
from shop_exports import Dialect

Rows = np.ndarray[Any, np.dtype[np.int64]]
Class = Literal["repair", "aside", "refuse", "unknowable"]


@dataclass(frozen=True)
class Planting:
    """Where a fault is planted, and the randomness that it may use."""

    sheet: Sheet
    dialect: Dialect
    rows: Rows
    draw: np.random.Generator

    def put(self, column: str, cells: Any) -> None:
        """Write source cells into the rows."""
        self.sheet.cells.loc[self.rows, column] = np.array([*cells, None], dtype=object)[:-1]

    def true(self, column: str, values: Any) -> None:
        """Change what is true of the rows."""
        self.sheet.truth.loc[self.rows, column] = np.array([*values, None], dtype=object)[:-1]

    def of(self, column: str) -> list[Any]:
        """Return the true values of the rows."""
        return list(self.sheet.truth.loc[self.rows, column])

    def cells(self, column: str) -> list[Any]:
        """Return the source cells of the rows."""
        return list(self.sheet.cells.loc[self.rows, column])

    def pick(self, choices: Any) -> list[Any]:
        """Draw one of the choices for each row."""
        places = self.draw.integers(0, len(choices), len(self.rows))
        return [choices[place] for place in places]


Plant = Callable[[Planting], Rows | None]


@dataclass(frozen=True)
class Fault:
    """A kind of fault.

    Parameters
    ----------
    name, group : str
    expected : {"repair", "aside", "refuse", "unknowable"}
        Whether the right value follows from the cell and the mapping, the row is to be set aside, the whole
        table is to be refused, or the wrong value is as plausible as the right one, so that nobody can know.
    dialects : tuple of str
    plant : callable
        Spoils the rows, and returns the places of the spoilt ones where those are others.
    reasons : frozenset of str
        Right reasons to set a row aside.
    told : str
        Regular expression of the warnings or fixes that tell of it where rows are accepted.
    table : str
    refunds : bool
        Whether it spoils rows that are refunds already.
    declare : mapping
        Additions to the mapping of the table.
    """

    name: str
    group: str
    expected: Class
    dialects: tuple[str, ...]
    plant: Plant
    reasons: frozenset[str] = frozenset()
    told: str = ""
    table: str = LINES
    refunds: bool = False
    declare: Mapping[str, Any] = field(default_factory=dict)


FAULTS: dict[str, Fault] = {}


def fault(
    name: str, expected: Class, dialects: str, reasons: str = "", **more: Any
) -> Callable[[Plant], Plant]:
    """Register the decorated function as the planting of a fault.

    Parameters
    ----------
    name : str
        Words of the table.
    expected : {"repair", "aside", "refuse", "unknowable"}
    dialects, reasons : str
        With spaces between them.
    **more
        Further fields of `Fault`.
    """

    def register(plant: Plant) -> Plant:
        group = plant.__module__.removeprefix("faults_of_")
        where, why = tuple(dialects.split()), frozenset(reasons.split())
        FAULTS[name] = Fault(name, group, expected, where, plant, why, **more)
        return plant

    return register
