"""The reference of the documentation is made from code, and nothing public is missing in it."""

import ast
import doctest
import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import command_pages
import field_meanings
import narrow_tables
import notebook_pages
import outside_links
import public_names
import pytest
import settings_pages
import site_sections
import table_pages

import crm_ml
from crm_ml import __main__ as crm_ml_command
from crm_ml import errors
from crm_ml.features import groups
from crm_ml.score_tables.families import score_table_families
from crm_ml.tables import contracts
from crm_ml.tables.strict import Strict

PROJECT = Path(__file__).resolve().parents[2]
CELL = re.compile(r"^\| `([^`]+)` \|(.*)\|$", re.MULTILINE)


def rows(page, title):
    """The first cells of the table below a heading, each with the rest of its row."""
    part = page.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    return dict(CELL.findall(part))


def imports_of(text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "crm_ml":
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def shown_to_readers():
    for path in (PROJECT / "notebooks").glob("*.py"):
        yield path.name, path.read_text(encoding="utf-8")
    for path in [PROJECT / "README.md", *(PROJECT / "docs").glob("[ht]*/*.md")]:
        for block in re.findall(r"^```python\n(.*?)^```", path.read_text("utf-8"), re.MULTILINE | re.DOTALL):
            yield path.name, block


def test_every_room_that_offers_names_has_a_page():
    offering = {
        f"crm_ml.{info.name}"
        for info in pkgutil.iter_modules(crm_ml.__path__)
        if hasattr(importlib.import_module(f"crm_ml.{info.name}"), "__all__")
    }
    assert offering <= set(public_names.ROOMS)


def test_every_public_name_says_what_it_is():
    names = [name for room in public_names.ROOMS for name in public_names.public_names(room)]
    values = [(name.path, public_names.value_of(name.path), name.summary) for name in names]
    assert [path for path, value, text in values if callable(value) and not text] == []


def test_what_readers_are_told_to_import_stands_in_the_reference():
    names = [name for room in public_names.ROOMS for name in public_names.public_names(room)]
    known = [public_names.value_of(name.path) for name in names]
    known += [importlib.import_module(room) for room in public_names.ROOMS]
    absent = set()
    for file, text in shown_to_readers():
        for path in imports_of(text):
            value = public_names.value_of(path)
            members = inspect.ismodule(value) and any(name.path.startswith(f"{path}.") for name in names)
            if not members and not any(value is one for one in known):
                absent.add((file, path))
    assert absent == set()


@pytest.mark.parametrize("name", contracts())
def test_every_column_of_a_table_has_a_meaning(name):
    columns = {column.name for column in contracts()[name].columns}
    shown = rows(table_pages.pages()["reference/tables.md"], name)
    assert set(shown) == columns
    assert all(text.rsplit("|", 1)[1].strip() for text in shown.values())


def test_every_score_and_every_column_of_a_list_has_a_meaning():
    pages = table_pages.pages()
    for family, module in score_table_families().items():
        shown = rows(pages["reference/score_tables.md"], family)
        assert {score for score in module.SCORES if score not in shown} <= {"uplift"}
        assert all(text.rsplit("|", 1)[1].strip() for text in shown.values()), family
    for title, schema in (
        ("list.parquet", table_pages.list_columns.of_list()),
        ("others.parquet", table_pages.list_columns.of_not_selected()),
    ):
        shown = rows(pages["reference/list.md"], title)
        assert list(shown) == schema.names
        assert all(text.rsplit("|", 1)[1].strip() for text in shown.values()), title


def test_every_feature_has_a_meaning():
    page = table_pages.pages()["reference/features.md"]
    for group in groups():
        shown = rows(page, group)
        assert set(shown) == set(importlib.import_module(f"crm_ml.features.{group}").COLUMNS)
        assert [name for name, text in shown.items() if not text.strip()] == []


def models(base=Strict):
    for model in base.__subclasses__():
        yield model
        yield from models(model)


def test_every_setting_has_a_meaning():
    pages = "".join(settings_pages.pages().values())
    bases = {
        "Scoped",
        "SnapshotTarget",
        "Run",
        "Tuned",
        "ProbabilityRun",
        "SampledRun",
        "ListPolicy",
        "ClvFile",
        "ProfileFile",
        "TagCatalogue",
        "TierRules",
    }
    parts = {part.__name__ for part in settings_pages.PARTS.values()}
    for model in models():
        written = model.__name__.startswith("_")  # of a model's files, by no user
        if model.__module__.startswith("crm_ml") and model.__name__ not in bases | parts and not written:
            keys = [owner.model_fields[name].alias or name for owner, name in settings_pages.fields(model)]
            shown = rows(pages, model.__name__)
            assert list(shown) == keys, f"{model.__name__} is on no page of settings"
            empty = [key for key, text in shown.items() if not text.rsplit("|", 1)[1].strip()]
            assert empty == [], f"say in the docstring of {model.__name__} what they are"


def test_every_command_and_exit_code_stands_in_the_reference():
    pages = command_pages.pages()
    commands = {
        ".".join(path.relative_to(PROJECT).with_suffix("").parts).removesuffix(".__main__")
        for path in (PROJECT / "crm_ml").rglob("*.py")
        if "sys.exit(main" in path.read_text(encoding="utf-8")
    }
    assert set(command_pages.modules()) == commands - {"crm_ml"}  # which only passes on to the others
    for module in command_pages.modules():
        parser = command_pages.parser_of(module)
        shown = "".join(
            rows(pages["reference/commands.md"], module.removeprefix("crm_ml.").replace(".", " "))
        )
        missing = [option for option in parser._option_string_actions if option not in shown]
        assert set(missing) <= {"-h", "--help"}, module
    codes = {
        kind.exit_code
        for kind in vars(errors).values()
        if inspect.isclass(kind) and hasattr(kind, "exit_code")
    }
    assert set(map(int, dict(CELL.findall(pages["reference/exit_codes.md"])))) == {0, 70, *codes}


def test_the_short_form_of_each_command_runs_its_module(capsys):
    short = dict(
        re.findall(
            r"`python -m ([\w.]+)` is `crm-ml ([\w ]+)`", command_pages.pages()["reference/commands.md"]
        )
    )
    assert set(short) == set(command_pages.modules())
    for module, words in short.items():
        with pytest.raises(SystemExit, match=r"^0$"):
            crm_ml_command.main([*words.split(), "--help"])
        assert capsys.readouterr().out.startswith(f"usage: python -m {module} ")


def test_every_variable_of_the_environment_stands_in_the_reference():
    sources = [path.read_text(encoding="utf-8") for path in (PROJECT / "crm_ml").rglob("*.py")]
    read = {name for text in sources for name in re.findall(r"\b(?:CRM_ML|MLFLOW_TRACKING)_[A-Z_]+", text)}
    assert set(rows(command_pages.pages()["reference/commands.md"], "Environment")) == read


def test_every_how_to_page_has_a_group():
    pages = [f"how_to/{path.name}" for path in (PROJECT / "docs/how_to").glob("*.md")]
    pages += ["contributing.md", "security.md"]
    how_to = site_sections.navigation(pages)[1]["How-to"]
    assert [entry for entry in how_to if isinstance(entry, str)] == []
    assert {path for group in how_to for path in next(iter(group.values()))} == set(pages)
    named = sum(len(stems.split()) for stems in site_sections.HOW_TO.values())
    assert named == len(pages)


@pytest.mark.parametrize(
    "module",
    [command_pages, outside_links, site_sections, field_meanings, narrow_tables, notebook_pages],
)
def test_examples_of_the_scripts_hold(module):
    assert doctest.testmod(module).failed == 0
