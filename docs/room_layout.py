"""Places of rooms in layers and ways of arrows between them: few crossings, short ways, nothing under a box.

An arrow over several layers has a bend in each of them, so that boxes leave room for it. Bends and rooms of a
layer are put in order by the mean place of their neighbours (Sugiyama, Tagawa and Toda 1981), then moved as
near to their neighbours as their widths allow (pool adjacent violators).
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise

BOX = 184.0
BEND = 6.0
GAP = 14.0
SWEEPS = 60
STRAIGHT = 40.0

Ways = dict[tuple[str, str], list[str]]


def placed(
    layers: Sequence[Sequence[str]], arrows: set[tuple[str, str]]
) -> tuple[list[list[str]], dict[str, float], Ways]:
    """Return rooms and bends of each layer in order, the middle of each in pixels, and the way of each arrow.

    Parameters
    ----------
    layers : sequence of sequences of str
        Rooms by layer, the highest first.
    arrows : set of (str, str)
        From a room to one of a lower layer.
    """
    level = {room: number for number, layer in enumerate(layers) for room in layer}
    rows = [list(layer) for layer in layers]
    ways: Ways = {}
    for start, end in sorted(arrows):
        bends = {number: f"{start}>{end}@{number}" for number in range(level[start] + 1, level[end])}
        for number, bend in bends.items():
            rows[number].append(bend)
        ways[start, end] = [start, *bends.values(), end]
    up, down = _neighbours(rows, ways)
    rows = _best_order(rows, up, down)
    return rows, _centres(rows, up, down), ways


def _neighbours(rows: list[list[str]], ways: Ways) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    up: dict[str, list[str]] = {node: [] for row in rows for node in row}
    down: dict[str, list[str]] = {node: [] for row in rows for node in row}
    for way in ways.values():
        for high, low in pairwise(way):
            down[high].append(low)
            up[low].append(high)
    return up, down


def _best_order(
    rows: list[list[str]], up: Mapping[str, list[str]], down: Mapping[str, list[str]]
) -> list[list[str]]:
    best, least = rows, _crossings(rows, down)
    for sweep in range(SWEEPS):
        downwards = sweep % 2 == 0
        rows = [list(row) for row in rows]
        for number in range(len(rows)) if downwards else reversed(range(len(rows))):
            place = {node: (i + 0.5) / len(row) for row in rows for i, node in enumerate(row)}
            seen = up if downwards else down
            rows[number].sort(key=lambda node, p=place, s=seen: _mean([p[n] for n in s[node]], p[node]))
        crossings = _crossings(rows, down)
        if crossings < least:
            best, least = rows, crossings
    return best


def _crossings(rows: list[list[str]], down: Mapping[str, list[str]]) -> int:
    total = 0
    for row, below in pairwise(rows):
        place = {node: i for i, node in enumerate(below)}
        ends = [sorted(place[low] for low in down[node]) for node in row]
        for i, first in enumerate(ends):
            total += sum(a > b for second in ends[i + 1 :] for a in first for b in second)
    return total


def _centres(
    rows: list[list[str]], up: Mapping[str, list[str]], down: Mapping[str, list[str]]
) -> dict[str, float]:
    room = max(_offsets(row)[-1] + width_of(row[0]) / 2 + width_of(row[-1]) / 2 for row in rows)
    centres = {node: room / 2 for row in rows for node in row}
    for _ in range(20 * SWEEPS):
        for row in rows:
            pulls = [[(centres[n], _pull(node, n)) for n in up[node] + down[node]] for node in row]
            weights = [sum(weight for _, weight in pull) for pull in pulls]
            wanted = [
                sum(x * weight for x, weight in pull) / total
                for pull, total in zip(pulls, weights, strict=True)
            ]
            centres |= dict(zip(row, _spread(row, wanted, weights, room), strict=True))
    return centres


def _pull(node: str, other: str) -> float:
    """Return how strongly two neighbours want to stand under each other: bends more than rooms."""
    return STRAIGHT if "@" in node and "@" in other else 1.0


def _spread(row: list[str], wanted: list[float], weights: list[float], room: float) -> list[float]:
    """Return the places from 0 to `room`, nearest to the wanted ones, at which nothing overlaps."""
    offsets = _offsets(row)
    blocks: list[tuple[float, float, int]] = []
    for goal, offset, weight in zip(wanted, offsets, weights, strict=True):
        mean, size = goal - offset, 1
        while blocks and blocks[-1][0] > mean:
            other, mass, count = blocks.pop()
            mean, weight, size = (mean * weight + other * mass) / (weight + mass), weight + mass, size + count
        blocks.append((mean, weight, size))
    least, most = width_of(row[0]) / 2, room - width_of(row[-1]) / 2 - offsets[-1]
    free = [min(max(mean, least), most) for mean, _, size in blocks for _ in range(size)]
    return [mean + offset for mean, offset in zip(free, offsets, strict=True)]


def _offsets(row: list[str]) -> list[float]:
    """Return how far each node of a row is from the first where they stand as close as they may."""
    offsets = [0.0]
    for left, right in pairwise(row):
        offsets.append(offsets[-1] + (width_of(left) + width_of(right)) / 2 + GAP)
    return offsets


def width_of(node: str) -> float:
    """Return the width of a room, or of the bend of an arrow, in pixels."""
    return BEND if "@" in node else BOX


def _mean(places: list[float], otherwise: float) -> float:
    return sum(places) / len(places) if places else otherwise
