"""What charts show and where on the page it stands; ``templates/charts.html`` draws them as inline SVG."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

LONGEST = 0.6
_SQUARE, _EDGE = 300, 0.02
Tone = Literal["bar", "strong", "limit"]


@dataclass(frozen=True)
class Bar:
    """One bar: what it is of, how long it is, what is written at its end, and its colour."""

    label: str
    amount: float
    shown: str
    tone: Tone = "bar"


@dataclass(frozen=True)
class BarChart:
    """Horizontal bars, the longest 60 % of the width; a negative amount has no length."""

    bars: Sequence[Bar]

    @cached_property
    def _longest(self) -> float:
        return max(0.0, *(bar.amount for bar in self.bars)) or 1.0

    def part(self, bar: Bar) -> float:
        """Return the length of a bar as a part of the longest one."""
        return max(bar.amount, 0.0) / self._longest

    def width(self, bar: Bar) -> str:
        """Return the length of a bar on the page."""
        return across(LONGEST * self.part(bar))


@dataclass(frozen=True)
class HourChart:
    """Upright bars of the 24 hours of the day, with a sentence about the highest."""

    counts: Sequence[int]
    peak: str

    @property
    def highest(self) -> int:
        """Return the count of the highest bar, at least 1."""
        return max(*self.counts, 1)


@dataclass(frozen=True)
class Estimate:
    """A point estimate with its interval, beside a mark of what was promised; None where it is not known."""

    label: str
    point: float
    low: float | None
    high: float | None
    mark: float | None
    shown: str


@dataclass(frozen=True)
class EstimateChart:
    """Estimates with their intervals on one axis that has a line at zero."""

    estimates: Sequence[Estimate]

    @cached_property
    def _range(self) -> tuple[float, float]:
        rows = [(row.point, row.low, row.high, row.mark) for row in self.estimates]
        return _range_of(rows)

    def place(self, number: float) -> str:
        """Return how far to the right a number stands."""
        return across(_position(number, self._range))


@dataclass(frozen=True)
class ReliabilityBin:
    """What was promised and what was realised on average in a bin, with the interval of the latter."""

    promised: float
    realised: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class ReliabilityChart:
    """Realised against promised averages; on the diagonal the two are the same.

    Parameters
    ----------
    bins : sequence of ReliabilityBin
    words : callable
        A number to its text.
    """

    bins: Sequence[ReliabilityBin]
    words: Callable[[float], str]

    @cached_property
    def _range(self) -> tuple[float, float]:
        return _range_of([(point.promised, point.realised, point.low, point.high) for point in self.bins])

    @property
    def largest(self) -> str:
        """Return the text of the largest number on the axes."""
        return self.words(self._range[1])

    def place(self, promised: float) -> str:
        """Return how far to the right a promised number stands."""
        return across(_position(promised, self._range))

    def depth(self, realised: float) -> str:
        """Return how far below the top a realised number stands, in pixels."""
        return f"{_SQUARE * (1 - _position(realised, self._range)):.2f}"


def across(part: float) -> str:
    """Return a part of the width of the page as SVG has it.

    Examples
    --------
    >>> across(0.25)
    '25.000%'
    """
    return f"{100 * part:.3f}%"


def _range_of(rows: Sequence[Sequence[float | None]]) -> tuple[float, float]:
    numbers = [0.0, *(number for row in rows for number in row if number is not None)]
    return min(numbers), max(numbers)


def _position(number: float, limits: tuple[float, float]) -> float:
    """Return where a number stands between the limits of its axis, from 0 to 1 with a narrow edge."""
    low, high = limits
    return _EDGE + (1 - 2 * _EDGE) * (number - low) / ((high - low) or 1.0)
