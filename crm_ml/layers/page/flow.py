"""The flow between layers of two days: a bar for each layer on both sides, and bands between them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from crm_ml.pages.number_format import count

_HEIGHT, _FEWEST, _GAP = 420.0, 15.0, 5.0
_LEFT, _RIGHT = 1.5, 98.5
Way = Literal["up", "down", "same"]
COLOURS: Mapping[Way, str] = {"up": "bar", "down": "strong", "same": "limit"}


@dataclass(frozen=True)
class FlowBar:
    """A layer on one side: its customers, and where its bar stands, in pixels from the top."""

    name: str
    customers: int
    top: float
    height: float

    @property
    def shown(self) -> str:
        """The label beside the bar."""
        return f"{self.name} · {count(self.customers)}"


@dataclass(frozen=True)
class Band:
    """Customers who were in one layer and are in another, as a path; x in per cent, y in pixels."""

    before: str
    after: str
    customers: int
    way: Way
    path: str

    @property
    def colour(self) -> str:
        """Name of the colour of the page."""
        return COLOURS[self.way]

    @property
    def shown(self) -> str:
        """What the band says where one points at it."""
        return f"{self.before} to {self.after}: {count(self.customers, 'customer')}"


@dataclass(frozen=True)
class Flow:
    """A flow as it is drawn.

    Parameters
    ----------
    before, after : sequence of FlowBar
    bands : sequence of Band
    height : float
        Of the drawing, in pixels.
    """

    before: Sequence[FlowBar]
    after: Sequence[FlowBar]
    bands: Sequence[Band]
    height: float


def flow_of(counts: Mapping[str, Mapping[str, int]], order: Sequence[str]) -> Flow:
    """Return the flow of customers known on both days.

    Parameters
    ----------
    counts : mapping of str to mapping of str to int
        Layer before to layer after to customers.
    order : sequence of str
        Layers, the best first, which stands on top.
    """
    total = sum(sum(row.values()) for row in counts.values()) or 1
    scale = _HEIGHT / total
    before = _bars([(name, sum(counts[name].values())) for name in order], scale)
    after = _bars([(name, sum(counts[was][name] for was in order)) for name in order], scale)
    leaving, arriving = [bar.top for bar in before], [bar.top for bar in after]
    bands = []
    for i, was in enumerate(order):
        for j, now in enumerate(order):
            customers = counts[was][now]
            if not customers:
                continue
            thick = customers * scale
            way: Way = "same" if i == j else "down" if j > i else "up"
            bands.append(Band(was, now, customers, way, _path(leaving[i], arriving[j], thick)))
            leaving[i], arriving[j] = leaving[i] + thick, arriving[j] + thick
    bottom = max(bar.top + max(bar.height, _FEWEST) for bar in (*before, *after))
    ordered = sorted(bands, key=lambda band: (band.way != "same", -band.customers, band.before, band.after))
    return Flow(before, after, ordered, bottom)


def _bars(rows: Sequence[tuple[str, int]], scale: float) -> list[FlowBar]:
    bars, top = [], 0.0
    for name, customers in rows:
        height = customers * scale
        bars.append(FlowBar(name, customers, top, height))
        top += max(height, _FEWEST) + _GAP
    return bars


def _path(left: float, right: float, thick: float) -> str:
    """Return a band between two heights, bent in the middle."""
    middle, depth = (_LEFT + _RIGHT) / 2, right + thick
    back = left + thick
    return (
        f"M{_LEFT} {left:.2f}C{middle} {left:.2f} {middle} {right:.2f} {_RIGHT} {right:.2f}"
        f"V{depth:.2f}C{middle} {depth:.2f} {middle} {back:.2f} {_LEFT} {back:.2f}Z"
    )
