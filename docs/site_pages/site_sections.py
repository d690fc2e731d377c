"""The sections of the site and the order of their pages; pages are found by their folder."""

from collections.abc import Sequence
from typing import Any

SECTIONS = {
    "Tutorial": "tutorial/",
    "How-to": "how_to/",
    "Reference": "reference/",
    "Explanation": "explanation/",
}
FIRST = (
    "how_to/install.md",
    "how_to/own_project.md",
    "how_to/from_export_to_list.md",
    "how_to/own_tables.md",
    "how_to/mapping.md",
    "reference/tables.md",
    "reference/features.md",
    "reference/score_tables.md",
    "reference/list.md",
    "reference/commands.md",
    "reference/exit_codes.md",
)
SINGLE = {
    "Glossary": "glossary.md",
    "Gallery": "gallery.md",
    "Decisions": "decisions/README.md",
    "Changelog": "changelog.md",
}
GROUPS = {"Settings": "reference/settings/", "API": "reference/api/"}
GROUPED = tuple(GROUPS.values())
EXPERIMENTS = "experiments/"


def navigation(pages: Sequence[str]) -> list[dict[str, Any]]:
    """Return the navigation of mkdocs over the pages that exist.

    Parameters
    ----------
    pages : sequence of str
        Paths below ``docs/``.

    Examples
    --------
    >>> navigation(["index.md", "how_to/z.md", "how_to/install.md", "glossary.md"])
    [{'Home': 'index.md'}, {'How-to': ['how_to/install.md', 'how_to/z.md']}, {'Glossary': 'glossary.md'}]
    """
    entries: list[dict[str, Any]] = [{"Home": "index.md"}]
    for title, folder in SECTIONS.items():
        paths = [
            path for path in pages if path.startswith(folder) and not path.startswith((*GROUPS.values(),))
        ]
        content: list[Any] = sorted(paths, key=_rank)
        if folder == "reference/":
            content += [
                {title: _inside(pages, inside)} for title, inside in GROUPS.items() if _inside(pages, inside)
            ]
        if folder == "explanation/":
            content += _of_the_project(pages)
        entries += [{title: content}] if content else []
    return entries + [{title: path} for title, path in SINGLE.items() if path in pages]


def _rank(path: str) -> tuple[int, str]:
    index = 0 if path.endswith("/index.md") else 1
    return (FIRST.index(path) - len(FIRST) if path in FIRST else index, path)


def _inside(pages: Sequence[str], folder: str) -> list[str]:
    inside = [path for path in pages if path.startswith(folder)]
    return sorted(inside, key=lambda path: not path.endswith("/index.md"))  # else in their own order


def _of_the_project(pages: Sequence[str]) -> list[Any]:
    rooms = [{"The rooms of the package": "architecture.md"}] if "architecture.md" in pages else []
    experiments = sorted(path for path in pages if path.startswith(EXPERIMENTS))
    return [*rooms, *([{"Experiments": experiments}] if experiments else [])]
