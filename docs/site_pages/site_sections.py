"""The sections of the site and the order of their pages; pages are found by their folder."""

from collections.abc import Sequence
from typing import Any

SECTIONS = {
    "Tutorial": "tutorial/",
    "How-to": "how_to/",
    "Reference": "reference/",
    "Explanation": "explanation/",
}
HOW_TO = {
    "Begin": "install own_project in_a_notebook",
    "Tables": "from_export_to_list own_tables mapping identity spark_and_large_tables",
    "Models": "experiments ends_of_a_relationship lifetime_value propensity uplift recommend tuning "
    "own_models scikit_learn from_lifetimes from_scikit_uplift from_rectools mlflow",
    "Lists": "actions tags layers membership export_and_load learn_from_a_list drift",
    "Maintain": "release /contributing /security",
}  # group -> its pages in order; further ones stand below the groups
EXPLANATION = (
    "snapshots why_no_random_split calibration champions certainty allocation hold_outs "
    "how_good_is_it other_libraries security billion_customers"
)
FIRST = (
    *(f"explanation/{stem}.md" for stem in EXPLANATION.split()),
    "reference/tables.md",
    "reference/features.md",
    "reference/score_tables.md",
    "reference/list.md",
    "reference/commands.md",
    "reference/exit_codes.md",
    "reference/limits.md",
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
    >>> navigation(["index.md", "how_to/z.md", "how_to/install.md"])
    [{'Home': 'index.md'}, {'How-to': [{'Begin': ['how_to/install.md']}, 'how_to/z.md']}]
    """
    entries: list[dict[str, Any]] = [{"Home": "index.md"}]
    for title, folder in SECTIONS.items():
        paths = [
            path for path in pages if path.startswith(folder) and not path.startswith((*GROUPS.values(),))
        ]
        content: list[Any] = sorted(paths, key=_rank)
        if folder == "how_to/":
            content = _grouped(pages, content)
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


def _grouped(pages: Sequence[str], how_to: Sequence[str]) -> list[Any]:
    """Return the groups of how-to pages, and the pages that are in none."""
    names = {group: [_how_to(stem) for stem in stems.split()] for group, stems in HOW_TO.items()}
    groups = {group: [path for path in paths if path in pages] for group, paths in names.items()}
    inside = {path for paths in groups.values() for path in paths}
    return [{group: paths} for group, paths in groups.items() if paths] + [
        path for path in how_to if path not in inside
    ]


def _how_to(stem: str) -> str:
    return f"{stem[1:]}.md" if stem.startswith("/") else f"how_to/{stem}.md"


def _inside(pages: Sequence[str], folder: str) -> list[str]:
    inside = [path for path in pages if path.startswith(folder)]
    return sorted(inside, key=lambda path: not path.endswith("/index.md"))  # else in their own order


def _of_the_project(pages: Sequence[str]) -> list[Any]:
    rooms = [{"Architecture": "architecture.md"}] if "architecture.md" in pages else []
    experiments = sorted(path for path in pages if path.startswith(EXPERIMENTS))
    return [*rooms, *([{"Experiments": experiments}] if experiments else [])]
