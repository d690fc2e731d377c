"""The picture of the rooms is what the imports are today."""

import re
from itertools import pairwise

from draw_rooms import PICTURE, picture
from imports_of_rooms import Room, layers, needed_arrows, rooms
from room_layout import BOX, placed

LINES = re.compile(r'(<g id="(\w+)">.*?<text class="lines"[^>]*>)([\d,]+)')


def test_the_picture_shows_the_rooms_arrows_and_purposes_of_today():
    drawn, now = PICTURE.read_text(encoding="utf-8"), picture()
    advice = "run python docs/draw_rooms.py"
    assert LINES.sub(r"\1", drawn) == LINES.sub(r"\1", now), advice
    lines = {room: int(number.replace(",", "")) for _, room, number in LINES.findall(drawn)}
    assert lines.keys() == rooms().keys()
    far = [name for name, room in rooms().items() if abs(lines[name] - room.lines) > 50 + room.lines / 10]
    assert not far, advice


def test_every_room_says_what_it_is_for():
    assert not [room.name for room in rooms().values() if len(room.purpose) < 20]


def test_an_arrow_that_a_way_implies_is_left_out():
    imports = {"top": {"middle", "low"}, "middle": {"low"}, "low": set()}
    known = {name: Room(name, "", 1, frozenset(below)) for name, below in imports.items()}
    assert needed_arrows(known) == {("top", "middle"), ("middle", "low")}


def test_nothing_overlaps_and_arrows_over_layers_have_room():
    arrows = needed_arrows(rooms())
    order, centres, ways = placed(layers(), arrows)
    assert set(ways) == arrows
    for row in order:
        places = [centres[node] for node in row]
        assert places == sorted(places)
        boxes = [centres[node] for node in row if "@" not in node]
        assert all(right - left >= BOX for left, right in pairwise(boxes))


def test_two_crossing_arrows_are_uncrossed():
    order, *_ = placed([["a", "b"], ["c", "d"]], {("a", "d"), ("b", "c")})
    assert order[0].index("a") == order[1].index("d")
