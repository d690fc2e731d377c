"""Tests of columns as packed bits: one bit for each customer, eight customers in a byte."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from crm_ml.rules.grammar import Junction, Literal, Negation, Node, Test

if TYPE_CHECKING:
    import pandas as pd

Plane = npt.NDArray[np.uint8]
Truth = tuple[Plane, Plane]  # of whom it is surely true, and of whom it is surely false
_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "=": np.equal,
    "!=": np.not_equal,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}


@dataclass(frozen=True, order=True)
class Fact:
    """A test without its place in a text: the same in all tags that make it."""

    column: str
    operator: str
    literals: tuple[Literal, ...]

    @classmethod
    def of(cls, test: Test) -> "Fact":
        """Return the fact of a test, which the test may negate."""
        return cls(test.column, test.operator, test.literals)


@dataclass(frozen=True, eq=False)
class Column:
    """Values of some customers.

    Parameters
    ----------
    values : numpy.ndarray, shape (n,)
        Numbers, with NaN for unknown; of a text column the numbers of its levels.
    levels : mapping of str to float, optional
        Of a text column.
    """

    values: npt.NDArray[np.float64]
    levels: Mapping[str, float] | None = None

    @classmethod
    def of(cls, series: "pd.Series") -> "Column":
        """Return the values of a column of numbers, booleans or text."""
        import pandas as pd

        if pd.api.types.is_numeric_dtype(series.dtype):  # booleans among them
            return cls(_numbers(series))
        codes, levels = pd.factorize(series)
        if len(levels) and all(
            isinstance(level, bool) for level in levels
        ):  # booleans of which some are unknown
            return cls(_numbers(series.astype("boolean")))
        return cls(np.where(codes < 0, np.nan, codes), {str(level): n for n, level in enumerate(levels)})

    def known(self) -> Plane:
        """Return of whom a value is known."""
        return pack(~np.isnan(self.values))

    def test(self, fact: Fact) -> Plane:
        """Return of whom a fact is true; where no value is known it is not."""
        literals = [self._number(value) for value in fact.literals]
        if fact.operator == "null":
            return pack(np.isnan(self.values))
        if fact.operator == "between":
            return pack((self.values >= literals[0]) & (self.values <= literals[1]))
        if fact.operator == "in":
            return pack(np.isin(self.values, literals))
        true = _COMPARE[fact.operator](self.values, literals[0])
        return pack(true & ~np.isnan(self.values) if fact.operator == "!=" else true)

    def _number(self, value: Literal) -> float:
        if self.levels is None:
            return float(value)
        return self.levels.get(str(value), -1.0)


def _numbers(series: "pd.Series") -> npt.NDArray[np.float64]:
    return np.asarray(series.to_numpy(dtype=np.float64, na_value=np.nan))


def pack(mask: npt.NDArray[np.bool_]) -> Plane:
    """Return flags as bits, the first customer in the lowest bit."""
    return np.packbits(mask, bitorder="little")


def unpack(plane: Plane, rows: int) -> npt.NDArray[np.bool_]:
    """Return bits as flags of so many customers."""
    return np.unpackbits(plane, count=rows, bitorder="little").view(np.bool_)


def truth_of(node: Node, truth: Callable[[Test], Truth]) -> Truth:
    """Return of whom a rule is surely true and surely false, from the truth of its tests.

    ``not`` exchanges the two, ``and`` is false where one part is, so that nothing follows from the unknown.

    Parameters
    ----------
    node : Node
    truth : callable
        Of a test, whose negation it heeds.
    """
    if isinstance(node, Negation):
        true, false = truth_of(node.part, truth)
        return false, true
    if not isinstance(node, Junction):
        return truth(node)
    parts = [truth_of(part, truth) for part in node.parts]
    joined = (np.bitwise_and, np.bitwise_or) if node.word == "and" else (np.bitwise_or, np.bitwise_and)
    true, false = (join.reduce([part[side] for part in parts]) for side, join in enumerate(joined))
    return true, false
