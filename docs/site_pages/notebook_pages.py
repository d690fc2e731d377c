"""Pages of the tutorial: executed notebooks as Markdown, their pictures beside them."""

import ast
import base64
import html
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from notebooks import NOTEBOOKS, executed

FOLDER = "tutorial"
FOLDERS = re.compile(r"(?:/[\w.-]+)+/(?=data/)")  # above the project, of the machine that ran it
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
MARKS = re.compile(r"([\\`*_\[\]])")  # of Markdown
TO_THE_FORMATTER = re.compile(r"  # fmt: \w+$", re.MULTILINE)
WIDTH = 88  # characters of the column of code
LONGEST_CALL = 100


def pages() -> dict[str, str | bytes]:
    """Return the pages and their pictures by their path below ``docs/``; runs notebooks that were not run."""
    files: dict[str, str | bytes] = {}
    for path in NOTEBOOKS:
        text, pictures = page(executed(path), path.stem)
        files[f"{FOLDER}/{path.stem}.md"] = text
        files |= {f"{FOLDER}/{name}": picture for name, picture in pictures.items()}
    return files


def page(notebook: Any, name: str) -> tuple[str, dict[str, bytes]]:
    """Return an executed notebook as Markdown, and its pictures by their name.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
    name : str
        Name of the script without its ending, and of the folder of its pictures.
    """
    pictures: dict[str, bytes] = {}
    title, _, lead = notebook.cells[0].source.partition("\n")
    heading = title
    parts = [
        title,
        f"*The notebook is `notebooks/{name}.py` of a checkout: `make notebook` opens it.*",
        lead.strip(),
    ]
    for cell in notebook.cells[1:]:
        if cell.cell_type == "markdown":
            heading = (HEADING.findall(cell.source) or [heading])[-1]
            parts.append(cell.source.replace("](../docs/", "](../"))
        elif cell.source.strip():
            parts.append(f"```python\n{wrapped(cell.source)}\n```")
            alt = alternative(heading, cell.source)
            parts += [shown for output in cell.outputs for shown in _shown(output, pictures, name, alt)]
    return "\n\n".join(part for part in parts if part) + "\n", pictures


def wrapped(source: str) -> str:
    r"""Return code in lines that fit the column, without marks for the formatter.

    Examples
    --------
    >>> print(wrapped("x = [1]  # fmt: skip"))
    x = [1]
    """
    plain = TO_THE_FORMATTER.sub("", source)
    if max(map(len, plain.splitlines())) <= WIDTH:
        return plain
    command = [sys.executable, "-m", "ruff", "format", "--isolated", "--quiet", f"--line-length={WIDTH}", "-"]
    return subprocess.run(command, input=plain, capture_output=True, text=True, check=True).stdout.rstrip()


def alternative(heading: str, source: str) -> str:
    r"""Return what stands for a picture: the heading above it, and the statement that draws it.

    Examples
    --------
    >>> print(alternative("# Who leaves", "x = fit()\nx.plot()"))
    Who leaves: x.plot()
    """
    drawn = ast.unparse(ast.parse(source).body[-1]).replace("\n", " ")
    short = drawn if len(drawn) <= LONGEST_CALL else f"{drawn[:LONGEST_CALL]} ..."
    return f"{heading.lstrip('# ')}: {short}"


def _shown(output: Any, pictures: dict[str, bytes], folder: str, alt: str) -> Iterator[str]:
    """Yield an output in the richest form that it has."""
    data = {"text/plain": output.text} if output.output_type == "stream" else output.data
    if "image/png" in data:
        name = f"{folder}/picture_{len(pictures) + 1}.png"
        pictures[name] = base64.b64decode(data["image/png"])
        yield f'<div class="result" markdown>\n\n![{_plain(alt)}]({name})\n\n</div>'
    elif "text/markdown" in data:
        text = HEADING.sub(r"**\1**", data["text/markdown"])
        yield f'<div class="result document" markdown>\n\n{text}\n\n</div>'
    elif "text/html" in data:
        yield f'<div class="result">{_frame(data["text/html"])}</div>'
    elif not data["text/plain"].startswith(("<Axes", "[<matplotlib", "[Text", "<Figure")):
        yield f'<div class="result"><pre><code>{html.escape(data["text/plain"].rstrip())}</code></pre></div>'


def _plain(text: str) -> str:
    return MARKS.sub(r"\\\1", text)


def _frame(text: str) -> str:
    """Return HTML whose tables take the style of the site; empty lines would end it in Markdown."""
    text = re.sub(r"<style scoped>.*?</style>", "", text, flags=re.DOTALL)
    text = (
        FOLDERS.sub("", text)
        .replace(' border="1" class="dataframe"', "")
        .replace(' style="text-align: right;"', "")
    )
    return re.sub(r"\n\s*\n", "\n", text).strip()
