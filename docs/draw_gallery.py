"""Draw the pictures of the gallery: ``python docs/draw_gallery.py`` runs the page's own blocks."""

import ast
import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PIL import Image

PAGE = Path(__file__).with_name("gallery.md")
MOST_BYTES = 60_000
_BLOCK = re.compile(r"^```python\n(.*?)^```\n(?:\n!\[[^\]]*\]\(([^)]+)\)\n)?", re.DOTALL | re.MULTILINE)


def blocks(page: str) -> Iterator[tuple[str, str]]:
    """Give the code of each block and the picture that stands below it, empty without one."""
    for found in _BLOCK.finditer(page):
        yield found[1], found[2] or ""


def draw(page: str, folder: Path) -> list[Path]:
    """Run the blocks of a page one after another and write the picture of each that shows one."""
    names: dict[str, Any] = {}
    written = []
    for code, picture in blocks(page):
        tree = ast.parse(code)
        if not picture:
            exec(compile(tree, str(PAGE), "exec"), names)
            continue
        last = tree.body.pop()
        assert isinstance(last, ast.Expr), f"the block of {picture} does not end with a plot"
        exec(compile(tree, str(PAGE), "exec"), names)
        figure = eval(compile(ast.Expression(last.value), str(PAGE), "eval"), names)
        path = folder / picture
        path.parent.mkdir(parents=True, exist_ok=True)
        save(figure, path)
        written.append(path)
    return written


def save(figure: Any, path: Path) -> None:
    """Write a figure in 256 colours, half of the bytes."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=100)
    with Image.open(file) as picture:
        # an octree keeps the colour of a thin line, which a median cut gives up
        few = picture.convert("RGB").quantize(256, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
        few.save(path, optimize=True)


if __name__ == "__main__":
    for path in draw(PAGE.read_text(encoding="utf-8"), PAGE.parent):
        size = path.stat().st_size
        sys.stdout.write(f"{path.name}: {size:,} bytes\n")
        if size > MOST_BYTES:
            sys.exit(f"{path} has more than {MOST_BYTES:,} bytes; draw it smaller")
