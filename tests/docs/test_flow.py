"""The picture of the flow is what its script draws, and its text stays inside the boxes."""

from draw_flow import PICTURE, STEPS, picture


def test_the_picture_is_drawn_by_the_script():
    assert PICTURE.read_text(encoding="utf-8") == picture(), "run python docs/draw_flow.py"


def test_lines_fit_their_boxes():
    assert max(len(line) for step in STEPS for line in step.lines) <= 22
    assert "http" not in picture().replace("http://www.w3.org/2000/svg", "")
