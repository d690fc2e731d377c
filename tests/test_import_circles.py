"""Imports go one way: of modules, and of what lies side by side in each folder of the package.

An import that hides in a function counts; one for types alone does not.
"""

import grimp
import pytest


@pytest.fixture(scope="module")
def imports():
    """What each module of the package imports of it."""
    graph = grimp.build_graph("crm_ml", exclude_type_checking_imports=True, cache_dir=None)
    return {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}


def circle(imports):
    """What stays when all is taken away that imports, or is imported by, nothing that is left."""
    left = {node: set(below) - {node} for node, below in imports.items()}
    while True:
        imported = set().union(*left.values())
        kept = {node: below & left.keys() for node, below in left.items() if node in imported}
        kept = {node: below for node, below in kept.items() if below}
        if kept == left:
            return sorted(left)
        left = kept


def within(folder, imports):
    """Imports between what lies side by side in a folder."""
    start = f"{folder}."

    def part(module):
        return start + module.removeprefix(start).partition(".")[0]

    parts = {}
    for module, below in imports.items():
        if module.startswith(start):
            parts.setdefault(part(module), set()).update(part(one) for one in below if one.startswith(start))
    return parts


def test_a_circle_is_found_with_its_nodes_alone():
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"b", "d"}, "d": set(), "e": {"e"}}) == ["b", "c"]
    imports = {"p": {"p.a"}, "p.a.x": {"p.b", "q"}, "p.b": {"p.a.y"}}
    assert within("p", imports) == {"p.a": {"p.b"}, "p.b": {"p.a"}}


def test_no_module_imports_what_imports_it(imports):
    assert len(imports) > 500
    assert circle(imports) == []


def test_nothing_in_a_folder_imports_what_imports_it(imports):
    folders = {module.rpartition(".")[0] for module in imports} - {""}
    circles = {folder: circle(within(folder, imports)) for folder in folders}
    assert {folder: parts for folder, parts in circles.items() if parts} == {}
