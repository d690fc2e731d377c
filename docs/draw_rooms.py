"""Draw the rooms of the package and their imports: ``python docs/draw_rooms.py`` writes ``rooms.svg``."""

import colorsys
import re
import textwrap
from html import escape
from pathlib import Path

from imports_of_rooms import Room, layers, needed_arrows, rooms
from room_layout import BOX, Ways, placed, width_of

PICTURE = Path(__file__).with_name("rooms.svg")
HEIGHT, STEP, MARGIN, TOP = 80, 116, 24, 84
STYLE = """
text { font-family: system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; fill: #1f2933 }
.title { font-size: 20px; font-weight: 600 }
.note { font-size: 12.5px; fill: #52606d }
.name { font-size: 14px; font-weight: 600 }
.lines { font-size: 11px; fill: #616e7c; text-anchor: end }
.purpose { font-size: 10.2px; fill: #3e4c59 }
path { fill: none; stroke-width: 1.4; stroke-opacity: .75 }
"""
NOTE = (
    "Rooms import downwards only. An arrow is left out where a way over other rooms already leads to the "
    "same place. Numbers are lines of code."
)


def picture() -> str:
    """Return the picture as SVG."""
    known = rooms()
    order, centres, ways = placed(layers(), needed_arrows(known))
    left = min(centres[row[0]] - width_of(row[0]) / 2 for row in order) - MARGIN
    right = max(centres[row[-1]] + width_of(row[-1]) / 2 for row in order) + MARGIN
    centres = {node: round(x - left, 1) for node, x in centres.items()}
    level = {node: number for number, row in enumerate(order) for node in row}
    colours = {node: _colour(number, len(order)) for node, number in level.items()}
    arrows = _arrows(ways, centres, level, colours)
    boxes = [_box(room, centres[name], _top(level[name]), colours[name]) for name, room in known.items()]
    width, height = round(right - left), TOP + STEP * len(order) - STEP + HEIGHT + MARGIN
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
            f'height="{height}" role="img">',
            "<title>Rooms of crm_ml and what they import</title>",
            f"<style>{STYLE}</style>",
            f'<rect width="{width}" height="{height}" rx="12" fill="#ffffff"/>',
            f'<text class="title" x="{MARGIN}" y="40">The rooms of crm_ml</text>',
            f'<text class="note" x="{MARGIN}" y="62">{escape(NOTE)}</text>',
            *arrows,
            *boxes,
            "</svg>\n",
        ]
    )


def _top(number: int) -> int:
    return TOP + STEP * number


def _colour(number: int, of: int) -> str:
    """Return a colour of the layer, from blue at the top over green to ochre at the ground."""
    red, green, blue = colorsys.hls_to_rgb((225 - 190 * number / max(of - 1, 1)) / 360, 0.38, 0.5)
    return f"#{round(red * 255):02x}{round(green * 255):02x}{round(blue * 255):02x}"


def _box(room: Room, centre: float, top: int, colour: str) -> str:
    x = round(centre - BOX / 2, 1)
    frame = f'<rect x="{x}" y="{top}" width="{BOX:g}" height="{HEIGHT}" rx="7"'
    parts = [
        f'<g id="{room.name}">',
        f'{frame} fill="#ffffff"/>',
        f'{frame} fill="{colour}" fill-opacity=".09" stroke="{colour}" stroke-width="1.2"/>',
        f'<text class="name" x="{x + 10:g}" y="{top + 20}">{room.name}</text>',
        f'<text class="lines" x="{x + BOX - 10:g}" y="{top + 20}">{room.lines:,}</text>',
    ]
    for number, line in enumerate(_wrapped(room.purpose)):
        y = top + 35 + 12.5 * number
        parts.append(f'<text class="purpose" x="{x + 10:g}" y="{y}">{escape(line)}</text>')
    return "".join([*parts, "</g>"])


def _wrapped(purpose: str) -> list[str]:
    """Return at most four lines; a sentence too long for them loses its last clauses."""
    while len(lines := textwrap.wrap(purpose, 30)) > 4:
        purpose = re.split(r"[,;:] (?!.*[,;:] )", purpose)[0]
    return lines


def _arrows(
    ways: Ways, centres: dict[str, float], level: dict[str, int], colours: dict[str, str]
) -> list[str]:
    leaves = _ports({arrow: (way[0], centres[way[1]]) for arrow, way in ways.items()}, centres)
    enters = _ports({arrow: (way[-1], centres[way[-2]]) for arrow, way in ways.items()}, centres)
    drawn = []
    for arrow, way in ways.items():
        x, y = leaves[arrow], _top(level[way[0]]) + HEIGHT
        steps = [f"M{x} {y}"]
        for node in way[1:]:
            last = node == way[-1]
            next_x, next_y = enters[arrow] if last else centres[node], _top(level[node]) - 6 * last
            bend = round((y + next_y) / 2, 1)
            steps.append(f"C{x} {bend} {next_x} {bend} {next_x} {next_y}")
            if not last:
                steps.append(f"V{next_y + HEIGHT}")
            x, y = next_x, next_y + HEIGHT
        colour, tip = colours[way[0]], _top(level[way[-1]]) - 7
        drawn.append(
            f'<g id="{way[0]}-{way[-1]}"><path d="{"".join(steps)}" stroke="{colour}"/>'
            f'<path d="M{x - 3.5:g} {tip}h7l-3.5 7z" style="fill:{colour};stroke:none"/></g>'
        )
    return drawn


def _ports(
    ends: dict[tuple[str, str], tuple[str, float]], centres: dict[str, float]
) -> dict[tuple[str, str], float]:
    """Return where each arrow meets its room: side by side, in the order of where it comes from."""
    ports: dict[tuple[str, str], float] = {}
    for room in sorted({room for room, _ in ends.values()}):
        mine = sorted((beside, arrow) for arrow, (end, beside) in ends.items() if end == room)
        step = min(22.0, (BOX - 30) / len(mine))
        first = centres[room] - step * (len(mine) - 1) / 2
        ports |= {arrow: round(first + step * number, 1) for number, (_, arrow) in enumerate(mine)}
    return ports


if __name__ == "__main__":
    PICTURE.write_text(picture(), encoding="utf-8")
