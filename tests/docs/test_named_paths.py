"""Every path, name and link in the documents is there."""

import ast
import importlib
import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
DOCUMENTS = [
    *(PROJECT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md")),
    *sorted((PROJECT / "docs").rglob("*.md")),
    *sorted((PROJECT / "notebooks").glob("*.py")),
]
# their links go to pages that are made with the site, whose strict build checks them
OF_THE_SITE = {PROJECT / "docs/index.md", PROJECT / "docs/tutorial/index.md"}
ENTRY_POINTS = {
    f"crm_ml.{group}"
    for group in ("families", "models", "features", "learners", "recommenders", "loaders", "exporters")
}
PATHS = re.compile(r"`((?:crm_ml|tests|configs|docs|experiments|notebooks)/[\w./-]*)`")
NAMES = re.compile(r"\bcrm_ml(?:\.[A-Za-z_]\w*)+")
LINKS = re.compile(r"\]\((?!https?:)([^)#]+)\)")
PYTHON = re.compile(r"```python\n(.*?)```", re.DOTALL)


def text_of(document):
    return document.read_text(encoding="utf-8")


def is_there(name):
    """Say whether a dotted name is a module, or what one holds."""
    module, parts = "crm_ml", name.split(".")[1:]
    while parts and list((PROJECT / module.replace(".", "/")).glob(f"{parts[0]}*")):
        longer = PROJECT / f"{module}.{parts[0]}".replace(".", "/")
        if not longer.is_dir() and not longer.with_suffix(".py").is_file():
            break
        module = f"{module}.{parts.pop(0)}"
    holder: object = importlib.import_module(module)
    for part in parts:
        holder = getattr(holder, part, None)
    return holder is not None


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(PROJECT).as_posix())
def test_paths_names_and_links_are_there(document):
    text = text_of(document)
    named = [path for path in PATHS.findall(text) if not path.endswith("/mine.yaml")]  # of the reader
    absent = [
        path for path in named if not (PROJECT / path).exists() and f"<!-- file: {path} -->" not in text
    ]
    links = [] if document in OF_THE_SITE else LINKS.findall(text)
    absent += [link for link in links if not (document.parent / link).exists()]
    absent += [name for name in set(NAMES.findall(text)) - ENTRY_POINTS if not is_there(name)]
    assert not absent


def imports():
    """Give module and name of every import of the package in the Python of the documents."""
    for block in (block for document in DOCUMENTS for block in PYTHON.findall(text_of(document))):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.ImportFrom) and node.module.startswith("crm_ml"):
                yield from ((node.module, alias.name) for alias in node.names)


def test_what_documents_import_can_be_imported():
    assert len(list(imports())) > 20
    for module, name in imports():
        home = importlib.import_module(module)
        assert hasattr(home, name) or importlib.import_module(f"{module}.{name}"), (module, name)


def test_a_name_that_is_not_there_is_found():
    assert is_there("crm_ml.snapshots.Snapshot")
    assert is_there("crm_ml.train.promote")
    assert is_there("crm_ml.Action.simple")
    assert not is_there("crm_ml.Action.simplest")
    assert not is_there("crm_ml.snapshots.Snapshots")
    assert not is_there("crm_ml.tag")
