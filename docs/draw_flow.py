"""Draw the way of the data: ``python docs/draw_flow.py`` writes ``flow.svg``."""

from dataclasses import dataclass
from html import escape
from itertools import pairwise
from pathlib import Path

PICTURE = Path(__file__).with_name("flow.svg")
WIDTH, BOX, HEIGHT, LEFT, TOP = 720, 204, 122, 18, 18
ACROSS, DOWN = 234, 162
STYLE = """
text { font-family: system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; fill: #1f2933 }
.name { font-size: 19px; font-weight: 600 }
.line { font-size: 16.5px; fill: #3e4c59 }
.ground { fill: #ffffff }
.box { fill-opacity: .1; stroke-width: 1.8 }
.arrow { fill: none; stroke: #7b8794; stroke-width: 2.4 }
.tip { fill: #7b8794 }
.data { fill: #1f5fa8; stroke: #1f5fa8 }
.model { fill: #009e73; stroke: #009e73 }
.list { fill: #d55e00; stroke: #d55e00 }
.learn { fill: #8a4f9e; stroke: #8a4f9e }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f4f8 }
  .line { fill: #d2d9e0 }
  .ground { fill: #161b22 }
  .box { fill-opacity: .28 }
  .arrow { stroke: #9fb0c0 }
  .tip { fill: #9fb0c0 }
}
"""


@dataclass(frozen=True)
class Step:
    """A box of the flow: its place from the left and the top, what it is, and up to three lines."""

    column: int
    row: int
    kind: str
    name: str
    lines: tuple[str, ...]


STEPS = (
    Step(0, 0, "data", "Tables", ("each row is accepted,", "or set aside with", "a reason")),
    Step(1, 0, "data", "Features", ("at a snapshot: only", "what was known", "before that day")),
    Step(2, 0, "model", "Experiment", ("leak gate, baselines,", "calibration; gates", "choose the champion")),
    Step(2, 1, "model", "Scores", ("churn, value, answer,", "uplift, items: after a", "check for drift")),
    Step(1, 1, "list", "Actions", ("consent, caps and", "budgets; allocation", "with its certificate")),
    Step(0, 1, "list", "List", ("who gets what, why,", "at what worth: whole", "or absent")),
    Step(0, 2, "list", "Campaign tool", ("Braze, Klaviyo, Meta", "..., or a database,", "exactly once")),
    Step(1, 2, "learn", "Hold-outs", ("a share gets nothing,", "drawn by lot: the", "measure of the rest")),
    Step(2, 2, "learn", "Evaluation", ("what the list earned,", "whether its scores", "came true")),
)  # fmt: skip


def picture() -> str:
    """Return the picture as SVG."""
    height = 2 * TOP + 2 * DOWN + HEIGHT
    arrows = [_arrow(here, there) for here, there in pairwise(STEPS)]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
            f'height="{height}" role="img">',
            "<title>From tables to a list, and back by what the list earned</title>",
            f"<style>{STYLE}</style>",
            f'<rect class="ground" width="{WIDTH}" height="{height}" rx="12"/>',
            *arrows,
            _back(),
            *(_box(step) for step in STEPS),
            "</svg>\n",
        ]
    )


def _corner(step: Step) -> tuple[int, int]:
    return LEFT + ACROSS * step.column, TOP + DOWN * step.row


def _box(step: Step) -> str:
    x, y = _corner(step)
    parts = [
        f'<g id="{step.name.lower().replace(" ", "-")}">',
        f'<rect class="box {step.kind}" x="{x}" y="{y}" width="{BOX}" height="{HEIGHT}" rx="9"/>',
        f'<text class="name" x="{x + 12}" y="{y + 29}">{escape(step.name)}</text>',
    ]
    for number, line in enumerate(step.lines):
        parts.append(f'<text class="line" x="{x + 12}" y="{y + 57 + 23 * number}">{escape(line)}</text>')
    return "".join([*parts, "</g>"])


def _arrow(here: Step, there: Step) -> str:
    """Return the arrow to the next step: right, left or down."""
    (x, y), (next_x, _) = _corner(here), _corner(there)
    if here.row != there.row:
        middle = x + BOX // 2
        return _drawn(f"M{middle} {y + HEIGHT}V{y + DOWN - 10}", middle, y + DOWN - 1, "down")
    height = y + HEIGHT // 2
    if next_x > x:
        return _drawn(f"M{x + BOX} {height}H{next_x - 10}", next_x - 1, height, "right")
    return _drawn(f"M{x} {height}H{next_x + BOX + 10}", next_x + BOX + 1, height, "left")


def _back() -> str:
    """Return the arrow from the last step to the experiment, round the right side."""
    x, y = _corner(STEPS[-1])
    side, top = x + BOX + 15, TOP + HEIGHT // 2
    bottom = y + HEIGHT // 2
    way = f"M{x + BOX} {bottom}H{side - 8}q8 0 8 -8V{top + 8}q0 -8 -8 -8"
    return _drawn(way, x + BOX + 1, top, "left")


def _drawn(way: str, x: int, y: int, to: str) -> str:
    tip = {"right": "l-10 -6v12z", "left": "l10 -6v12z", "down": "l-6 -10h12z"}[to]
    return f'<path class="arrow" d="{way}"/><path class="tip" d="M{x} {y}{tip}"/>'


if __name__ == "__main__":
    PICTURE.write_text(picture(), encoding="utf-8")
